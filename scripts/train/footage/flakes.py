"""Ash and toxic snow: lit flakes between the camera and what it sees, haze that thickens, cover on surfaces."""

import numpy as np

from . import weather as w


class Flakes:
    """State of the falling flakes of one clip; positions live in a box around the camera's view."""

    def __init__(self, rng, kind, camera, look, amount, secondsPerFrame):
        self.rng, self.toxic, self.amount = rng, kind == "toxic_snow", amount
        self.low = np.array([-1.0, -0.7, 0.8]) * np.array([16, 9, 1])
        self.size = np.array([32.0, 18.0, 26.0])  # right, down, depth in the first frame's view
        count = int(2500 + 6500 * amount)
        self.depthBias = rng.random(count) ** 0.5
        self.points = rng.random((count, 3))
        self.points[:, 2] = self.depthBias
        self.h = min(secondsPerFrame, 0.06)
        self.velocity = np.array(
            [rng.uniform(-1.5, 1.5), rng.uniform(1.0, 2.4), rng.uniform(-0.4, 0.4)]
        )
        self.radius = rng.uniform(0.022, 0.05) * (1.15 if self.toxic else 1)
        env = look.env
        light = (
            0.55 * env[w.SUN_COLOUR : w.SUN_COLOUR + 3]
            + 1.15 * env[w.AMBIENT : w.AMBIENT + 3]
            + 0.02
        )
        self.albedo = (
            np.array([0.78, 0.84, 0.6])
            if self.toxic
            else np.array([0.42, 0.41, 0.4]) * rng.uniform(0.6, 1.5)
        )
        self.colour = self.albedo * light
        haze = np.array([0.62, 0.68, 0.4]) if self.toxic else np.array([0.5, 0.48, 0.46])
        self.haze = haze * light * 1.1
        self.density = rng.uniform(0.004, 0.02) * (0.4 + amount)
        env[w.COVER_COLOUR : w.COVER_COLOUR + 3] = self.albedo * 0.9
        self.growth = rng.uniform(8, 20)

    def cover(self, age):
        """Share of upward surfaces covered `age` frames after the onset."""
        return min(0.85, (0.25 + 0.75 * self.amount) * max(0, age) / self.growth)

    def composite(self, image, distance, camera, frame, age):
        grown = min(1.0, (age + 1) / 6)
        k = 1 - np.exp(-distance * self.density * grown)
        image = image * (1 - k[..., None]) + self.haze * k[..., None]
        # Drift, with flutter; wrap inside the box, which follows the camera.
        step = self.velocity * self.h / self.size
        self.points = (self.points + step + self.rng.normal(0, 0.0012, self.points.shape)) % 1.0
        q = self.low + self.points * self.size
        z = q[:, 2]
        height, width = distance.shape
        spread = z / 12 + 0.25  # the box widens with depth like the view
        x = width / 2 + q[:, 0] * spread / z * camera.focal * 0.9
        y = height / 2 + q[:, 1] * spread / z * camera.focal * 1.1
        seen = (x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)
        x, y, z = x[seen], y[seen], z[seen]
        front = z < distance[y.astype(int), x.astype(int)]
        x, y, z = x[front], y[front], z[front]
        size = np.clip(self.radius / z * camera.focal, 0.35, 4.0)
        alpha = np.clip(size * 0.9, 0.12, 0.9) * grown * np.exp(-z * self.density * 0.6)
        # Half a frame of motion blur as three exposures.
        for t in (-0.33, 0, 0.33):
            blur = t * self.h / z * camera.focal * 0.5
            self._splat(
                image, x + self.velocity[0] * blur, y + self.velocity[1] * blur, size, alpha / 1.8
            )
        return image

    def _splat(self, image, x, y, size, alpha):
        height, width = image.shape[:2]
        reach = int(np.ceil(size.max())) if len(size) else 0
        ix, iy = np.floor(x).astype(int), np.floor(y).astype(int)
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                far = np.hypot(ix + dx + 0.5 - x, iy + dy + 0.5 - y)
                a = alpha * np.clip(size + 0.5 - far, 0, 1)
                on = (
                    (a > 0.004)
                    & (ix + dx >= 0)
                    & (iy + dy >= 0)
                    & (ix + dx < width)
                    & (iy + dy < height)
                )
                if not on.any():
                    continue
                through = np.ones((height, width))
                np.multiply.at(through, (iy[on] + dy, ix[on] + dx), 1 - a[on])
                image *= through[..., None]
                image += (1 - through)[..., None] * self.colour
