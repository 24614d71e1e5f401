"""From Blender's raw frames to a clip: denoised, graded and encoded as the fast generator does it."""

import os

import numpy as np
import OpenImageIO as oiio
from pyoidn.denoise import denoise
from scipy.ndimage import gaussian_filter

from footage.encoding import encode
from footage.prompts import makePrompts

# Mean and absolute difference up to which a pixel is the plate's, and from which it is its own.
DRIFT, CHANGE = (2.5 / 255, 5 / 255), (12 / 255, 24 / 255)

def readRaw(path):
    """picture [h,w,3] denoised, matte [h,w] of a raw frame."""
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
    return picture, np.clip(at["matte.X"], 0, 1)


def settle(clean, destroyed):
    """`destroyed` with the pixels of `clean` where the two differ by no more than sampling and denoising let them.

    [h,w,3] linear; compared in the working encoding over some pixels, so that what nothing touches stays exactly."""
    apart = encode(clean) - encode(destroyed)
    wide = 2.0 * np.sqrt(apart[..., 0].size) / 128
    drift = np.abs(gaussian_filter(apart, (wide, wide, 0))).max(-1)  # noise averages out, shade and dust do not
    change = gaussian_filter(np.abs(apart).mean(-1), wide)
    drift, change = (np.clip((v - low) / (high - low), 0, 1) for v, (low, high) in ((drift, DRIFT), (change, CHANGE)))
    share = np.maximum(drift, change)[..., None]
    return clean * (1 - share) + destroyed * share


def finishClip(clip, folder):
    """The arrays of footage.clip.makeClip from the raw frames in `folder`."""
    meta, look = clip.meta, clip.scene.look
    rng = np.random.default_rng([int(meta["seed"]), 2])
    frames, (width, height) = meta["frames"], meta["size"]
    clean, destroyed = (np.zeros((frames, height, width, 3), np.uint8) for _ in range(2))
    matte = np.zeros((frames, height, width), np.uint8)
    for frame in range(frames):
        grain = rng.normal(0, look.grain, (height, width, 1))
        grain = grain + rng.normal(0, 0.4 * look.grain, (height, width, 3))

        def finish(picture):
            return (255 * np.clip(encode(look.grade(picture)) + grain, 0, 1) + 0.5).astype(np.uint8)

        path = os.path.join(folder, f"clean_{frame:03d}.exr")
        if os.path.exists(path):  # with a locked camera the first stands for all
            rest, covered = readRaw(path)
        clean[frame] = destroyed[frame] = finish(rest)
        matte[frame] = (255 * covered + 0.5).astype(np.uint8)
        if frame >= meta["onset"] and meta["kind"] != "nothing":
            path = os.path.join(folder, f"destroyed_{frame:03d}.exr")
            destroyed[frame] = finish(settle(rest, readRaw(path)[0]))
    meta["prompts"] = makePrompts(meta, rng)
    return {"clean": clean, "destroyed": destroyed, "matte": matte, "meta": meta}
