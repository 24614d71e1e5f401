"""From Blender's raw frames to a clip: denoised, dusted, graded and encoded as the fast generator does it."""

import os

import numpy as np
import OpenImageIO as oiio
from pyoidn.denoise import denoise

from footage.clip import NOISE
from footage.dust import Dust
from footage.encoding import encode
from footage.physics import GRAVITY
from footage.prompts import makePrompts

FAR = 400.0  # metres: what the sky's depth is taken for


def readRaw(path):
    """picture [h,w,3] denoised, distance along the ray's depth [h,w], matte [h,w] of a raw frame."""
    file = oiio.ImageInput.open(str(path))
    if not file:
        raise RuntimeError(f"{path}: {oiio.geterror()}")
    names, pixels = list(file.spec().channelnames), file.read_image("float")
    file.close()
    at = {n.split(".", 1)[1]: pixels[..., k] for k, n in enumerate(names)}
    stack = lambda layer, letters: np.ascontiguousarray(
        np.stack([at[f"{layer}.{c}"] for c in letters], -1), np.float32
    )
    albedo, normal = np.clip(stack("DiffCol", "RGB"), 0, 1), np.clip(stack("Normal", "XYZ"), -1, 1)
    picture = denoise(np.maximum(stack("Combined", "RGB"), 0), albedo, normal, hdr=True)
    return picture, np.minimum(at["Depth.Z"], FAR), np.clip(at["matte.X"], 0, 1)


def rayLength(depth, camera):
    """Distances along each pixel's ray from depths along the camera's axis."""
    h, w = depth.shape
    x = (np.arange(w) + 0.5 - w / 2) / camera.focal
    y = (np.arange(h) + 0.5 - h / 2) / camera.focal
    return depth * np.sqrt(1 + x[None] ** 2 + y[:, None] ** 2)


def dustEvents(clip, x):
    """Rows of footage.physics' events (frame, position, velocity, strength): where bodies break loose and where they hit."""
    h = clip.secondsPerFrame
    path = np.concatenate([clip.rest[None], clip.rest[None], x])
    velocity = np.diff(path, axis=0) / h
    jump = np.diff(velocity, axis=0)
    jump[..., 2] += GRAVITY * h * (np.abs(velocity[1:]).max(-1) > 0.1)
    felt = np.linalg.norm(jump, axis=-1)
    moving = np.linalg.norm(velocity[1:], axis=-1) > 0.4
    first = moving & (np.cumsum(moving, 0) == 1)
    frame, k = np.nonzero((first | (felt > 3.0)) & (clip.mass > 0.06))
    hit = np.where(first[frame, k], 0.5, 1.0)
    speed = velocity[1:][frame, k] * np.where(first[frame, k], 0.6, 0.3)[:, None]
    speed[hit == 1, 2] = 1.0
    return np.concatenate([frame[:, None], x[frame, k], speed, hit[:, None]], 1)


def finishClip(clip, motion, folder):
    """The arrays of footage.clip.makeClip from the raw frames in `folder`; motion: path of x and q, or None."""
    meta, camera, look = clip.meta, clip.scene.camera, clip.scene.look
    facade = clip.scene.facade
    rng = np.random.default_rng([int(meta["seed"]), 2])
    frames, (width, height) = meta["frames"], meta["size"]
    x = np.load(motion)["x"] if motion else None
    dust = None
    if x is not None:
        size = (facade.width, facade.height, facade.depth)
        dust = Dust(rng, clip.plan, dustEvents(clip, x), meta["dust"], look, size, clip.secondsPerFrame)
    clean, destroyed = (np.zeros((frames, height, width, 3), np.uint8) for _ in range(2))
    matte = np.zeros((frames, height, width), np.uint8)
    rest = None
    for frame in range(frames):
        grain = rng.normal(0, look.grain, (height, width, 1))
        grain = grain + rng.normal(0, 0.4 * look.grain, (height, width, 3))
        finish = lambda image: (255 * np.clip(encode(look.grade(image)) + grain, 0, 1) + 0.5).astype(np.uint8)
        path = os.path.join(folder, f"clean_{frame:03d}.exr")
        if os.path.exists(path):
            rest = readRaw(path)
        clean[frame] = destroyed[frame] = finish(rest[0])
        matte[frame] = (255 * rest[2] + 0.5).astype(np.uint8)
        if frame < meta["onset"] or x is None:
            continue
        picture, depth, _ = readRaw(os.path.join(folder, f"destroyed_{frame:03d}.exr"))
        dust.advance(None)
        if dust.active:
            picture = dust.composite(picture, rayLength(depth, camera), camera, frame, NOISE)
        destroyed[frame] = finish(picture)
    meta["prompts"] = makePrompts(meta, rng)
    return {"clean": clean, "destroyed": destroyed, "matte": matte, "meta": meta}
