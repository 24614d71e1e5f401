"""Procedural facades and the street around them, as hexahedra with one material a face.

Axes: x along the facade, y into the block (the street is at y < 0), z up; metres. The target building
stands on x in 0..width, y in 0..depth and is cut into irregular blocks that tile it exactly.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from .kernels import jit

# Corners of a hexahedron's faces, in the order z-, z+, y-, x+, y+, x-.
QUADS = np.array(
    [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
)
TRIANGLES = np.array([[q[0], q[1], q[2], q[0], q[2], q[3]] for q in QUADS]).reshape(12, 3)

(
    WALL,
    ROOM,
    TRIM,
    GLASS,
    CAR,
    METAL,
    LEAF,
    WALL2,
    GROUND,
    RAW,
    BLIND,
    BASE,
    ROOF,
    PARTY,
    FAR,
    WOOD,
    RAIL,
    LAMP,
    WALL3,
    SIGN,
    UNIT,
) = range(21)
MATERIALS = 21

# What a chunk is part of; the destruction plans pick by it.
FRONT, SIDE, BACK, SLAB, PARTITION, PANE, ORNAMENT, ROOFTOP, DEBRIS = range(9)

STYLES = ("academic", "balcony", "brick", "office", "house", "plain")


def box(x0, x1, y0, y1, z0, z1):
    """Axis-aligned hexahedron, float [8,3]."""
    return np.array(
        [
            [x0, y0, z0],
            [x1, y0, z0],
            [x1, y1, z0],
            [x0, y1, z0],
            [x0, y0, z1],
            [x1, y0, z1],
            [x1, y1, z1],
            [x0, y1, z1],
        ],
        float,
    )


_EDGES = (
    ((0, 1), (3, 2), (4, 5), (7, 6)),
    ((0, 3), (1, 2), (4, 7), (5, 6)),
    ((0, 4), (1, 5), (2, 6), (3, 7)),
)


def split(hexahedron, rng, largest):
    """Cuts across the longest axis with a skewed plane, again and again, until the pieces are small."""
    lengths = [np.abs(hexahedron[e[0][1]] - hexahedron[e[0][0]]).sum() for e in _EDGES]
    axis = int(np.argmax(lengths))
    if lengths[axis] < largest * rng.uniform(0.8, 1.3):
        return [hexahedron]
    t = rng.uniform(0.35, 0.65)
    first, second = hexahedron.copy(), hexahedron.copy()
    for a, b in _EDGES[axis]:
        cut = hexahedron[a] + (hexahedron[b] - hexahedron[a]) * min(
            0.85, max(0.15, t + rng.uniform(-0.14, 0.14))
        )
        first[b] = cut
        second[a] = cut
    return split(first, rng, largest) + split(second, rng, largest)


@jit
def outerFaces(parent, pieces, quads, keep):
    """keep [n,6]: whether a piece's face lies on the parent's face of the same side."""
    for f in range(6):
        a, b, c, d = (
            parent[quads[f, 0]],
            parent[quads[f, 1]],
            parent[quads[f, 2]],
            parent[quads[f, 3]],
        )
        ux, uy, uz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        vx, vy, vz = d[0] - b[0], d[1] - b[1], d[2] - b[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        length = math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12
        for i in range(pieces.shape[0]):
            farthest = 0.0
            for k in range(4):
                p = pieces[i, quads[f, k]]
                farthest = max(
                    farthest,
                    abs((p[0] - a[0]) * nx + (p[1] - a[1]) * ny + (p[2] - a[2]) * nz) / length,
                )
            keep[i, f] = farthest < 2e-3


@dataclass
class Blocks:
    """A growing list of hexahedra with what they are made of."""

    shapes: list = field(default_factory=list)  # [8,3] each
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
        self.width, self.depth, self.floors, self.bays, self.floorHeight = (
            width,
            depth,
            floors,
            bays,
            floorHeight,
        )
        self.height = floors * floorHeight
        self.style = style or STYLES[rng.choice(6, p=(0.22, 0.24, 0.16, 0.12, 0.12, 0.14))]
        s = self.style
        self.opening = {
            "academic": (0.3, 0.42),
            "balcony": (0.55, 0.8),
            "brick": (0.34, 0.55),
            "office": (0.72, 0.9),
            "house": (0.28, 0.42),
            "plain": (0.36, 0.6),
        }[s]
        self.opening = rng.uniform(*self.opening)
        self.sill = rng.uniform(
            *{
                "academic": (0.04, 0.12),
                "balcony": (0.04, 0.2),
                "office": (0.2, 0.34),
                "house": (0.04, 0.16),
            }.get(s, (0.2, 0.34))
        )
        self.lintel = rng.uniform(0.74, 0.86)
        self.shop = rng.random() < (0.15 if s == "house" else 0.6)
        self.balcony = {
            "academic": rng.choice(["juliet", "box", "none"], p=(0.4, 0.4, 0.2)),
            "balcony": rng.choice(["long", "box"], p=(0.7, 0.3)),
            "office": "none",
            "house": rng.choice(["juliet", "none"]),
        }.get(s, rng.choice(["none", "box", "juliet"]))
        self.balconyFront = rng.choice(["rail", "solid", "glass"], p=(0.5, 0.35, 0.15))
        if s in ("academic", "house"):
            self.balconyFront = "rail"
        self.balconyEvery = int(rng.integers(1, 3))
        self.blinds = rng.uniform(0, 0.75) if s != "office" else rng.uniform(0, 0.2)
        self.cornice = {"academic": 0.5, "house": 0.4, "plain": 0.22, "brick": 0.2}.get(
            s, 0.08
        ) * rng.uniform(0.7, 1.3)
        self.bands = s in ("academic", "house") or rng.random() < 0.35
        self.pilasters = s == "academic" and rng.random() < 0.6 or rng.random() < 0.12
        self.blankSides = rng.random() < 0.6
        self.mansard = s == "academic" and rng.random() < 0.4
        self.tank = rng.random() < 0.6
        self.recess = rng.uniform(0.14, 0.3)
        self.ledge = rng.random() < 0.7
        self.units = (
            rng.choice([0, 0.12, 0.35], p=(0.5, 0.3, 0.2)) if s != "house" else 0
        )  # air conditioners
        self.sign = self.shop and rng.random() < 0.7
        self.awning = rng.choice([0, 0.5, 1.0], p=(0.5, 0.25, 0.25)) if self.shop else 0

    def emit(self, out, rng, x0=0.0, y0=0.0, largest=1.35, whole=False, wall=WALL):
        """Emits all boxes; `whole` leaves them uncut (buildings that never break)."""
        W, D, H, fh = self.width, self.depth, self.height, self.floorHeight
        thick = 0.4
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
                return lambda u0, u1, v0, v1, z0, z1: box(
                    x0 + u0, x0 + u1, y0 + v0, y0 + v1, z0, z1
                )
            return lambda u0, u1, v0, v1, z0, z1: box(x0 + v0, x0 + v1, y0 + u0, y0 + u1, z0, z1)

        # The street front.
        put = frame(0)
        faces = [wall, wall, wall, wall, ROOM, wall]
        for i in range(self.floors):
            z = i * fh
            shop = i == 0 and self.shop
            lowShare, highShare = (0.03, 0.84) if shop else (self.sill, self.lintel)
            if i == 0 and not shop:
                lowShare = max(lowShare, 0.22)
            opening = 0.82 if shop else self.opening
            low, high = z + lowShare * fh, z + highShare * fh
            based = i == 0 and not whole and self.style in ("academic", "balcony", "plain")
            ground = [BASE if f == wall else f for f in faces] if based else faces
            door = int(rng.integers(self.bays)) if i == 0 else -1
            for k in range(self.bays):
                u = k * bayWidth
                p0, p1 = u + bayWidth * (1 - opening) / 2, u + bayWidth * (1 + opening) / 2
                here = z + 0.02 * fh if k == door else low
                add(put(u, p0, 0, thick, z, z + fh), ground, part=FRONT)
                add(put(p1, u + bayWidth, 0, thick, z, z + fh), ground, part=FRONT)
                add(put(p0, p1, 0, thick, z, here), ground, part=FRONT)
                add(put(p0, p1, 0, thick, high, z + fh), ground, part=FRONT)
                g = self.recess
                if k == door and not shop:
                    add(put(p0, p1, g, g + 0.08, here, high), WOOD, 9, 0.3, PANE)
                elif shop and rng.random() < 0.35:
                    add(put(p0, p1, g - 0.05, g + 0.04, here, high), BLIND, 9, 0.3, PANE)
                else:
                    add(put(p0, p1, g, g + 0.06, here, high), GLASS, 9, 0.15, PANE)
                    middle = (p0 + p1) / 2
                    add(
                        put(middle - 0.04, middle + 0.04, g - 0.06, g, here, high),
                        TRIM if self.style != "office" else METAL,
                        9,
                        0.2,
                        PANE,
                    )
                    if p1 - p0 > 1.5:
                        for side in (p0, p1 - 0.08):
                            add(put(side, side + 0.08, g - 0.05, g, here, high), TRIM, 9, 0.2, PANE)
                    if rng.random() < self.blinds and not shop:
                        drop = rng.choice([0.25, 0.5, 0.75, 1.0]) * (high - here)
                        add(
                            put(p0 + 0.02, p1 - 0.02, g - 0.1, g - 0.04, high - drop, high),
                            BLIND,
                            9,
                            0.2,
                            PANE,
                        )
                if self.ledge and k != door and not shop:
                    add(put(p0 - 0.12, p1 + 0.12, -0.13, 0, here - 0.1, here), TRIM, 2.5, 0.4)
                if i and rng.random() < self.units:
                    at = p0 + rng.uniform(-0.2, 0.3)
                    add(
                        put(at, at + 0.75, -0.34, 0, z + 0.06 * fh, z + 0.06 * fh + 0.5),
                        UNIT,
                        9,
                        0.3,
                    )
                if shop and rng.random() < self.awning:
                    flap = put(p0 - 0.1, p1 + 0.1, -1.1, 0, high - 0.12, high)
                    flap[[0, 1, 4, 5], 2] -= 0.55
                    add(flap, SIGN, 2.5, 0.3)
                if self.style in ("academic", "house") and not shop:
                    add(put(p0 - 0.16, p1 + 0.16, -0.1, 0, high, high + 0.2), TRIM, 2.5, 0.5)
                if i and not (self.balcony == "none" or self.balcony == "long"):
                    if k % self.balconyEvery == 0:
                        reach = 0.34 if self.balcony == "juliet" else 0.95
                        self._balcony(add, put, p0 - 0.25, p1 + 0.25, z, reach, wall)
                if self.pilasters and not shop:
                    add(
                        put(u - 0.18 + (0.18 if k == 0 else 0), u + 0.18, -0.1, 0, z, z + fh - 0.3),
                        TRIM,
                        2,
                        0.6,
                    )
            if i and self.balcony == "long":
                self._balcony(add, put, 0.12, W - 0.12, z, 1.15, wall)
            if i < self.floors - 1 and self.bands:
                add(put(-0.03, W + 0.03, -0.1, 0, z + fh - 0.2, z + fh), TRIM, 2.2, 0.6)
        if self.sign:
            u0, u1 = sorted(rng.uniform(0.1, W - 0.1, 2)) if rng.random() < 0.4 else (0.2, W - 0.2)
            if u1 - u0 > 1:
                add(put(u0, u1, -0.12, 0, 0.86 * fh, 0.98 * fh), SIGN, 3, 0.4)
        add(put(-0.06, W + 0.06, -max(0.06, self.cornice), 0, H - 0.26, H), TRIM, 2.2, 0.6)
        if self.cornice > 0.25:
            add(put(-0.04, W + 0.04, -self.cornice * 0.5, 0, H - 0.5, H - 0.26), TRIM, 2.2, 0.6)

        # Party walls: mostly blank in this city, else with a row of windows.
        sideBays = max(2, round(D / 3.2))
        sideWidth = D / sideBays
        for v0, v1, pane, outward in ((W - thick, W, W - 0.25, 3), (0, thick, 0.2, 5)):
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
                    p0, p1 = k * sideWidth + sideWidth * 0.32, k * sideWidth + sideWidth * 0.68
                    low, high = z + 0.3 * fh, z + 0.78 * fh
                    add(put(u, p0, v0, v1, z, z + fh), outer, part=SIDE)
                    add(put(p1, end, v0, v1, z, z + fh), outer, part=SIDE)
                    add(put(p0, p1, v0, v1, z, low), outer, part=SIDE)
                    add(put(p0, p1, v0, v1, high, z + fh), outer, part=SIDE)
                    add(put(p0, p1, pane, pane + 0.05, low, high), GLASS, 9, 0.15, PANE)

        # Inside: floors and partitions where it can break, a dark core where it can't.
        if whole:
            out.add(box(x0 + 0.45, x0 + W - 0.45, y0 + 0.5, y0 + D, 0, H), ROOM)
        else:
            add(
                box(thick, W - thick, D - thick, D, 0, H),
                [wall, wall, ROOM, wall, wall, wall],
                2.4,
                1,
                BACK,
            )
            for i in range(1, self.floors + 1):
                top = ROOF if i == self.floors else WOOD
                add(
                    box(thick, W - thick, thick, D - thick, i * fh - 0.28, i * fh),
                    [ROOM, top, RAW, RAW, RAW, RAW],
                    2.3,
                    0.8,
                    SLAB,
                )
            for k in range(2, self.bays, 2):
                for i in range(self.floors):
                    add(
                        box(
                            k * bayWidth - 0.1,
                            k * bayWidth + 0.1,
                            thick,
                            D - thick,
                            i * fh,
                            (i + 1) * fh - 0.28,
                        ),
                        ROOM,
                        2.6,
                        0.8,
                        PARTITION,
                    )
        self._roof(add, out, rng, x0, y0, wall, whole)

    def _balcony(self, add, put, u0, u1, z, reach, wall):
        add(put(u0, u1, -reach, 0, z - 0.02, z + 0.13), TRIM, 2, 0.5)
        if self.balconyFront == "rail":
            add(put(u0, u1, -reach, -reach + 0.05, z + 0.92, z + 1.0), RAIL, 3, 0.3)
            bars = max(3, int((u1 - u0) / 0.42))
            for k in range(bars):
                q = u0 + (u1 - u0 - 0.05) * k / (bars - 1)
                add(put(q, q + 0.05, -reach, -reach + 0.05, z + 0.13, z + 0.92), RAIL, 3, 0.2)
        else:
            material = GLASS if self.balconyFront == "glass" else wall
            add(put(u0, u1, -reach, -reach + 0.1, z + 0.13, z + 1.0), material, 2, 0.4)

    def _roof(self, add, out, rng, x0, y0, wall, whole):
        W, D, H = self.width, self.depth, self.height
        if self.mansard:
            slope = box(x0, x0 + W, y0, y0 + min(4.0, D * 0.6), H, H + 2.4)
            slope[4:6, 1] += 1.3
            add(slope, ROOF, 1.6, 0.7, ROOFTOP)
        else:
            rise = 0.35 + 0.6 * rng.random()
            add(
                box(x0 - 0.04, x0 + W + 0.04, y0 - 0.04, y0 + 0.26, H, H + rise),
                wall,
                1.35,
                0.6,
                ROOFTOP,
            )
            for side in (x0 - 0.04, x0 + W - 0.24):
                add(
                    box(side, side + 0.28, y0 + 0.26, y0 + D, H, H + rise), PARTY, 1.6, 0.6, ROOFTOP
                )
        if self.tank:
            u = x0 + rng.uniform(0.5, max(0.6, W - 3.5))
            add(box(u, u + 2.6, y0 + 1.5, y0 + 4, H, H + 2.2), PARTY, 1.5, 0.7, ROOFTOP)
            add(box(u + 0.4, u + 1.8, y0 + 2, y0 + 3.4, H + 2.2, H + 3.4), wall, 1.5, 0.6, ROOFTOP)


def addDebris(blocks, rng, count):
    """Scraps that hide inside the walls until their surroundings move; they have no joints."""
    hosts = [i for i, part in enumerate(blocks.parts) if part in (FRONT, SIDE, BACK)]
    for i in rng.choice(hosts, count):
        centre = blocks.shapes[i].mean(0)
        half = rng.uniform(0.03, 0.1, 3) * (1, 0.9, 1)
        b = box(*np.stack([centre - half, centre + half], 1).ravel())
        b += rng.uniform(-0.25, 0.25, (8, 3)) * half
        blocks.add(b, RAW if rng.random() < 0.7 else ROOM, 1.0, DEBRIS)
