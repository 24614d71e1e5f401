"""What a seed draws, before Blender: event, scene, and the pieces gathered into rigid bodies."""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from footage import building as b
from footage.clip import FALL_FRAMES, drawMeta, drawScene
from footage.destruction import KINDS as FAST_KINDS
from footage.destruction import TUNED_FALL_FRAMES, WEIGHTS, makePlan
from footage.physics import GRAVITY, makeBodies

from . import VERSION

KINDS = ("down", "left", "right", "forward", "pancake", "shear", "facade", "explosion", "nothing")
TIMES = ("day", "overcast", "golden")
PIECE = 1.7  # metres: longer pieces are cut
RIDER = 0.06  # m^3: smaller pieces of the front ride on a larger neighbour
LEAN = 2.5  # times the fast generator's push sideways: Bullet's joints hold more
JOINTS = 7  # the most joints that are kept of a body, the largest contacts first


@dataclass
class Clip:
    """All that stands before the simulation. Bodies: [k] groups of pieces that move as one."""

    meta: dict
    scene: object  # footage.clip.Scene
    props: list  # ("car" or "tree", x, y)
    plan: object  # footage.destruction.Plan, per piece
    body: np.ndarray  # [owned] body of each piece
    rest: np.ndarray  # [k,3] centre
    main: np.ndarray  # [k] the piece whose hull collides
    mass: np.ndarray  # [k] tonnes
    start: np.ndarray  # [k] frames after onset at which it is let go
    impulse: np.ndarray  # [k,6] velocities then
    ghost: np.ndarray  # [k] touches only the street
    joints: np.ndarray  # [m,2] bodies
    anchor: np.ndarray  # [m,3]
    strength: np.ndarray  # [m] how many times the lighter body's weight a joint carries
    secondsPerFrame: float  # of the world, so that a fall from the roof takes the grammar's frames


def _riders(rest, parts, volume):
    """[n] the piece that each piece rides on (itself, where it is a body): rails, panes and sills go with the wall near them."""
    small = ((parts == b.PANE) & (volume < 4 * RIDER)) | ((parts == b.ORNAMENT) & (volume < RIDER))
    large = np.flatnonzero(~small & np.isin(parts, (b.FRONT, b.SIDE, b.ORNAMENT)))
    host = np.arange(len(parts))
    host[small] = large[cKDTree(rest[large]).query(rest[small])[1]]
    return host


def _unite(bodies, body, scale):
    """Joints between bodies: pairs, anchors, strengths; touching pieces of a pair make one joint."""
    a, c = body[bodies.jointA], body[bodies.jointB]
    low, high = np.minimum(a, c), np.maximum(a, c)
    apart = np.flatnonzero(low != high)
    key = low[apart].astype(np.int64) * len(body) + high[apart]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    anchor = np.zeros((len(first), 3))
    weakest = np.full(len(first), np.inf)
    np.add.at(anchor, inverse, bodies.anchor[apart])
    np.minimum.at(weakest, inverse, scale[apart])
    anchor /= np.bincount(inverse)[:, None]
    return np.stack([low, high], 1)[apart][first], anchor, weakest


def drawClip(seed, kind="any", width=128, height=128, frames=49, split="train"):
    """A Clip; the same for the same seed."""
    rng = np.random.default_rng(seed)
    chances = np.array([WEIGHTS[FAST_KINDS.index(k)] for k in KINDS], float)
    meta = drawMeta(rng, seed, split, kind, frames, width, height, KINDS, chances)
    meta.update(tier="physical", generator=VERSION)
    props = []
    scene = drawScene(rng, meta, width, height, PIECE, TIMES, props)
    facade, target = scene.facade, scene.target
    pieces = makeBodies(scene.points[: scene.owned], np.array(target.weakness), scene.loose, rng)
    plan = makePlan(meta["kind"], facade, target, pieces, rng)
    meta["direction"], meta["fire"] = plan.direction, bool(plan.blast)
    fall = FALL_FRAMES[meta["speed"]]
    plan.stretch(fall / TUNED_FALL_FRAMES)

    parts = np.array(target.parts)
    volume = np.ptp(pieces.corners, axis=1).prod(1)
    host = _riders(pieces.rest, parts, volume)
    pairs, anchor, scale = _unite(pieces, host, plan.strengthScale)
    main, body = np.unique(host, return_inverse=True)
    number = np.full(len(host), -1)
    number[main] = np.arange(len(main))
    mass = np.bincount(body, volume) * 2.0
    strength = scale * rng.uniform(8, 28, len(scale))
    if plan.blast:  # nothing holds together near the charge
        away = np.linalg.norm(anchor - plan.blast[0], axis=1) / facade.height
        strength *= np.clip((away - 0.2) / 0.2, 0, 1)
    plan.lean = tuple(LEAN * a for a in plan.lean)
    # Large contacts first; what is left out would only slow the solver.
    size = np.minimum(volume[pairs[:, 0]], volume[pairs[:, 1]])
    held, keep = np.zeros(len(main), int), np.zeros(len(pairs), bool)
    for k in np.argsort(-size, kind="stable"):
        p, q = number[pairs[k]]
        if held[p] < JOINTS and held[q] < JOINTS:
            held[p] += 1
            held[q] += 1
            keep[k] = True
    return Clip(
        meta,
        scene,
        props,
        plan,
        body.ravel(),
        pieces.rest[main],
        main,
        np.maximum(mass, 0.02),
        plan.start[main],
        plan.impulse[main],
        plan.ghost[main],
        number[pairs[keep]],
        anchor[keep],
        strength[keep],
        float(np.sqrt(2 * max(facade.height, 9) / GRAVITY) / fall),
    )
