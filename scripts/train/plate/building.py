"""Facades of Buenos Aires: an apartment block (the target) and its neighbours.

A building stands in its own frame: the facade is the plane y = 0 seen from -Y, x runs along it from 0 to `width`, the body
goes back to y = `depth`. `mesh.frame` puts it into the street.
"""
from dataclasses import dataclass

from mathutils import Vector

REVEAL = 0.26       # how deep windows sit in the wall
LETTERS = {         # 5 x 7 dots, a row a number, for signs
    'A': (14, 17, 17, 31, 17, 17, 17), 'C': (14, 17, 16, 16, 16, 17, 14), 'D': (30, 17, 17, 17, 17, 17, 30), 'E': (31, 16, 16, 30, 16, 16, 31),
    'F': (31, 16, 16, 30, 16, 16, 16), 'I': (14, 4, 4, 4, 4, 4, 14), 'K': (17, 18, 20, 24, 20, 18, 17), 'L': (16, 16, 16, 16, 16, 16, 31),
    'M': (17, 27, 21, 21, 17, 17, 17), 'N': (17, 25, 21, 19, 17, 17, 17), 'O': (14, 17, 17, 17, 17, 17, 14), 'P': (30, 17, 17, 30, 16, 16, 16),
    'R': (30, 17, 17, 30, 20, 18, 17), 'S': (15, 16, 16, 14, 1, 1, 30), 'T': (31, 4, 4, 4, 4, 4, 4), 'V': (17, 17, 17, 17, 17, 10, 4),
}


@dataclass
class Style:
    """What distinguishes one building from the next."""
    wall: str
    trim: str
    base: str
    side: str
    shutter: str
    frame: str
    floors: int            # above the ground floor
    bays: int
    ground: float = 3.8    # heights in metres
    storey: float = 2.8
    cornice: float = 0.5   # how far the top cornice stands out; 0: a plain parapet
    balconies: tuple = ()  # per bay: '' none, 'iron', 'solid'; adjacent equal ones run together
    shop: bool = True


def letters(mesh, text, x, z, size, mat, y):
    """Raised block letters, left-aligned, `size` high."""
    dot = size / 7
    for ch in text:
        for row, bits in enumerate(LETTERS.get(ch, ())):
            for col in range(5):
                if bits >> (4 - col) & 1:
                    mesh.box((x + col * dot, y, z + size - (row + 1) * dot), (x + (col + 1.02) * dot, y - 0.04, z + size - row * dot), mat, 0.5)
        x += dot * (3.5 if ch == ' ' else 6)


def pane(mesh, x0, x1, z0, z1, y, mat):
    """Glass, tilted by a fraction of a degree as hung sashes are, so that no two mirror the same sky."""
    t, s = mesh.rng.gauss(0, 0.012) * (x1 - x0), mesh.rng.gauss(0, 0.01) * (z1 - z0)
    mesh.polygon([(x0, y + t, z0), (x1, y - t, z0), (x1, y - t + s, z1), (x0, y + t + s, z1)], mat)


def window(mesh, st, x0, x1, z0, z1, door=False):
    """Frame, two sashes, curtains or not, a roller shutter let down by chance, a sill."""
    r, y = mesh.rng, REVEAL
    f = 0.07
    mesh.box((x0, y, z0), (x0 + f, y - 0.08, z1), st.frame)
    mesh.box((x1 - f, y, z0), (x1, y - 0.08, z1), st.frame)
    mesh.box((x0, y, z0), (x1, y - 0.08, z0 + f), st.frame)
    mesh.box((x0, y, z1 - f), (x1, y - 0.08, z1), st.frame)
    mesh.box(((x0 + x1) / 2 - 0.04, y, z0), ((x0 + x1) / 2 + 0.04, y - 0.07, z1), st.frame)
    kind = r.random()
    for a, b in ((x0, (x0 + x1) / 2), ((x0 + x1) / 2, x1)):
        pane(mesh, a + f / 2, b - f / 2, z0 + f / 2, z1 - f / 2, y - 0.02, 'glass_curtain' if kind < 0.5 or r.random() < 0.2 else 'glass_dark')
    down = r.choice([0, 0, 0, 0.12, 0.25, 0.35, 0.5, 0.8, 0.97])
    if down:
        mesh.box((x0, y - 0.11, z1 - (z1 - z0) * down), (x1, y - 0.14, z1), st.shutter)
    if not door:
        mesh.box((x0 - 0.1, 0.1, z0 - 0.09), (x1 + 0.1, -0.1, z0), st.trim)
    if r.random() < 0.1 and not door:
        mesh.box((x0 + 0.2, -0.05, z0 - 0.8), (x0 + 1.0, -0.4, z0 - 0.22), 'ac')
        mesh.box((x0 + 0.25, -0.4, z0 - 0.74), (x0 + 0.95, -0.41, z0 - 0.28), 'frame_dark')


def opening_wall(mesh, mat, x0, x1, z0, z1, holes):
    """A wall from x0 to x1 with rectangular holes [(a, b, bottom, top)] left to right."""
    x = x0
    for a, b, lo, hi in holes:
        mesh.box((x, 0, z0), (a, REVEAL + 0.1, z1), mat)
        if lo > z0:
            mesh.box((a, 0, z0), (b, REVEAL + 0.1, lo), mat)
        if hi < z1:
            mesh.box((a, 0, hi), (b, REVEAL + 0.1, z1), mat)
        x = b
    mesh.box((x, 0, z0), (x1, REVEAL + 0.1, z1), mat)


def plant(mesh, x, y, z, size):
    """A pot plant: some leaves around a point."""
    r = mesh.rng
    for _ in range(int(90 * size)):
        p = Vector((x + r.gauss(0, 0.22 * size), y + r.gauss(0, 0.12), z + abs(r.gauss(0.1, 0.25 * size))))
        u = Vector((r.gauss(0, 1), r.gauss(0, 1), r.gauss(0, 1))).normalized() * 0.09
        v = u.orthogonal().normalized() * 0.05
        mesh.polygon([p - u, p + v, p + u, p - v], 'leaf_plant')


def balcony(mesh, st, kind, x0, x1, z):
    """Slab and parapet or iron railing, with what people keep there."""
    r, d = mesh.rng, 1.05
    mesh.box((x0, 0, z - 0.16), (x1, -d, z), st.trim)
    mesh.box((x0, -d - 0.05, z - 0.05), (x1, 0, z + 0.02), st.trim)
    if kind == 'solid':
        mesh.box((x0, -d, z), (x1, -d + 0.12, z + 0.72), st.wall)
        mesh.box((x0 - 0.02, -d - 0.04, z + 0.72), (x1 + 0.02, -d + 0.16, z + 0.8), st.trim)
        mesh.box((x0 + 0.03, -d + 0.04, z + 1.0), (x1 - 0.03, -d + 0.08, z + 1.04), 'iron')
        for x in (x0, x1 - 0.12):
            mesh.box((x, -d, z), (x + 0.12, 0, z + 0.8), st.wall)
    else:
        for zz in (0.12, 0.98):
            mesh.box((x0, -d + 0.02, z + zz), (x1, -d + 0.07, z + zz + 0.05), 'iron')
            for x in (x0, x1 - 0.05):
                mesh.box((x, -d, z + zz), (x + 0.05, 0, z + zz + 0.05), 'iron')
        n = int((x1 - x0) / 0.125)
        for i in range(n + 1):
            x = x0 + (x1 - x0 - 0.025) * i / n
            mesh.box((x, -d + 0.03, z), (x + 0.025, -d + 0.055, z + 1.0), 'iron', 0.5)
        for i in range(8):
            for x in (x0, x1 - 0.03):
                mesh.box((x, -d + i * d / 8, z), (x + 0.025, -d + i * d / 8 + 0.025, z + 1.0), 'iron', 0.5)
    for _ in range(r.choice([0, 1, 1, 2, 3])):
        plant(mesh, r.uniform(x0 + 0.3, x1 - 0.3), -d + 0.2, z + (0.75 if kind == 'solid' else 0.3), r.uniform(0.6, 1.3))
    if r.random() < 0.25:
        x = r.uniform(x0 + 0.1, max(x0 + 0.2, x1 - 1.0))
        mesh.box((x, -0.1, z + 0.05), (x + 0.8, -0.42, z + 0.6), 'ac')
    if r.random() < 0.2:
        awning(mesh, x0 + 0.1, x1 - 0.1, z + 2.45, 1.0, 0.55, r.choice(['awning_green', 'awning_stripe', 'awning_green', 'awning_red']))


def awning(mesh, x0, x1, z, out, drop, mat):
    """Canvas on a frame with a valance."""
    n = max(2, int((x1 - x0) / 0.3))
    for i in range(n):
        a, b = x0 + (x1 - x0) * i / n, x0 + (x1 - x0) * (i + 1) / n
        rnd = 0.9 if i % 2 or mat != 'awning_stripe' else 0.0
        mesh.polygon([(a, -out, z - drop), (b, -out, z - drop), (b, -0.02, z), (a, -0.02, z)], mat, rnd)
        mesh.polygon([(a, -out, z - drop - 0.22), (b, -out, z - drop - 0.22), (b, -out, z - drop), (a, -out, z - drop)], mat, rnd)


def shops(mesh, st, width, sign):
    """Ground floor: shop windows, a shut metal blind, the entrance of the house, signs and awnings."""
    h, n = st.ground, max(3, round(width / 3.3))
    bay, door = width / n, n // 2
    top = h - 0.85
    holes = [(i * bay + 0.25, (i + 1) * bay - 0.25, 0.35 if i != door else 0.05, top) for i in range(n)]
    opening_wall(mesh, st.base, 0, width, 0, h, holes)
    for i, (a, b, lo, hi) in enumerate(holes):
        shut = (i + st.floors) % 4 == 3
        if i == door:
            for x in (a, (a + b) / 2 - 0.05, b - 0.1):
                mesh.box((x, REVEAL, lo), (x + 0.1, REVEAL - 0.1, hi), 'bronze')
            mesh.box((a, REVEAL, hi - 0.6), (b, REVEAL - 0.1, hi - 0.5), 'bronze')
            mesh.box((a, REVEAL, lo), (b, REVEAL - 0.1, lo + 0.25), 'bronze')
            pane(mesh, a, b, lo, hi, REVEAL, 'glass_shop')
            mesh.box((a - 0.3, 0, hi + 0.05), (b + 0.3, -1.3, hi + 0.22), st.trim)
        elif shut:
            mesh.box((a, 0.12, lo - 0.3), (b, 0.15, hi), 'shutter_metal')
        else:
            for x in (a, a + (b - a) * 0.62, b - 0.07):
                mesh.box((x, REVEAL, lo), (x + 0.07, REVEAL - 0.08, hi), 'steel')
            mesh.box((a, REVEAL, lo), (b, REVEAL - 0.08, lo + 0.08), 'steel')
            mesh.box((a, REVEAL, hi - 0.5), (b, REVEAL - 0.08, hi - 0.44), 'steel')
            pane(mesh, a, b, lo, hi, REVEAL, 'glass_shop')
            for _ in range(5):      # goods and posters close behind the glass
                x, w, z = mesh.rng.uniform(a, b - 0.5), mesh.rng.uniform(0.2, 0.5), mesh.rng.uniform(lo + 0.1, lo + 1.3)
                mesh.box((x, REVEAL - 0.03, z), (x + w, REVEAL - 0.035, z + w * 1.3), mesh.rng.choice(['sign_white', 'awning_stripe', 'sign_red', 'sign_yellow', 'wall_grey']))
    if sign:
        a, b = 0.15, door * bay - 0.15
        board, ink, text = sign
        mesh.box((a, 0, h - 0.8), (b, -0.18, h - 0.12), board)
        letters(mesh, text, a + (b - a - len(text) * 0.36) / 2, h - 0.67, 0.42, ink, -0.18)
        awning(mesh, (door + 1) * bay + 0.1, width - 0.2, h - 0.65, 1.5, 0.7, mesh.rng.choice(['awning_green', 'awning_red', 'awning_stripe']))
        mesh.box((b - 0.35, -0.2, h + 0.3), (b - 0.2, -1.0, h + 1.1), board)        # a sign that hangs out over the pavement


def roof(mesh, st, width, depth, z):
    """Parapet, tank room, water tank, vents, aerials."""
    r = mesh.rng
    mesh.box((0.3, 0.3, z - 0.1), (width - 0.3, depth - 0.3, z + 0.05), 'roof')
    for lo, hi in (((0, 0, z), (width, 0.22, z + 0.95)), ((0, 0, z), (0.22, depth, z + 0.95)), ((width - 0.22, 0, z), (width, depth, z + 0.95)),
                   ((0, depth - 0.2, z), (width, depth, z + 0.95))):
        mesh.box(lo, hi, st.wall)
    mesh.box((-0.05, -0.08, z + 0.95), (width + 0.05, 0.3, z + 1.05), st.trim)
    if st.floors >= 3:
        a = width * r.uniform(0.3, 0.5)
        mesh.box((a, depth * 0.22, z), (a + 4.2, depth * 0.22 + 4, z + 2.6), st.side)
        mesh.box((a - 0.15, depth * 0.22 - 0.15, z + 2.6), (a + 4.35, depth * 0.22 + 4.2, z + 2.75), st.trim)
        mesh.tube([(a + 2.1, depth * 0.22 + 2, z + 2.75), (a + 2.1, depth * 0.22 + 2, z + 4.0)], 0.9, 'tank', 16)
    for _ in range(4):
        x, y = r.uniform(0.8, width - 0.8), r.uniform(1.0, depth * 0.35)
        mesh.tube([(x, y, z), (x, y, z + r.uniform(1.2, 1.9))], 0.09, 'steel', 8)
    for _ in range(2):
        x, h = r.uniform(1, width - 1), r.uniform(2.6, 4.0)
        mesh.tube([(x, 2.5, z), (x, 2.5, z + h)], 0.025, 'steel', 5)
        for k in range(6):
            w = 0.5 - 0.05 * k
            mesh.box((x - w, 2.3 + 0.1 * k, z + h - 0.2 * k), (x + w, 2.32 + 0.1 * k, z + h - 0.2 * k + 0.02), 'steel')


def apartment(mesh, st: Style, width, depth, sign=None):
    """The whole house; returns its height to the top of the parapet."""
    r = mesh.rng
    bay = width / st.bays
    if st.shop:
        shops(mesh, st, width, sign)
    else:
        holes = [(i * bay + bay * 0.3, (i + 1) * bay - bay * 0.3, 0.9 if i % 2 else 0.1, st.ground - 0.8) for i in range(st.bays)]
        opening_wall(mesh, st.base, 0, width, 0, st.ground, holes)
        for i, (a, b, lo, hi) in enumerate(holes):
            window(mesh, st, a, b, lo, hi, i % 2 == 0)
    mesh.box((0, 0, st.ground - 0.1), (width, -0.16, st.ground + 0.1), st.trim)
    balconies = st.balconies or ('',) * st.bays
    for fl in range(st.floors):
        z = st.ground + fl * st.storey
        holes = []
        for i in range(st.bays):
            w = bay * (0.62 if balconies[i] else 0.5)
            a = i * bay + (bay - w) / 2
            holes.append((a, a + w, z + (0.05 if balconies[i] else 0.9), z + st.storey - 0.42))
        opening_wall(mesh, st.wall, 0, width, z, z + st.storey, holes)
        for (a, b, lo, hi), k in zip(holes, balconies):
            window(mesh, st, a, b, lo, hi, bool(k))
            mesh.box((a - 0.12, 0, hi), (b + 0.12, -0.07, hi + 0.16), st.trim)
            for x in (a - 0.14, b):
                mesh.box((x, 0, lo), (x + 0.14, -0.05, hi), st.trim)
        i = 0
        while i < st.bays:
            j = i
            while j + 1 < st.bays and balconies[j + 1] == balconies[i]:
                j += 1
            if balconies[i]:
                balcony(mesh, st, balconies[i], i * bay + 0.15, (j + 1) * bay - 0.15, z + 0.02)
            i = j + 1
        if fl:
            mesh.box((0, 0, z - 0.08), (width, -0.06, z + 0.06), st.trim)
    top = st.ground + st.floors * st.storey
    if st.cornice:
        for k, (out, lo, hi) in enumerate(((0.3, -0.5, -0.3), (0.65, -0.3, -0.12), (1.0, -0.12, 0.06))):
            mesh.box((-0.02, 0, top + lo), (width + 0.02, -st.cornice * out, top + hi), st.trim)
        for i in range(int(width / 0.6)):
            mesh.box((i * 0.6 + 0.2, 0, top - 0.34), (i * 0.6 + 0.4, -st.cornice * 0.6, top - 0.14), st.trim)
    back = REVEAL + 0.1
    mesh.box((0, back, 0), (0.25, depth, top), st.side)
    mesh.box((width - 0.25, back, 0), (width, depth, top), st.side)
    mesh.box((0.25, depth - 0.3, 0), (width - 0.25, depth, top), st.side)
    mesh.box((0.2, REVEAL + 0.02, 0), (width - 0.2, REVEAL + 0.12, top), 'frame_dark')   # nothing is seen past the glass
    for _ in range(st.floors):      # the small windows of bathrooms in the party walls
        y, z = r.uniform(2.5, depth - 2), st.ground + r.uniform(0.5, st.floors * st.storey - 1)
        for x in (-0.01, width + 0.01):
            mesh.box((x - 0.01, y, z), (x + 0.01, y + 0.6, z + 0.5), 'frame_dark')
    for x, y in ((0.02, 1.4), (width - 0.02, 4.0)):
        mesh.tube([(x, y, 0), (x, y, top)], 0.06, 'steel', 6)
    roof(mesh, st, width, depth, top)
    return top + 1.05
