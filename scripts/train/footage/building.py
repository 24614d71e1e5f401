"""Procedural facades and the street around them, as hexahedra with one material a face.

Axes: x along the facade, y into the block (the street is at y < 0), z up; metres. The target building
stands on x in 0..width, y in 0..depth and is cut into irregular blocks that tile it exactly.
"""
import math
from dataclasses import dataclass, field

import numpy as np

from .kernels import jit

# Corners of a hexahedron's faces, in the order z-, z+, y-, x+, y+, x-.
QUADS = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
TRIANGLES = np.array([[q[0], q[1], q[2], q[0], q[2], q[3]] for q in QUADS]).reshape(12, 3)

(WALL, ROOM, TRIM, GLASS, CAR, METAL, LEAF, WALL2, GROUND, RAW, BLIND, BASE, ROOF, PARTY, FAR, WOOD, RAIL,
 LAMP, WALL3, SIGN, UNIT) = range(21)
MATERIALS = 21

# What a chunk is part of; the destruction plans pick by it.
FRONT, SIDE, BACK, SLAB, PARTITION, PANE, ORNAMENT, ROOFTOP, DEBRIS = range(9)

STYLES = ("academic", "balcony", "brick", "office", "house", "plain")


def box(x0, x1, y0, y1, z0, z1):
    """Axis-aligned hexahedron, float [8,3]."""
    return np.array([[x0, y0, z0], [x1, y0, z0], [x1, y1, z0], [x0, y1, z0],
                     [x0, y0, z1], [x1, y0, z1], [x1, y1, z1], [x0, y1, z1]], float)


_EDGES = (((0, 1), (3, 2), (4, 5), (7, 6)), ((0, 3), (1, 2), (4, 7), (5, 6)), ((0, 4), (1, 5), (2, 6), (3, 7)))


def split(hexahedron, rng, largest):
    """Cuts across the longest axis with a skewed plane, again and again, until the pieces are small."""
    lengths = [np.abs(hexahedron[e[0][1]] - hexahedron[e[0][0]]).sum() for e in _EDGES]
    axis = int(np.argmax(lengths))
    if lengths[axis] < largest * rng.uniform(0.8, 1.3):
        return [hexahedron]
    t = rng.uniform(0.35, 0.65)
    first, second = hexahedron.copy(), hexahedron.copy()
    for a, b in _EDGES[axis]:
        cut = hexahedron[a] + (hexahedron[b] - hexahedron[a]) * min(0.85, max(0.15, t + rng.uniform(-0.14, 0.14)))
        first[b] = cut
        second[a] = cut
    return split(first, rng, largest) + split(second, rng, largest)


@jit
def outerFaces(parent, pieces, quads, keep):
    """keep [n,6]: whether a piece's face lies on the parent's face of the same side."""
    for f in range(6):
        a, b, c, d = parent[quads[f, 0]], parent[quads[f, 1]], parent[quads[f, 2]], parent[quads[f, 3]]
        ux, uy, uz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        vx, vy, vz = d[0] - b[0], d[1] - b[1], d[2] - b[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
        for i in range(pieces.shape[0]):
            farthest = 0.0
            for k in range(4):
                p = pieces[i, quads[f, k]]
                farthest = max(farthest, abs((p[0] - a[0]) * nx + (p[1] - a[1]) * ny + (p[2] - a[2]) * nz) / length)
            keep[i, f] = farthest < 2e-3


@dataclass
class Blocks:
    """A growing list of hexahedra with what they are made of."""
    shapes: list = field(default_factory=list)     # [8,3] each
    materials: list = field(default_factory=list)  # 6 ints each
    weakness: list = field(default_factory=list)
    parts: list = field(default_factory=list)

    def add(self, shape, material, weak=1.0, part=ORNAMENT):
        self.shapes.append(shape)
        self.materials.append([material] * 6 if isinstance(material, int) else list(material))
        self.weakness.append(weak)
        self.parts.append(part)


class Facade:
    """Draws a building's parameters from rng and emits its boxes into Blocks."""

    def __init__(self, rng, width, depth, floors, bays, floorHeight, style=None):
        self.width, self.depth, self.floors, self.bays, self.floorHeight = width, depth, floors, bays, floorHeight
        self.height = floors * floorHeight
        self.style = style or STYLES[rng.choice(6, p=(.22, .24, .16, .12, .12, .14))]
        s = self.style
        self.opening = {"academic": (.3, .42), "balcony": (.55, .8), "brick": (.34, .55), "office": (.72, .9),
                        "house": (.28, .42), "plain": (.36, .6)}[s]
        self.opening = rng.uniform(*self.opening)
        self.sill = rng.uniform(*{"academic": (.04, .12), "balcony": (.04, .2), "office": (.2, .34),
                                  "house": (.04, .16)}.get(s, (.2, .34)))
        self.lintel = rng.uniform(.74, .86)
        self.shop = rng.random() < (.15 if s == "house" else .6)
        self.balcony = {"academic": rng.choice(["juliet", "box", "none"], p=(.4, .4, .2)),
                        "balcony": rng.choice(["long", "box"], p=(.7, .3)), "office": "none",
                        "house": rng.choice(["juliet", "none"])}.get(s, rng.choice(["none", "box", "juliet"]))
        self.balconyFront = rng.choice(["rail", "solid", "glass"], p=(.5, .35, .15))
        if s in ("academic", "house"):
            self.balconyFront = "rail"
        self.balconyEvery = int(rng.integers(1, 3))
        self.blinds = rng.uniform(0, .75) if s != "office" else rng.uniform(0, .2)
        self.cornice = {"academic": .5, "house": .4, "plain": .22, "brick": .2}.get(s, .08) * rng.uniform(.7, 1.3)
        self.bands = s in ("academic", "house") or rng.random() < .35
        self.pilasters = s == "academic" and rng.random() < .6 or rng.random() < .12
        self.blankSides = rng.random() < .6
        self.mansard = s == "academic" and rng.random() < .4
        self.tank = rng.random() < .6
        self.recess = rng.uniform(.14, .3)
        self.ledge = rng.random() < .7
        self.units = rng.choice([0, .12, .35], p=(.5, .3, .2)) if s != "house" else 0  # air conditioners
        self.sign = self.shop and rng.random() < .7
        self.awning = rng.choice([0, .5, 1.0], p=(.5, .25, .25)) if self.shop else 0

    def emit(self, out, rng, x0=0.0, y0=0.0, largest=1.35, whole=False, wall=WALL):
        """Emits all boxes; `whole` leaves them uncut (buildings that never break)."""
        W, D, H, fh = self.width, self.depth, self.height, self.floorHeight
        thick = .4
        bayWidth = W / self.bays

        def add(shape, materials, size=largest, weak=1.0, part=ORNAMENT):
            faces = [materials] * 6 if isinstance(materials, int) else materials
            if whole:
                out.add(shape, faces, weak, part)
                return
            pieces = np.array(split(shape, rng, size))
            # A face of a piece that lies on the parent's face keeps its material; a cut face is raw masonry.
            keep = np.zeros((len(pieces), 6), bool)
            outerFaces(shape, pieces, QUADS, keep)
            for piece, k in zip(pieces, keep):
                out.add(piece, [faces[f] if k[f] else RAW for f in range(6)], weak, part)

        def frame(axis):
            """Maps (along, across, up) of a wall to a box: axis 0 is the front, 1 a side."""
            if axis == 0:
                return lambda u0, u1, v0, v1, z0, z1: box(x0 + u0, x0 + u1, y0 + v0, y0 + v1, z0, z1)
            return lambda u0, u1, v0, v1, z0, z1: box(x0 + v0, x0 + v1, y0 + u0, y0 + u1, z0, z1)

        # The street front.
        put = frame(0)
        faces = [wall, wall, wall, wall, ROOM, wall]
        for i in range(self.floors):
            z = i * fh
            shop = i == 0 and self.shop
            lowShare, highShare = (.03, .84) if shop else (self.sill, self.lintel)
            if i == 0 and not shop:
                lowShare = max(lowShare, .22)
            opening = .82 if shop else self.opening
            low, high = z + lowShare * fh, z + highShare * fh
            based = i == 0 and not whole and self.style in ("academic", "balcony", "plain")
            ground = [BASE if f == wall else f for f in faces] if based else faces
            door = int(rng.integers(self.bays)) if i == 0 else -1
            for k in range(self.bays):
                u = k * bayWidth
                p0, p1 = u + bayWidth * (1 - opening) / 2, u + bayWidth * (1 + opening) / 2
                here = z + .02 * fh if k == door else low
                add(put(u, p0, 0, thick, z, z + fh), ground, part=FRONT)
                add(put(p1, u + bayWidth, 0, thick, z, z + fh), ground, part=FRONT)
                add(put(p0, p1, 0, thick, z, here), ground, part=FRONT)
                add(put(p0, p1, 0, thick, high, z + fh), ground, part=FRONT)
                g = self.recess
                if k == door and not shop:
                    add(put(p0, p1, g, g + .08, here, high), WOOD, 9, .3, PANE)
                elif shop and rng.random() < .35:
                    add(put(p0, p1, g - .05, g + .04, here, high), BLIND, 9, .3, PANE)
                else:
                    add(put(p0, p1, g, g + .06, here, high), GLASS, 9, .15, PANE)
                    middle = (p0 + p1) / 2
                    add(put(middle - .04, middle + .04, g - .06, g, here, high), TRIM if self.style != "office" else METAL, 9, .2, PANE)
                    if p1 - p0 > 1.5:
                        for side in (p0, p1 - .08):
                            add(put(side, side + .08, g - .05, g, here, high), TRIM, 9, .2, PANE)
                    if rng.random() < self.blinds and not shop:
                        drop = rng.choice([.25, .5, .75, 1.0]) * (high - here)
                        add(put(p0 + .02, p1 - .02, g - .1, g - .04, high - drop, high), BLIND, 9, .2, PANE)
                if self.ledge and k != door and not shop:
                    add(put(p0 - .12, p1 + .12, -.13, 0, here - .1, here), TRIM, 2.5, .4)
                if i and rng.random() < self.units:
                    at = p0 + rng.uniform(-.2, .3)
                    add(put(at, at + .75, -.34, 0, z + .06 * fh, z + .06 * fh + .5), UNIT, 9, .3)
                if shop and rng.random() < self.awning:
                    flap = put(p0 - .1, p1 + .1, -1.1, 0, high - .12, high)
                    flap[[0, 1, 4, 5], 2] -= .55
                    add(flap, SIGN, 2.5, .3)
                if self.style in ("academic", "house") and not shop:
                    add(put(p0 - .16, p1 + .16, -.1, 0, high, high + .2), TRIM, 2.5, .5)
                if i and not (self.balcony == "none" or self.balcony == "long"):
                    if k % self.balconyEvery == 0:
                        reach = .34 if self.balcony == "juliet" else .95
                        self._balcony(add, put, p0 - .25, p1 + .25, z, reach, wall)
                if self.pilasters and not shop:
                    add(put(u - .18 + (.18 if k == 0 else 0), u + .18, -.1, 0, z, z + fh - .3), TRIM, 2, .6)
            if i and self.balcony == "long":
                self._balcony(add, put, .12, W - .12, z, 1.15, wall)
            if i < self.floors - 1 and self.bands:
                add(put(-.03, W + .03, -.1, 0, z + fh - .2, z + fh), TRIM, 2.2, .6)
        if self.sign:
            u0, u1 = sorted(rng.uniform(.1, W - .1, 2)) if rng.random() < .4 else (.2, W - .2)
            if u1 - u0 > 1:
                add(put(u0, u1, -.12, 0, .86 * fh, .98 * fh), SIGN, 3, .4)
        add(put(-.06, W + .06, -max(.06, self.cornice), 0, H - .26, H), TRIM, 2.2, .6)
        if self.cornice > .25:
            add(put(-.04, W + .04, -self.cornice * .5, 0, H - .5, H - .26), TRIM, 2.2, .6)

        # Party walls: mostly blank in this city, else with a row of windows.
        sideBays = max(2, round(D / 3.2))
        sideWidth = D / sideBays
        for v0, v1, pane, outward in ((W - thick, W, W - .25, 3), (0, thick, .2, 5)):
            outer = [PARTY if self.blankSides else wall] * 6
            outer[5 if outward == 3 else 3] = ROOM
            put = frame(1)
            for i in range(self.floors):
                z = i * fh
                if self.blankSides:
                    add(put(thick, D, v0, v1, z, z + fh), outer, 1.7 if not whole else 9, part=SIDE)
                    continue
                for k in range(sideBays):
                    u = max(k * sideWidth, thick)
                    end = (k + 1) * sideWidth
                    p0, p1 = k * sideWidth + sideWidth * .32, k * sideWidth + sideWidth * .68
                    low, high = z + .3 * fh, z + .78 * fh
                    add(put(u, p0, v0, v1, z, z + fh), outer, part=SIDE)
                    add(put(p1, end, v0, v1, z, z + fh), outer, part=SIDE)
                    add(put(p0, p1, v0, v1, z, low), outer, part=SIDE)
                    add(put(p0, p1, v0, v1, high, z + fh), outer, part=SIDE)
                    add(put(p0, p1, pane, pane + .05, low, high), GLASS, 9, .15, PANE)

        # Inside: floors and partitions where it can break, a dark core where it can't.
        if whole:
            out.add(box(x0 + .45, x0 + W - .45, y0 + .5, y0 + D, 0, H), ROOM)
        else:
            add(box(thick, W - thick, D - thick, D, 0, H), [wall, wall, ROOM, wall, wall, wall], 2.4, 1, BACK)
            for i in range(1, self.floors + 1):
                top = ROOF if i == self.floors else WOOD
                add(box(thick, W - thick, thick, D - thick, i * fh - .28, i * fh), [ROOM, top, RAW, RAW, RAW, RAW], 2.3, .8, SLAB)
            for k in range(2, self.bays, 2):
                for i in range(self.floors):
                    add(box(k * bayWidth - .1, k * bayWidth + .1, thick, D - thick, i * fh, (i + 1) * fh - .28), ROOM, 2.6, .8, PARTITION)
        self._roof(add, out, rng, x0, y0, wall, whole)

    def _balcony(self, add, put, u0, u1, z, reach, wall):
        add(put(u0, u1, -reach, 0, z - .02, z + .13), TRIM, 2, .5)
        if self.balconyFront == "rail":
            add(put(u0, u1, -reach, -reach + .05, z + .92, z + 1.0), RAIL, 3, .3)
            bars = max(3, int((u1 - u0) / .42))
            for k in range(bars):
                q = u0 + (u1 - u0 - .05) * k / (bars - 1)
                add(put(q, q + .05, -reach, -reach + .05, z + .13, z + .92), RAIL, 3, .2)
        else:
            material = GLASS if self.balconyFront == "glass" else wall
            add(put(u0, u1, -reach, -reach + .1, z + .13, z + 1.0), material, 2, .4)

    def _roof(self, add, out, rng, x0, y0, wall, whole):
        W, D, H = self.width, self.depth, self.height
        if self.mansard:
            slope = box(x0, x0 + W, y0, y0 + min(4.0, D * .6), H, H + 2.4)
            slope[4:6, 1] += 1.3
            add(slope, ROOF, 1.6, .7, ROOFTOP)
        else:
            rise = .35 + .6 * rng.random()
            add(box(x0 - .04, x0 + W + .04, y0 - .04, y0 + .26, H, H + rise), wall, 1.35, .6, ROOFTOP)
            for side in (x0 - .04, x0 + W - .24):
                add(box(side, side + .28, y0 + .26, y0 + D, H, H + rise), PARTY, 1.6, .6, ROOFTOP)
        if self.tank:
            u = x0 + rng.uniform(.5, max(.6, W - 3.5))
            add(box(u, u + 2.6, y0 + 1.5, y0 + 4, H, H + 2.2), PARTY, 1.5, .7, ROOFTOP)
            add(box(u + .4, u + 1.8, y0 + 2, y0 + 3.4, H + 2.2, H + 3.4), wall, 1.5, .6, ROOFTOP)


def addDebris(blocks, rng, count):
    """Scraps that hide inside the walls until their surroundings move; they have no joints."""
    hosts = [i for i, part in enumerate(blocks.parts) if part in (FRONT, SIDE, BACK)]
    for i in rng.choice(hosts, count):
        centre = blocks.shapes[i].mean(0)
        half = rng.uniform(.03, .1, 3) * (1, .9, 1)
        b = box(*np.stack([centre - half, centre + half], 1).ravel())
        b += rng.uniform(-.25, .25, (8, 3)) * half
        blocks.add(b, RAW if rng.random() < .7 else ROOM, 1.0, DEBRIS)


def addStreet(blocks, rng, width, height, depth):
    """Neighbours, skyline, cars, lamp posts, trees: everything that stays."""
    joined = rng.random() < .5
    for side in (-1, 1):
        edge = 0.0 if side < 0 else width
        for row in range(3):
            if row and rng.random() < .1:
                edge += side * rng.uniform(4, 12)
            bays = int(rng.integers(2, 6))
            w = bays * rng.uniform(2.5, 3.3)
            gap = .02 if joined or row else rng.uniform(.3, 7)
            floors = int(np.clip(rng.normal(height / 3.1, 2.2), 1, 10))
            near = edge + side * gap
            facade = Facade(rng, w, rng.uniform(7, 11), floors, bays, rng.uniform(2.8, 3.5))
            facade.emit(blocks, rng, near if side > 0 else near - w, rng.uniform(-.3, .5), whole=True,
                        wall=WALL2 if (row + (side > 0)) % 2 else WALL3)
            edge = near + side * w
    for _ in range(int(rng.integers(3, 12))):
        x, w, y = rng.uniform(-60, 70), rng.uniform(8, 18), rng.uniform(depth + 12, 70)
        blocks.add(box(x, x + w, y, y + 10, 0, rng.uniform(8, 20) + (rng.random() < .3) * rng.uniform(5, 20)), FAR)

    def prop(x0, x1, y0, y1, z0, z1, m):
        blocks.add(box(x0, x1, y0, y1, z0, z1), m)

    blocks.add(box(-80, 90, -3.35, -3.15, 0, .14), TRIM)
    for _ in range(int(rng.integers(0, 7))):
        _car(blocks, rng.uniform(-14, width + 10), -5.2 if rng.random() < .65 else -10.4 - rng.uniform(0, 3), rng)
    for _ in range(int(rng.integers(0, 5))):
        x = rng.uniform(-12, width + 12)
        prop(x, x + .13, -3, -2.87, 0, 5.6, METAL)
        prop(x - .08, x + .2, -4.3, -2.9, 5.5, 5.63, METAL)
        prop(x - .12, x + .24, -4.5, -4.0, 5.36, 5.5, LAMP)
    if rng.random() < .12:
        _bus(blocks, rng.uniform(-14, width + 4), -7.6 - rng.uniform(0, 2))
    if rng.random() < .35:  # overhead wires on poles
        for x in (-16, rng.uniform(-3, width + 3), width + 16):
            prop(x, x + .2, -3, -2.8, 0, 7, WOOD)
        for z in (6.4, 6.8):
            prop(-60, 60, -2.94, -2.9, z, z + .035, RAIL)
    for _ in range(int(rng.choice([0, 1, 2, 3, 5], p=(.25, .25, .2, .2, .1)))):
        _tree(blocks, rng, rng.uniform(-14, width + 14), -2.5 if rng.random() < .75 else -12.5)


def _car(blocks, x, y, rng):
    length, tall = rng.uniform(3.6, 4.6), rng.uniform(.92, 1.1)
    blocks.add(box(x, x + length, y, y + 1.75, .32, .92 * tall), CAR)
    cabin = box(x + .2 * length, x + .86 * length, y + .1, y + 1.65, .92 * tall, 1.46 * tall)
    cabin[[4, 7], 0] += .45
    cabin[[5, 6], 0] -= .4
    cabin[[4, 5], 1] += .12
    cabin[[6, 7], 1] -= .12
    blocks.add(cabin, [CAR, CAR, GLASS, GLASS, GLASS, GLASS])
    for q in (.14, .72):
        blocks.add(box(x + q * length, x + q * length + .62, y - .03, y + 1.78, 0, .6), METAL)


def _bus(blocks, x, y):
    blocks.add(box(x, x + 10.5, y, y + 2.4, .4, 1.25), CAR)
    blocks.add(box(x + .05, x + 10.45, y + .03, y + 2.37, 1.25, 2.3), GLASS)
    for k in range(6):
        blocks.add(box(x + k * 2.06, x + k * 2.06 + .2, y - .01, y + 2.41, 1.25, 2.3), CAR)
    blocks.add(box(x, x + 10.5, y, y + 2.4, 2.3, 2.95), CAR)
    for q in (1.6, 7.9):
        blocks.add(box(x + q, x + q + .95, y - .03, y + 2.43, 0, .9), METAL)


def _tree(blocks, rng, x, y):
    tall = rng.uniform(3, 6.5)
    trunk = box(x - .16, x + .16, y - .16, y + .16, 0, tall)
    trunk[4:] = trunk[4:] * (.6, .6, 1) + (x * .4, y * .4, 0)
    blocks.add(trunk, WOOD)
    spread = rng.uniform(1.0, 1.9)
    lumps = rng.normal(0, .75, (6, 3)) * (spread, spread, spread * .7) + (x, y, tall + spread * .5)
    for k in range(int(240 * spread)):
        c = lumps[k % 6] + rng.normal(0, .42, 3) * spread
        s = rng.uniform(.08, .2)
        leaf = box(-s, s, -s, s, -s * .35, s * .35)
        a, b = rng.uniform(-1.2, 1.2, 2)
        tilt = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]) @ np.array(
            [[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        blocks.add(leaf @ tilt.T + c, LEAF)
