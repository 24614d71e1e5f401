"""The street around the target building: neighbours, skyline, cars, lamp posts, wires, trees."""

import numpy as np

from .building import (
    CAR,
    FAR,
    GLASS,
    LAMP,
    LEAF,
    METAL,
    RAIL,
    TRIM,
    WALL2,
    WALL3,
    WOOD,
    Facade,
    box,
)


def addStreet(blocks, rng, width, height, depth, props=None):
    """Neighbours, skyline, cars, lamp posts, trees: everything that stays.

    props: a list that gets ("car" or "tree", x, y) of those instead of boxes, for who has better ones.
    """
    joined = rng.random() < 0.5
    for side in (-1, 1):
        edge = 0.0 if side < 0 else width
        for row in range(3):
            if row and rng.random() < 0.1:
                edge += side * rng.uniform(4, 12)
            bays = int(rng.integers(2, 6))
            w = bays * rng.uniform(2.5, 3.3)
            gap = 0.02 if joined or row else rng.uniform(0.3, 7)
            floors = int(np.clip(rng.normal(height / 3.1, 2.2), 1, 10))
            near = edge + side * gap
            facade = Facade(rng, w, rng.uniform(7, 11), floors, bays, rng.uniform(2.8, 3.5))
            facade.emit(
                blocks,
                rng,
                near if side > 0 else near - w,
                rng.uniform(-0.3, 0.5),
                whole=True,
                wall=WALL2 if (row + (side > 0)) % 2 else WALL3,
            )
            edge = near + side * w
    for _ in range(int(rng.integers(2, 10)) if rng.random() < 0.5 else 0):  # half of them under open sky
        x, w, y = rng.uniform(-60, 70), rng.uniform(8, 18), rng.uniform(depth + 12, 70)
        blocks.add(
            box(
                x,
                x + w,
                y,
                y + 10,
                0,
                rng.uniform(8, 20) + (rng.random() < 0.3) * rng.uniform(5, 20),
            ),
            FAR,
        )

    def prop(x0, x1, y0, y1, z0, z1, m):
        blocks.add(box(x0, x1, y0, y1, z0, z1), m)

    blocks.add(box(-80, 90, -3.35, -3.15, 0, 0.14), TRIM)
    for _ in range(int(rng.integers(0, 7))):
        x, y = rng.uniform(-14, width + 10), -5.2 if rng.random() < 0.65 else -10.4 - rng.uniform(0, 3)
        if props is None:
            _car(blocks, x, y, rng)
        else:
            props.append(("car", x, y))
    for _ in range(int(rng.integers(0, 5))):
        x = rng.uniform(-12, width + 12)
        prop(x, x + 0.13, -3, -2.87, 0, 5.6, METAL)
        prop(x - 0.08, x + 0.2, -4.3, -2.9, 5.5, 5.63, METAL)
        prop(x - 0.12, x + 0.24, -4.5, -4.0, 5.36, 5.5, LAMP)
    if rng.random() < 0.12 and props is None:
        _bus(blocks, rng.uniform(-14, width + 4), -7.6 - rng.uniform(0, 2))
    if rng.random() < 0.35:  # overhead wires on poles
        for x in (-16, rng.uniform(-3, width + 3), width + 16):
            prop(x, x + 0.2, -3, -2.8, 0, 7, WOOD)
        for z in (6.4, 6.8):
            prop(-60, 60, -2.94, -2.9, z, z + 0.035, RAIL)
    for _ in range(int(rng.choice([0, 1, 2, 3, 5], p=(0.25, 0.25, 0.2, 0.2, 0.1)))):
        x, y = rng.uniform(-14, width + 14), -2.5 if rng.random() < 0.75 else -12.5
        if props is None:
            _tree(blocks, rng, x, y)
        else:
            props.append(("tree", x, y))


def _car(blocks, x, y, rng):
    length, tall = rng.uniform(3.6, 4.6), rng.uniform(0.92, 1.1)
    blocks.add(box(x, x + length, y, y + 1.75, 0.32, 0.92 * tall), CAR)
    cabin = box(x + 0.2 * length, x + 0.86 * length, y + 0.1, y + 1.65, 0.92 * tall, 1.46 * tall)
    cabin[[4, 7], 0] += 0.45
    cabin[[5, 6], 0] -= 0.4
    cabin[[4, 5], 1] += 0.12
    cabin[[6, 7], 1] -= 0.12
    blocks.add(cabin, [CAR, CAR, GLASS, GLASS, GLASS, GLASS])
    for q in (0.14, 0.72):
        blocks.add(box(x + q * length, x + q * length + 0.62, y - 0.03, y + 1.78, 0, 0.6), METAL)


def _bus(blocks, x, y):
    blocks.add(box(x, x + 10.5, y, y + 2.4, 0.4, 1.25), CAR)
    blocks.add(box(x + 0.05, x + 10.45, y + 0.03, y + 2.37, 1.25, 2.3), GLASS)
    for k in range(6):
        blocks.add(box(x + k * 2.06, x + k * 2.06 + 0.2, y - 0.01, y + 2.41, 1.25, 2.3), CAR)
    blocks.add(box(x, x + 10.5, y, y + 2.4, 2.3, 2.95), CAR)
    for q in (1.6, 7.9):
        blocks.add(box(x + q, x + q + 0.95, y - 0.03, y + 2.43, 0, 0.9), METAL)


def _tree(blocks, rng, x, y):
    tall = rng.uniform(3, 6.5)
    trunk = box(x - 0.16, x + 0.16, y - 0.16, y + 0.16, 0, tall)
    trunk[4:] = trunk[4:] * (0.6, 0.6, 1) + (x * 0.4, y * 0.4, 0)
    blocks.add(trunk, WOOD)
    spread = rng.uniform(1.0, 1.9)
    lumps = rng.normal(0, 0.75, (6, 3)) * (spread, spread, spread * 0.7) + (
        x,
        y,
        tall + spread * 0.5,
    )
    for k in range(int(240 * spread)):
        c = lumps[k % 6] + rng.normal(0, 0.42, 3) * spread
        s = rng.uniform(0.08, 0.2)
        leaf = box(-s, s, -s, s, -s * 0.35, s * 0.35)
        a, b = rng.uniform(-1.2, 1.2, 2)
        tilt = np.array(
            [[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]]
        ) @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        blocks.add(leaf @ tilt.T + c, LEAF)
