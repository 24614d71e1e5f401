"""What each kind of destruction does to the chunks: when they wake, with what push, and which joints give."""

from dataclasses import dataclass, field

import numpy as np

from . import building as b

KINDS = (
    "down",
    "left",
    "right",
    "forward",
    "pancake",
    "shear",
    "facade",
    "explosion",
    "fire",
    "toxic_snow",
    "ash",
    "cracks",
    "nothing",
)
WEIGHTS = np.array([10, 9.5, 9.5, 8, 9, 9, 8, 10, 8, 5.5, 5.5, 5, 3])
WEATHER_KINDS = ("toxic_snow", "ash")
NEVER = 1e9
# Frames of a free fall from the roof for which the delays below are written: see Plan.stretch.
TUNED_FALL_FRAMES = 12


@dataclass
class Plan:
    kind: str
    direction: str
    start: np.ndarray  # [n] frames after onset at which a chunk wakes
    impulse: np.ndarray  # [n,6]
    ghost: np.ndarray  # [n] touches only the ground
    strengthScale: np.ndarray  # [m] per joint
    lean: tuple = (0.0, 0.0)  # extra acceleration along x and y, m/s^2
    fires: list = field(
        default_factory=list
    )  # (position, radius, frame it starts, chunk it rides on, strength)
    blast: tuple = None  # (position, radius)
    crack: tuple = None  # (position, reach per frame)

    def stretch(self, factor):
        """Makes every delay last `factor` times as many frames, as the fall itself does."""
        self.start[self.start < NEVER] *= factor
        self.fires = [(p, r, start * factor, body, s) for p, r, start, body, s in self.fires]
        if self.crack:
            self.crack = (self.crack[0], self.crack[1] / factor)


def makePlan(kind, facade, blocks, bodies, rng, fire=False):
    """Draws the plan of one clip. blocks and bodies: the target building's, debris included."""
    n, m = len(bodies.rest), len(bodies.jointA)
    parts = np.array(blocks.parts)
    W, H, D = facade.width, facade.height, facade.depth
    along, up, deep = bodies.rest[:, 0] / W, bodies.rest[:, 2] / H, bodies.rest[:, 1] / D
    u = rng.random(n)
    start = np.full(n, NEVER)
    impulse = np.zeros((n, 6))
    impulse[:, 3:] = rng.normal(0, 0.25, (n, 3))
    ghost = u < 0.05
    scale = np.ones(m)
    t0 = rng.uniform(0.1, 0.3)
    plan = Plan(kind, "none", start, impulse, ghost, scale)
    blown = np.zeros(n, bool)

    if kind in ("left", "right"):
        plan.direction = kind
        a = along if kind == "left" else 1 - along
        start[:] = t0 + 3.2 * a + 0.8 * up
        blown = up < 0.42 * (1 - a) + 0.04
        plan.lean = (-1.6 if kind == "left" else 1.6, 0.0)
    elif kind == "forward":
        plan.direction = "forward"
        start[:] = t0 + 3 * deep + 0.8 * up
        blown = up < 0.34 * (1 - deep) + 0.05
        plan.lean = (0.0, -1.8)
    elif kind == "down":
        start[:] = t0 + 1.8 * np.abs(along - 0.5) + 0.5 * up
        blown = up < rng.uniform(0.26, 0.34)
    elif kind == "pancake":
        floor = np.clip((bodies.rest[:, 2] / facade.floorHeight).astype(int), 0, facade.floors - 1)
        step = 1.3 * 4 / max(4, facade.floors)
        top = floor >= facade.floors - 1
        start[:] = t0 + (facade.floors - 1 - floor) * step + 0.6 * u
        impulse[:, 2] -= 2.0
        wallish = np.isin(parts, (b.FRONT, b.SIDE, b.PANE, b.PARTITION, b.BACK))
        outward = np.stack(
            [(along - 0.5) * 2, np.where(deep < 0.2, -1.0, np.where(deep > 0.9, 0.6, 0.0))], 1
        )
        impulse[wallish, :2] += outward[wallish] * rng.uniform(0.8, 2.2)
        ghost |= wallish & (u < 0.35)
        scale *= 0.5
        start[top] = t0 + 0.5 * u[top]
    elif kind == "shear":
        plan.direction = "left" if rng.random() < 0.5 else "right"
        a = along if plan.direction == "left" else 1 - along
        slope, reach = rng.uniform(0.1, 0.7), rng.uniform(0.35, 0.65)
        falls = a - 0.12 * np.sin(7 * up + 3 * u.mean()) < reach - slope * (1 - up) * 0.5 + 0.05 * (
            u - 0.5
        )
        start[falls] = t0 + rng.uniform(1, 3) * (a[falls]) + 0.8 * up[falls]
        blown = falls & (up < rng.uniform(0.12, 0.35))
        plan.lean = (-0.7 if plan.direction == "left" else 0.7, -0.5)
        split = falls[bodies.jointA] != falls[bodies.jointB]
        scale[split] *= 0.03
    elif kind == "facade":
        skin = (bodies.rest[:, 1] < 0.75) & (parts != b.SLAB)
        low = rng.uniform(0, 0.35)
        falls = skin & (up > low) & (up < 1.2)
        if rng.random() < 0.4:
            middle, half = rng.uniform(0.25, 0.75), rng.uniform(0.25, 0.4)
            falls &= np.abs(along - middle) < half + 0.08 * np.sin(9 * up)
        start[falls] = (
            t0 + rng.uniform(2, 6) * (np.abs(up[falls] - rng.uniform(0.4, 1))) + 1.5 * u[falls]
        )
        impulse[falls, 1] -= rng.uniform(0.6, 1.8) * (0.4 + u[falls])
        plan.lean = (0.0, -0.9)
        split = falls[bodies.jointA] != falls[bodies.jointB]
        scale[split] *= 0.01
        scale[~split] *= 0.6
    elif kind == "explosion":
        centre = np.array(
            [W * rng.uniform(0.25, 0.75), rng.uniform(0.4, 1.6), H * rng.uniform(0.2, 0.6)]
        )
        away = bodies.rest - centre
        r = np.linalg.norm(away, axis=1)
        start[:] = t0 * 0.5 + r * 0.12 + np.where(r > H * 0.45, 2 + 2 * u, 0)
        blown = r < H * 0.25
        push = rng.uniform(14, 22) * np.exp(-r / (H * 0.22))
        impulse[:, :3] = away / (r[:, None] + 0.3) * push[:, None] * (1, 1.1, 0.7)
        impulse[:, 3:] *= 1 + 20 * np.exp(-r / (H * 0.2))[:, None]
        plan.blast = (centre, min(3.0, 0.14 * max(W, H)))
        if rng.random() < 0.35:  # the rest of the building stands
            start[r > H * rng.uniform(0.3, 0.5)] = NEVER
    elif kind == "cracks":
        centre = np.array([W * rng.uniform(0.2, 0.8), 0, H * rng.uniform(0.15, 0.75)])
        plan.crack = (centre, rng.uniform(0.7, 1.6))
        r = np.linalg.norm(bodies.rest - centre, axis=1)
        chips = (parts == b.DEBRIS) & (bodies.rest[:, 1] < 0.5) & (u < 0.5)
        start[chips] = t0 + r[chips] / plan.crack[1] + 3 * u[chips]
        impulse[chips, 1] -= 1.5
    elif kind == "fire":
        fire = True

    if fire:
        panes = np.flatnonzero((parts == b.PANE) & (bodies.rest[:, 1] < 0.5) & (up > 0.15))
        if len(panes):
            first = bodies.rest[rng.choice(panes)]
            near = panes[np.argsort(np.abs(bodies.rest[panes] - first) @ (1, 0, 2.5))]
            openings, wanted = [], int(rng.integers(3, 10))
            for i in near:
                if all(np.abs(bodies.rest[i] - p).max() > 1.3 for p in openings):
                    openings.append(bodies.rest[i])
                if len(openings) >= wanted:
                    break
            for k, p in enumerate(openings):
                plan.fires.append(
                    (
                        p + (0, -0.3, 0),
                        rng.uniform(0.8, 1.5),
                        rng.uniform(0, 1) + k * rng.uniform(0, 1.0),
                        int(
                            np.argmin(
                                np.linalg.norm(bodies.rest - p - (0, 0.4, 0), axis=1)
                                + 9.0 * np.isin(parts, (b.PANE, b.DEBRIS, b.ORNAMENT))
                            )
                        ),
                        rng.uniform(0.7, 1.3),
                    )
                )
                if kind == "fire":
                    shattered = panes[np.abs(bodies.rest[panes] - p).max(1) < 1.2]
                    start[shattered] = plan.fires[-1][2] + u[shattered]
                    impulse[shattered, 1] -= 2 + 2 * u[shattered]
                    loose = np.zeros(n, bool)
                    loose[shattered] = True
                    scale[loose[bodies.jointA] | loose[bodies.jointB]] = 0

    start[blown] = t0 + (0.5 if kind in ("left", "right", "forward") else 1.0) * u[blown]
    ghost |= blown
    # Scraps follow the chunk that hid them, with a push of their own.
    scraps = np.flatnonzero(parts == b.DEBRIS)
    if len(scraps) and kind not in ("cracks", "nothing", "fire") + WEATHER_KINDS:
        impulse[scraps, :3] += rng.normal(0, 1.3, (len(scraps), 3)) * (1, 1, 0.6)
        impulse[scraps, 1] -= rng.uniform(0, 1.5, len(scraps))
        start[scraps] += np.where(start[scraps] < NEVER, rng.uniform(0, 5, len(scraps)), 0)
        ghost[scraps] = True
    return plan
