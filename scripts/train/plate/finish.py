#!/usr/bin/env python3
"""Raw frames to plate and matte: steadying, haze, a lens's glow and fall-off, film grain, ACEScg, compression, metadata.

    finish.py RAW PLATES MATTES [--name demo_street] [--seed 7] [--level 200] [--png DIR]

Plates: RGB half, ACEScg (AP1), DWAA. Mattes: Y half, ZIP:
NAME.####.exr is the target, NAME_dust.####.exr the target and the space around it for the dust. --png also writes display-referred previews. Frames that were not
traced (yet) are bridged from the traced ones on either side.
"""
import argparse
import json
import os

import cv2
import numpy as np
import OpenImageIO as oiio
from scipy.ndimage import gaussian_filter

import reproject

# linear Rec.709 (D65) to ACEScg (AP1, ACES white), Bradford adaptation
TO_ACESCG = np.array([[0.6130974024, 0.3395231462, 0.0473794514], [0.0701937225, 0.9163538791, 0.0134523985], [0.0206155929, 0.1095697729, 0.8698146342]])
AP1 = (0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767)
EXPOSURE = 1.35
HAZE = (0.50, 0.56, 0.64)      # colour of the air, linear Rec.709


def read_raw(path):
    """Picture [H, W, 3], mist and matte [H, W]."""
    buf = oiio.ImageBuf(path)
    names = buf.spec().channelnames
    pixels = buf.get_pixels(oiio.FLOAT)
    def find(*ends):
        return pixels[..., next(i for i, n in enumerate(names) if any(n.endswith(e) for e in ends))]
    rgb = np.stack([find('Combined.' + c) for c in 'RGB'], -1)
    return rgb, find('Mist.Z', 'Mist.V', 'Mist.X'), np.clip(find('matte.V', 'matte.X', 'matte.Value'), 0, 1)


def load(folder):
    """Every frame of the shot: pictures, distances, mattes, cameras (lists), and the distance where the sky begins."""
    with open(os.path.join(folder, 'camera.json')) as file:
        shot = json.load(file)
    numbers, far = sorted(int(f) for f in shot['frames']), shot['mist']
    there = [n for n in numbers if os.path.exists(os.path.join(folder, f'{n}.exr'))]
    raw = {n: read_raw(os.path.join(folder, f'{n}.exr')) for n in there}
    height, width = raw[there[0]][2].shape
    cameras = {n: reproject.Camera(shot['frames'][str(n)], shot['focal'], width, height) for n in numbers}
    frames = {n: (rgb, np.where(mist > 0.995, far * 10, mist * far).astype(np.float32), matte) for n, (rgb, mist, matte) in raw.items()}
    for n in numbers:
        if n not in frames:
            sides = [m for m in (max((t for t in there if t < n), default=None), min((t for t in there if t > n), default=None)) if m]
            frames[n] = reproject.bridge(cameras[n], [(*frames[m], cameras[m]) for m in sides], far)
    print(f'{len(there)} frames traced, {len(numbers) - len(there)} bridged')
    return numbers, [frames[n][0] for n in numbers], [frames[n][1] for n in numbers], [frames[n][2] for n in numbers], [cameras[n] for n in numbers], far


def dust_region(i, distances, mattes, cameras, far):
    """What an artist would paint for the dust: the target and the air and street around it, without what stands in front.

    A box around the target is projected and softened; pixels whose point lies in front of the facade and above the ground are
    occluders. Returns [H, W] in 0 to 1, never less than the target's matte where that is known."""
    camera, shape = cameras[i], mattes[i].shape
    corners = np.array([(x, y, z) for x in (-11.5, 20.5) for y in (-12.0, 8.0) for z in (0.0, 27.0)], np.float32)
    x, y, _ = camera.project(corners[None])
    hull = cv2.convexHull(np.stack([x[0], y[0]], -1).astype(np.float32)).astype(np.int32)
    inside = cv2.GaussianBlur(cv2.fillConvexPoly(np.zeros(shape, np.float32), hull, 1.0), (0, 0), 20)
    def occluders(k):
        d = reproject.snap(distances[k])
        p = cameras[k].position + cameras[k].rays() * d[..., None]
        return ((d < far) & (p[..., 1] < -1.35) & (p[..., 2] > 0.06)).astype(np.float32)
    points = camera.position + camera.rays() * distances[i][..., None]
    total, weight = occluders(i), 1.0
    for k in (i - 2, i - 1, i + 1, i + 2):
        if 0 <= k < len(distances):
            x, y, _ = cameras[k].project(points)
            total, weight = total + reproject.sample(occluders(k), x, y, cv2.INTER_LINEAR), weight + 1
    free = inside * (1 - cv2.GaussianBlur(total / weight, (0, 0), 0.7))
    return np.clip(np.maximum(free, mattes[i]), 0, 1)


def grade(rgb, distance, far, frame, seed):
    """What air, lens and film do to the rendered light. `distance` [H, W] in metres; beyond `far` is sky."""
    rgb = rgb * EXPOSURE
    air = np.where(distance > far, 0.0, 0.15 * np.minimum(distance / 260, 1) ** 1.2)[..., None]
    rgb = rgb * (1 - air) + np.array(HAZE) * air
    bright = np.minimum(rgb, 6.0)
    rgb = rgb + 0.035 * (gaussian_filter(bright, (7, 7, 0)) - rgb) + 0.02 * (gaussian_filter(bright, (28, 28, 0)) - rgb)
    h, w = rgb.shape[:2]
    y, x = np.mgrid[:h, :w]
    r2 = ((x - w / 2) ** 2 + (y - h / 2) ** 2) / (w / 2) ** 2
    rgb = rgb * (1 - 0.13 * r2[..., None])
    g = np.random.Generator(np.random.Philox(key=[seed, frame]))
    grain = 0.7 * g.standard_normal((h, w, 1)) + 0.5 * g.standard_normal((h, w, 3))
    grain = gaussian_filter(grain, (0.55, 0.55, 0)) * 1.9
    return np.maximum(rgb + grain * (0.0006 + 0.0062 * np.sqrt(np.maximum(rgb, 0) * 0.25)), 0)


def coverage(matte):
    """A matte in steps of 1/256, which ZIP packs well and half holds exactly."""
    return np.round(np.clip(matte, 0, 1) * 256)[..., None] / 256


def write(path, pixels, channels, compression, frame, extra=()):
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], len(channels), 'half')
    spec.channelnames = channels
    spec.attribute('compression', compression)
    spec.attribute('framesPerSecond', oiio.TypeDesc('rational'), (24, 1))
    seconds, f = divmod(frame - 1001, 24)       # 01:00:00:00 is frame 1001; SMPTE 12M packs binary-coded decimals
    bcd = lambda n: n // 10 << 4 | n % 10
    spec.attribute('smpte:TimeCode', oiio.TypeDesc('timecode'), (bcd(1) << 24 | bcd(seconds) << 8 | bcd(f), 0))
    spec.attribute('DateTime', '2026:01:01 00:00:00')
    spec.attribute('Software', 'Blender Cycles; scripts/train/plate')
    spec.attribute('Copyright', 'The Derrumbe authors, Apache-2.0')
    for name, kind, value in extra:
        spec.attribute(name, kind, value) if kind else spec.attribute(name, value)
    buf = oiio.ImageBuf(spec)
    buf.set_pixels(oiio.ROI(), np.ascontiguousarray(pixels, np.float32))
    part = path + '.part.exr'
    if not buf.write(part):
        raise RuntimeError(buf.geterror())
    os.replace(part, path)


def preview(path, rgb, scale=1.0):
    """A filmic look for the eye only."""
    x = np.maximum(rgb * scale, 0) * 0.8
    x = (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)
    x = np.clip(x, 0, 1)
    x = np.where(x < 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
    buf = oiio.ImageBuf(oiio.ImageSpec(rgb.shape[1], rgb.shape[0], 3, 'uint8'))
    buf.set_pixels(oiio.ROI(), x.astype(np.float32))
    buf.write(path)


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    for name in ('raw', 'plates', 'mattes'):
        p.add_argument(name)
    p.add_argument('--name', default='demo_street')
    p.add_argument('--seed', type=int, default=7)
    p.add_argument('--level', type=float, default=200)
    p.add_argument('--png')
    args = p.parse_args()
    for folder in filter(None, (args.plates, args.mattes, args.png)):
        os.makedirs(folder, exist_ok=True)
    numbers, pictures, distances, mattes, cameras, far = load(args.raw)
    for i, frame in enumerate(numbers):
        rgb, matte = reproject.steady(i, pictures, distances, mattes, cameras, far)
        rgb = grade(rgb, distances[i], far, frame, args.seed)
        colour = [('chromaticities', oiio.TypeDesc('float[8]'), AP1), ('colorInteropID', None, 'lin_ap1_scene')]
        write(os.path.join(args.plates, f'{args.name}.{frame:04d}.exr'), rgb @ TO_ACESCG.T, ('R', 'G', 'B'), f'dwaa:{args.level:g}', frame, colour)
        write(os.path.join(args.mattes, f'{args.name}.{frame:04d}.exr'), coverage(matte), ('Y',), 'zip', frame)
        steadied = mattes[:i] + [matte] + mattes[i + 1:]
        dust = dust_region(i, distances, steadied, cameras, far)
        write(os.path.join(args.mattes, f'{args.name}_dust.{frame:04d}.exr'), coverage(dust), ('Y',), 'zip', frame)
        if args.png and frame % 8 == 1:
            preview(os.path.join(args.png, f'{frame:04d}.png'), rgb)
            preview(os.path.join(args.png, f'{frame:04d}_dust.png'), rgb * (0.35 + 0.65 * dust[..., None]) + dust[..., None] * np.array((.25, 0, 0)))
            preview(os.path.join(args.png, f'{frame:04d}_matte.png'), rgb * (0.35 + 0.65 * matte[..., None]) + matte[..., None] * np.array((.25, 0, 0)))


if __name__ == '__main__':
    main()
