"""Moves pixels of a static scene from one frame's camera to another's, by depth; and the steadying that rests on it.

Every frame of the plate is traced with few samples, each with its own. Nothing in the scene moves but the camera, so a point
seen in one frame is found exactly in its neighbours: averaging them along the true motion multiplies the samples, steadies
the denoiser and leaves parallax and edges sharp. Neighbours are clamped to what the frame itself shows around the pixel, as
temporal anti-aliasing does (B. Karis, "High Quality Temporal Supersampling", SIGGRAPH 2014 courses), so that reflections
and uncovered background do not ghost.
"""
import cv2
import numpy as np


class Camera:
    """One frame's pin-hole camera; `frame`: position and camera-to-world rotation, as written by make_plate.py."""

    def __init__(self, frame, focal, width, height):
        self.position = np.array(frame['position'], np.float32)
        self.rotation = np.array(frame['rotation'], np.float32)
        self.f, self.width, self.height = focal * width, width, height

    def rays(self):
        """Unit directions in the world, [H, W, 3]."""
        y, x = np.mgrid[:self.height, :self.width].astype(np.float32)
        d = np.stack([(x + 0.5 - self.width / 2) / self.f, (self.height / 2 - y - 0.5) / self.f, -np.ones_like(x)], -1)
        return (d / np.linalg.norm(d, axis=-1, keepdims=True)) @ self.rotation.T

    def project(self, points):
        """Pixel coordinates (of pixel centres) and distance of world points [H, W, 3]."""
        v = points - self.position
        c = v @ self.rotation
        z = np.maximum(-c[..., 2], 1e-3)
        return (c[..., 0] / z * self.f + self.width / 2 - 0.5, self.height / 2 - 0.5 - c[..., 1] / z * self.f, np.linalg.norm(v, axis=-1))


def snap(distance):
    """Edge pixels average near and far; each takes the side it is closer to, so that no points hang in the air between."""
    kernel = np.ones((3, 3), np.uint8)
    near, far = cv2.erode(distance, kernel), cv2.dilate(distance, kernel)
    return np.where(far - near > 0.2 * near + 0.3, np.where(distance - near < far - distance, near, far), distance)


def sample(image, x, y, filter=cv2.INTER_CUBIC):
    return cv2.remap(np.ascontiguousarray(image, np.float32), x.astype(np.float32), y.astype(np.float32), filter, borderMode=cv2.BORDER_REPLICATE)


def steady(index, pictures, distances, mattes, cameras, far, reach=6):
    """Picture and matte of frame `index`, averaged with `reach` neighbours either way. Lists by frame: pictures [H, W, 3], distances and
    mattes [H, W], cameras; `far`: the distance that stands for the sky."""
    picture, distance, matte = pictures[index], distances[index], mattes[index]
    points = cameras[index].position + cameras[index].rays() * np.minimum(distance, far * 10)[..., None]
    # a log-like scale keeps bright glints from ruling the average
    tone = lambda c: c / (1 + c.max(-1, keepdims=True))
    back = lambda c: c / np.maximum(1 - c.max(-1, keepdims=True), 1e-3)
    centre = tone(picture)
    mean = cv2.blur(centre, (5, 5))
    spread = np.sqrt(np.maximum(cv2.blur(centre * centre, (5, 5)) - mean * mean, 0)) * 1.3 + 0.004
    total, alpha, weight = centre.copy(), matte.copy(), np.ones_like(matte)
    for o in range(-reach, reach + 1):
        k = index + o
        if o == 0 or not 0 <= k < len(pictures):
            continue
        x, y, d = cameras[k].project(points)
        there = sample(distances[k], x, y, cv2.INTER_LINEAR)
        w = np.exp(-((there - d) / (0.015 * d + 0.05)) ** 2)
        w = np.where(distance > far * 0.99, (there > far * 0.99).astype(np.float32), w)
        w *= (x > 0) & (x < picture.shape[1] - 1) & (y > 0) & (y < picture.shape[0] - 1)
        w = np.maximum(w * 0.9, 0).astype(np.float32)
        total += np.clip(sample(tone(pictures[k]), x, y), mean - spread, mean + spread) * w[..., None]
        alpha += np.clip(sample(mattes[k], x, y), 0, 1) * w
        weight += w
    return back(total / weight[..., None]), np.clip(alpha / weight, 0, 1)


def bridge(camera, sides, far):
    """A frame that was not traced, from its traced neighbours: `sides` is a list of (picture, distance, matte, camera).
    Returns picture, distance, matte."""
    shape = sides[0][1].shape
    distance = np.full(shape, np.inf, np.float32)
    sides = [(rgb, snap(d), m, other) for rgb, d, m, other in sides]
    for _, d, _, other in sides:                     # where the neighbours' points fall in this frame, the nearest wins
        x, y, here = camera.project(other.position + other.rays() * d[..., None])
        x, y = np.rint(x).astype(int).ravel(), np.rint(y).astype(int).ravel()
        inside = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
        np.minimum.at(distance, (y[inside], x[inside]), here.ravel()[inside])
    for _ in range(64):                              # gaps between them take the farthest neighbour: uncovered background
        holes = ~np.isfinite(distance)
        if not holes.any():
            break
        grown = cv2.dilate(np.where(holes, 0, distance), np.ones((3, 3), np.uint8))
        distance = np.where(holes & (grown > 0), grown, distance)
    points = camera.position + camera.rays() * distance[..., None]
    picture, matte, weight = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for rgb, d, m, other in sides:
        x, y, there = other.project(points)
        seen = sample(d, x, y, cv2.INTER_NEAREST)
        w = (0.001 + np.exp(-((seen - there) / (0.02 * there + 0.1)) ** 2)).astype(np.float32)
        w *= np.where((x >= -0.5) & (x <= shape[1] - 0.5) & (y >= -0.5) & (y <= shape[0] - 0.5), 1, 1e-3)
        picture += np.maximum(sample(rgb, x, y), 0) * w[..., None]
        matte += np.clip(sample(m, x, y), 0, 1) * w
        weight += w
    return picture / weight[..., None], distance, matte / weight
