"""The dust of a clip as voxels that Cycles lights: the fast generator's clouds, driven by what Bullet's bodies did."""

import os

import numpy as np

from footage.clip import NOISE
from footage.dust import LEAST, Dust, billow
from footage.kernels import jit, lookup
from footage.physics import GRAVITY

EVENTS = 1500
FINE = 0.4  # metres a voxel
# Of the fast generator's extinction, for a facade of so many m^2: hides the foot, and rubble shows again at the end.
THICKNESS, FACADE = 0.6, 130.0


@jit
def _billows(density, heat, soot, low, inverseCell, noise, phase, drift, cell, out):
    """out [3,x,y,z]: extinction, soot's share and flame."""
    p, bent = np.zeros(3), np.zeros(3)
    for i in range(out.shape[1]):
        p[0] = low[0] + (i + 0.5) * cell
        for j in range(out.shape[2]):
            p[1] = low[1] + (j + 0.5) * cell
            for k in range(out.shape[3]):
                p[2] = low[2] + (k + 0.5) * cell
                g, f = billow(density, low, inverseCell, noise, phase, drift, p, bent)
                if g < LEAST:
                    continue
                out[0, i, j, k] = g * max(0.0, f * 4.2 - 1.35)
                out[1, i, j, k] = min(1.0, lookup(soot, low, inverseCell, bent) / (g + 1e-6))
                out[2, i, j, k] = lookup(heat, low, inverseCell, bent) * max(0.0, f * 5.0 - 1.75)


def events(clip, x, rng):
    """Rows of footage.physics' events (frame, position, velocity, strength): where bodies break loose and where they hit.

    Of all of them at most EVENTS, hard blows and those near the street first: there the dust is made."""
    h = clip.secondsPerFrame
    path = np.concatenate([clip.rest[None], clip.rest[None], x])
    velocity = np.diff(path, axis=0) / h
    jump = np.diff(velocity, axis=0)
    jump[..., 2] += GRAVITY * h * (np.abs(velocity[1:]).max(-1) > 0.1)
    felt = np.linalg.norm(jump, axis=-1)
    moving = np.linalg.norm(velocity[1:], axis=-1) > 0.4
    first = moving & (np.cumsum(moving, 0) == 1)
    frame, k = np.nonzero((first | (felt > 3.0)) & (clip.mass > 0.06))
    loose = first[frame, k]
    near = np.exp(-x[frame, k, 2] / (0.3 * clip.scene.facade.height))
    chance = np.where(loose, 1.5, felt[frame, k]) * np.cbrt(clip.mass[k]) * (0.15 + near)
    if len(frame) > EVENTS:
        kept = np.sort(rng.choice(len(frame), EVENTS, False, chance / chance.sum()))
        frame, k, loose = frame[kept], k[kept], loose[kept]
    speed = velocity[1:][frame, k] * np.where(loose, 0.6, 0.3)[:, None]
    speed[~loose, 2] = 1.0
    return np.concatenate([frame[:, None], x[frame, k], speed, np.where(loose, 0.5, 1.0)[:, None]], 1)


def writeDust(clip, motion, folder):
    """FOLDER/dust_FFF.npz for each frame from the onset on: voxels [3,x,y,z] float16, `low` corner, `cell`."""
    meta, facade = clip.meta, clip.scene.facade
    rng = np.random.default_rng([int(meta["seed"]), 3])
    x = np.load(motion)["x"]
    size = (facade.width, facade.height, facade.depth)
    dust = Dust(rng, clip.plan, events(clip, x, rng), meta["dust"], clip.scene.look, size, clip.secondsPerFrame)
    dust.d *= THICKNESS * np.clip(facade.width * facade.height / FACADE, 0.7, 2.5)  # as many puffs, whatever falls
    fine = tuple(int(n / dust.inverseCell / FINE) for n in dust.shape)
    for frame in range(meta["onset"], meta["frames"]):
        dust.advance()
        path = os.path.join(folder, f"dust_{frame:03d}.npz")
        if not dust.active or os.path.exists(path):
            continue
        density, heat, soot, _ = dust.fields
        out = np.zeros((3,) + fine)
        phase = dust.frame * dust.h
        _billows(density, heat, soot, dust.low, dust.inverseCell, NOISE, phase, clip.scene.look.wind, FINE, out)
        np.savez_compressed(path, voxels=out.astype(np.float16), low=dust.low, cell=FINE)
