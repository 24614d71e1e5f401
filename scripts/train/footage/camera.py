"""Camera draws: framing of the target, lens and move."""

from dataclasses import dataclass

import numpy as np

from .raster import raster

MOVES = ("locked", "handheld", "pan", "dolly", "crane")
HELD_OUT_MOVE = "crane"
LEAST_MATTE, MOST_MATTE = 0.1, 0.6


@dataclass
class Camera:
    """position, forward, right, down [frames,3]; focal in pixels."""

    move: str
    position: np.ndarray
    forward: np.ndarray
    right: np.ndarray
    down: np.ndarray
    focal: float
    width: int
    height: int

    def view(self, frame, scale):
        """[3,4] matrix for raster() at `scale` samples a pixel."""
        f = self.focal * scale
        forward = self.forward[frame]
        rows = np.zeros((3, 4))
        rows[0, :3] = self.right[frame] * f + forward * self.width * scale / 2
        rows[1, :3] = self.down[frame] * f + forward * self.height * scale / 2
        rows[2, :3] = forward
        rows[:, 3] = -rows[:, :3] @ self.position[frame]
        return rows


def _smooth(a):
    window = np.hanning(11)[1:-1]
    window /= window.sum()
    pad = np.pad(a, ((4, 4), (0, 0)), "edge")
    return np.stack([np.convolve(pad[:, k], window, "valid") for k in range(a.shape[1])], 1)


def drawCamera(rng, frames, width, height, W, H, move):
    """One random camera on the street in front of a building W wide and H tall."""
    size = np.sqrt(width * height)
    focal = size * rng.uniform(0.7, 1.35)
    distance = max(
        W * focal / (width * rng.uniform(0.5, 0.95)), H * focal / (height * rng.uniform(0.5, 0.85))
    )
    distance = max(distance, 9.0)
    azimuth = rng.uniform(-0.65, 0.65)
    target = np.array([W / 2 + rng.uniform(-0.15, 0.15) * W, 0, H * rng.uniform(0.38, 0.52)])
    eye = rng.uniform(1.5, 1.9) if rng.random() < 0.7 else rng.uniform(2.5, 0.8 * H)
    base = target + np.array([np.sin(azimuth) * distance, -np.cos(azimuth) * distance, 0])
    base[2] = eye
    s = np.linspace(-0.5, 0.5, frames)[:, None]
    ease = 0.5 * np.sin(np.pi * s)
    position = np.repeat(base[None], frames, 0)
    aim = np.repeat(target[None], frames, 0)
    across = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    inward = np.array([-np.sin(azimuth), np.cos(azimuth), 0])
    amount = rng.uniform(0.5, 1) * rng.choice([-1, 1])
    shake = _smooth(rng.normal(0, 1, (frames, 6)))
    if move == "pan":
        aim = aim + across * ease * amount * 0.22 * distance
    elif move == "dolly":
        if rng.random() < 0.5:
            position = position + across * ease * amount * 0.12 * distance
        else:
            position = position + inward * ease * amount * 0.16 * distance
    elif move == "crane":
        position = position + np.array([0, 0, 1]) * (ease + 0.5) * abs(amount) * 0.3 * distance
        aim = aim + np.array([0, 0, 0.25]) * ease * H
    if move == "handheld":
        position = position + shake[:, :3] * rng.uniform(0.03, 0.12)
        aim = aim + shake[:, 3:] * rng.uniform(0.1, 0.3)
    elif move != "locked":
        aim = aim + shake[:, 3:] * rng.uniform(0, 0.03)
    forward = aim - position
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return Camera(move, position, forward, right, np.cross(forward, right), focal, width, height)


def frameTarget(rng, frames, width, height, W, H, move, target, statics):
    """Draws cameras until the target covers a useful share of the frame at both ends of the clip."""
    best = None
    for _ in range(16):
        camera = drawCamera(rng, frames, width, height, W, H, move)
        scale = min(1.0, 64 / max(width, height))
        shape = (int(height * scale), int(width * scale))
        shares = []
        for f in (0, frames // 2, frames - 1):
            depth, ids = np.zeros(shape), np.full(shape, -1, np.int32)
            raster(statics, camera.view(f, scale), True, depth, ids, len(target) * 12)
            raster(target, camera.view(f, scale), True, depth, ids)
            shares.append(((ids >= 0) & (ids < len(target) * 12)).mean())
        miss = max(0, LEAST_MATTE + 0.03 - min(shares)) + max(0, max(shares) - MOST_MATTE + 0.02)
        if best is None or miss < best[0]:
            best = (miss, camera)
        if miss == 0:
            break
    return best[1]
