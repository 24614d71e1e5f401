"""Rigid chunks held by breakable joints, solved with extended position based dynamics.

Bodies, joints and contacts follow Mueller et al., "Detailed Rigid Body Simulation with Extended Position
Based Dynamics", 2020 (rigid case, zero compliance, one iteration a sub-step). A joint breaks when the gap
that one sub-step opens exceeds its strength; that gap grows with dt squared, so strengths scale with it.
"""

import math
from dataclasses import dataclass

import numba as nb
import numpy as np
from scipy.spatial import cKDTree

from .kernels import jit, rotate, turn

SUBSTEPS = 14
GRAVITY = 9.81  # m/s^2
# Seconds a sub-step at which the joint strengths below were tuned.
TUNED_STEP = 2.9 / 25 / SUBSTEPS
GRID = 48
GRID_CELL = 1.3
EVENT_CAPACITY = 20000


@jit
def _effectiveWeight(r, d, inverseMass, inverseInertia):
    a = r[1] * d[2] - r[2] * d[1]
    b = r[2] * d[0] - r[0] * d[2]
    c = r[0] * d[1] - r[1] * d[0]
    return inverseMass + inverseInertia * (a * a + b * b + c * c)


@jit
def _push(x, q, i, r, d, inverseMass, inverseInertia, amount):
    for k in range(3):
        x[i, k] += amount * inverseMass * d[k]
    s = amount * inverseInertia
    turn(
        q[i],
        s * (r[1] * d[2] - r[2] * d[1]),
        s * (r[2] * d[0] - r[0] * d[2]),
        s * (r[0] * d[1] - r[1] * d[0]),
    )


@jit
def _cell(value, offset):
    return min(GRID - 1, max(0, int(value / GRID_CELL) + offset))


@jit
def simulate(
    rest,
    corners,
    radius,
    mass,
    inertia,
    ghost,
    start,
    jointA,
    jointB,
    anchorA,
    anchorB,
    strength,
    impulse,
    gravity,
    frames,
    dt,
    seed,
    outX,
    outQ,
    events,
    eventCount,
    eventsPerFrame,
):
    """Steps all bodies over `frames` frames; writes positions and quaternions at each frame's end.

    start: frame (fractional) at which a body wakes; asleep bodies hold like the ground. ghost: bodies that
    touch only the ground. impulse [n,6]: linear and angular velocity on waking. events rows:
    frame, position, velocity, strength of broken joints and ground hits, for the dust."""
    n = rest.shape[0]
    x = rest.copy()
    q = np.zeros((n, 4))
    q[:, 0] = 1
    v = np.zeros((n, 3))
    w = np.zeros((n, 3))
    xPrev = x.copy()
    qPrev = q.copy()
    whole = np.ones(jointA.shape[0], nb.boolean)
    awake = np.zeros(n, nb.boolean)
    ri = np.zeros(3)
    rj = np.zeros(3)
    d = np.zeros(3)
    head = np.full(GRID * GRID * GRID, -1, nb.int32)
    following = np.zeros(n, nb.int32)
    count = 0
    np.random.seed(seed)
    for frame in range(frames):
        frameEvents = 0
        for s in range(SUBSTEPS):
            t = frame + s / SUBSTEPS
            # Wake and predict.
            for i in range(n):
                if not awake[i] and t >= start[i]:
                    awake[i] = True
                    v[i] = impulse[i, :3]
                    w[i] = impulse[i, 3:]
                xPrev[i] = x[i]
                qPrev[i] = q[i]
                if awake[i]:
                    for k in range(3):
                        v[i, k] = (v[i, k] + gravity[k] * dt) * 0.9995
                        w[i, k] *= 0.998
                        x[i, k] += v[i, k] * dt
                    turn(q[i], w[i, 0] * dt, w[i, 1] * dt, w[i, 2] * dt)
            # Joints hold or break.
            for b in range(jointA.shape[0]):
                if not whole[b]:
                    continue
                i, j = jointA[b], jointB[b]
                if not (awake[i] or awake[j]):
                    continue
                rotate(q[i], anchorA[b], ri)
                rotate(q[j], anchorB[b], rj)
                gap = 0.0
                for k in range(3):
                    d[k] = x[j, k] + rj[k] - x[i, k] - ri[k]
                    gap += d[k] * d[k]
                gap = math.sqrt(gap)
                if gap > strength[b]:
                    whole[b] = False
                    if (
                        count < events.shape[0]
                        and frameEvents < eventsPerFrame
                        and np.random.random() < 0.5
                    ):
                        events[count, 0] = t
                        for k in range(3):
                            events[count, 1 + k] = x[i, k] + ri[k]
                            events[count, 4 + k] = 0.5 * (v[i, k] + v[j, k])
                        events[count, 7] = 0.5
                        count += 1
                        frameEvents += 1
                    continue
                if gap < 1e-7:
                    continue
                for k in range(3):
                    d[k] /= gap
                mi = 1 / mass[i] if awake[i] else 0.0
                mj = 1 / mass[j] if awake[j] else 0.0
                ii = 1 / inertia[i] if awake[i] else 0.0
                ij = 1 / inertia[j] if awake[j] else 0.0
                amount = gap / (_effectiveWeight(ri, d, mi, ii) + _effectiveWeight(rj, d, mj, ij))
                _push(x, q, i, ri, d, mi, ii, amount)
                _push(x, q, j, rj, d, mj, ij, -amount)
            # Chunks against chunks, as spheres, every second sub-step.
            if s % 2 == 0:
                head[:] = -1
                for i in range(n):
                    h = (_cell(x[i, 0], 14) * GRID + _cell(x[i, 1], 18)) * GRID + _cell(x[i, 2], 0)
                    following[i] = head[h]
                    head[h] = i
                for i in range(n):
                    if not awake[i] or ghost[i]:
                        continue
                    a0 = _cell(x[i, 0], 14)
                    b0 = _cell(x[i, 1], 18)
                    c0 = _cell(x[i, 2], 0)
                    for a in range(max(0, a0 - 1), min(GRID, a0 + 2)):
                        for b in range(max(0, b0 - 1), min(GRID, b0 + 2)):
                            for c in range(max(0, c0 - 1), min(GRID, c0 + 2)):
                                j = head[(a * GRID + b) * GRID + c]
                                while j >= 0:
                                    if j != i and not ghost[j] and (j < i or not awake[j]):
                                        now = 0.0
                                        before = 0.0
                                        for k in range(3):
                                            d[k] = x[i, k] - x[j, k]
                                            now += d[k] * d[k]
                                            before += (rest[i, k] - rest[j, k]) ** 2
                                        apart = min(radius[i] + radius[j], math.sqrt(before) * 0.98)
                                        if now < apart * apart and now > 1e-9:
                                            now = math.sqrt(now)
                                            mi = 1 / mass[i]
                                            mj = 1 / mass[j] if awake[j] else 0.0
                                            p = 0.5 * (apart - now) / (mi + mj) / now
                                            for k in range(3):
                                                move = d[k] * p
                                                x[i, k] += move * mi
                                                x[j, k] -= move * mj
                                                slip = (
                                                    (
                                                        (x[i, k] - xPrev[i, k])
                                                        - (x[j, k] - xPrev[j, k])
                                                    )
                                                    * 0.12
                                                    / (mi + mj)
                                                )
                                                x[i, k] -= slip * mi
                                                x[j, k] += slip * mj
                                    j = following[j]
            # The street, then velocities from positions.
            for i in range(n):
                if not awake[i]:
                    continue
                if x[i, 2] < 3.0:
                    hit = 0.0
                    for c in range(8):
                        rotate(q[i], corners[i, c], ri)
                        below = x[i, 2] + ri[2]
                        if below < 0:
                            d[0] = 0.0
                            d[1] = 0.0
                            d[2] = 1.0
                            amount = -below / _effectiveWeight(ri, d, 1 / mass[i], 1 / inertia[i])
                            _push(x, q, i, ri, d, 1 / mass[i], 1 / inertia[i], amount * 0.7)
                            hit = max(hit, -v[i, 2])
                    if hit > 0:
                        for k in range(2):
                            x[i, k] -= (x[i, k] - xPrev[i, k]) * 0.15
                        if hit > 2.5 and count < events.shape[0] and frameEvents < eventsPerFrame:
                            events[count, 0] = t
                            for k in range(3):
                                events[count, 1 + k] = x[i, k]
                                events[count, 4 + k] = 0.3 * v[i, k]
                            events[count, 6] = 1.0
                            events[count, 7] = 1.0
                            count += 1
                            frameEvents += 1
                speed = 0.0
                for k in range(3):
                    v[i, k] = (x[i, k] - xPrev[i, k]) / dt
                    speed += v[i, k] ** 2
                speed = math.sqrt(speed)
                if speed > 25:
                    for k in range(3):
                        v[i, k] *= 25 / speed
                a0 = qPrev[i, 0]
                a1 = -qPrev[i, 1]
                a2 = -qPrev[i, 2]
                a3 = -qPrev[i, 3]
                b0, b1, b2, b3 = q[i, 0], q[i, 1], q[i, 2], q[i, 3]
                real = b0 * a0 - b1 * a1 - b2 * a2 - b3 * a3
                g = 2 / dt if real >= 0 else -2 / dt
                w[i, 0] = g * (b0 * a1 + b1 * a0 + b2 * a3 - b3 * a2)
                w[i, 1] = g * (b0 * a2 - b1 * a3 + b2 * a0 + b3 * a1)
                w[i, 2] = g * (b0 * a3 + b1 * a2 - b2 * a1 + b3 * a0)
                for k in range(3):
                    w[i, k] = min(12.0, max(-12.0, w[i, k]))
        outX[frame] = x
        outQ[frame] = q
    eventCount[0] = count


@jit
def place(x, q, corners, out):
    """World corners of every chunk from its position and orientation."""
    r = np.zeros(3)
    for i in range(x.shape[0]):
        for c in range(8):
            rotate(q[i], corners[i, c], r)
            for k in range(3):
                out[i, c, k] = x[i, k] + r[k]


@dataclass
class Bodies:
    """Chunks of the target building as rigid bodies, and the joints between neighbours."""

    rest: np.ndarray  # [n,3] centres
    corners: np.ndarray  # [n,8,3] relative to the centre
    radius: np.ndarray
    mass: np.ndarray
    inertia: np.ndarray
    jointA: np.ndarray
    jointB: np.ndarray
    anchor: np.ndarray  # [m,3] world position of each joint at rest
    strength: np.ndarray  # [m] largest gap, metres, at TUNED_STEP


def makeBodies(hexahedra, weakness, loose, rng):
    """hexahedra [n,8,3]; weakness [n] scales joint strength; loose [n]: bodies without joints."""
    rest = hexahedra.mean(1)
    corners = hexahedra - rest[:, None]
    extent = corners.max(1) - corners.min(1)
    volume = extent.prod(1)
    mass = np.maximum(volume * 2000, 20.0)
    low, high = hexahedra.min(1), hexahedra.max(1)
    i, j = cKDTree(rest).query_pairs(3.2, output_type="ndarray").T
    overlap = np.minimum(high[i], high[j]) - np.maximum(low[i], low[j])
    touching = (overlap > -0.06).all(1) & ((overlap > 0.05).sum(1) >= 2) & ~loose[i] & ~loose[j]
    i, j = i[touching], j[touching]
    anchor = (np.maximum(low[i], low[j]) + np.minimum(high[i], high[j])) / 2
    strength = rng.uniform(0.025, 0.09, len(i)) * np.sqrt(np.minimum(weakness[i], weakness[j]))
    return Bodies(
        rest,
        corners,
        np.clip(np.cbrt(volume) * 0.5, 0.08, 0.6),
        mass,
        mass * (extent**2).sum(1) / 18,
        i.astype(np.int32),
        j.astype(np.int32),
        anchor,
        strength,
    )


def runBodies(bodies, plan, frames, secondsPerFrame, seed):
    """Returns positions [frames,n,3], quaternions [frames,n,4] and dust events [k,8]."""
    n = len(bodies.rest)
    dt = secondsPerFrame / SUBSTEPS
    x, q = np.zeros((frames, n, 3)), np.zeros((frames, n, 4))
    events, count = np.zeros((EVENT_CAPACITY, 8)), np.zeros(1, np.int64)
    strength = bodies.strength * plan.strengthScale * (dt / TUNED_STEP) ** 2
    simulate(
        bodies.rest,
        bodies.corners,
        bodies.radius,
        bodies.mass,
        bodies.inertia,
        plan.ghost,
        plan.start,
        bodies.jointA,
        bodies.jointB,
        bodies.anchor - bodies.rest[bodies.jointA],
        bodies.anchor - bodies.rest[bodies.jointB],
        strength,
        plan.impulse,
        np.array([plan.lean[0], plan.lean[1], -GRAVITY]),
        frames,
        dt,
        seed,
        x,
        q,
        events,
        count,
        700,
    )
    return x, q, events[: count[0]]
