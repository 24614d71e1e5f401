"""Dust, smoke and fire: particles carried by a gusty wind, splatted to a grid, lit and marched."""

import math

import numpy as np

from . import weather as w
from .kernels import cloudy, hash01, jit, lookup

CELL = 0.75
LEAST = 0.002  # density below which nothing is seen
SUN, SUN_COLOUR, AMBIENT, HAZE, HAZE_COLOUR = w.SUN, w.SUN_COLOUR, w.AMBIENT, w.HAZE, w.HAZE_COLOUR


@jit
def _splat(points, radius, amount, grid, low, inverseCell):
    for i in range(points.shape[0]):
        if amount[i] <= 0:
            continue
        a = (points[i, 0] - low[0]) * inverseCell
        b = (points[i, 1] - low[1]) * inverseCell
        c = (points[i, 2] - low[2]) * inverseCell
        R = max(0.8, radius[i] * inverseCell)
        reach = int(R) + 1
        k0 = amount[i] / (R * R * R) * 1.2
        for x in range(max(0, int(a) - reach), min(grid.shape[0], int(a) + reach + 1)):
            for y in range(max(0, int(b) - reach), min(grid.shape[1], int(b) + reach + 1)):
                for z in range(max(0, int(c) - reach), min(grid.shape[2], int(c) + reach + 1)):
                    q = 1 - ((x + 0.5 - a) ** 2 + (y + 0.5 - b) ** 2 + (z + 0.5 - c) ** 2) / (R * R)
                    if q > 0:
                        grid[x, y, z] += k0 * q * q


@jit
def _lightThickness(grid, sun, cell, out):
    """Optical thickness from each cell towards the sun (ten steps)."""
    nx, ny, nz = grid.shape
    m = max(abs(sun[0]), abs(sun[1]), abs(sun[2]))
    sx, sy, sz = sun[0] / m, sun[1] / m, sun[2] / m
    step = cell / m
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                total = 0.0
                x, y, z = i + 0.5, j + 0.5, k + 0.5
                for _ in range(10):
                    x += sx * 1.6
                    y += sy * 1.6
                    z += sz * 1.6
                    a, b, c = int(x), int(y), int(z)
                    if x < 0 or y < 0 or z < 0 or a >= nx or b >= ny or c >= nz:
                        break
                    total += grid[a, b, c]
                out[i, j, k] = total * step * 1.44


@jit
def billow(density, low, inverseCell, noise, phase, drift, p, bent):
    """Density at a place p and the noise that tears it, 0 where there is next to none. Bends the space so that the splatted
    spheres turn into billows, coarse first, then finer; `bent` is where p then lies."""
    warpA = cloudy(noise, p[0] * 0.21, p[1] * 0.21, p[2] * 0.21 - phase * 0.3) - 0.5
    warpB = cloudy(noise, p[0] * 0.24 + 3.7, p[1] * 0.24 + phase * 0.2, p[2] * 0.24) - 0.5
    bent[0] = p[0] + 5.0 * warpA
    bent[1] = p[1] + 3.0 * warpB
    bent[2] = max(low[2], p[2] + 5.0 * warpB - 2.0 * warpA)
    g = lookup(density, low, inverseCell, bent)
    if g < LEAST:
        return g, 0.0
    f = cloudy(
        noise,
        p[0] * 0.33 - drift[0] * phase * 0.3,
        p[1] * 0.33 + phase * 0.25,
        p[2] * 0.33 - phase * 0.4,
    )
    f = 0.68 * f + 0.32 * cloudy(
        noise, p[0] * 1.15 + 2.1, p[1] * 1.15 + phase * 0.4, p[2] * 1.15 - phase * 0.7
    )
    return g, f


@jit
def _march(
    density,
    heat,
    soot,
    thickness,
    low,
    inverseCell,
    camera,
    forward,
    right,
    down,
    focal,
    distance,
    env,
    albedo,
    noise,
    phase,
    drift,
    out,
):
    """out [h,w,4]: scattered and emitted radiance, transmittance. distance [h,w] ends each ray."""
    height, width = distance.shape
    d = np.zeros(3)
    p = np.zeros(3)
    bent = np.zeros(3)
    high = np.zeros(3)
    for k in range(3):
        high[k] = low[k] + density.shape[k] / inverseCell
    for y in range(height):
        for x in range(width):
            a = (x + 0.5 - width / 2) / focal
            b = (y + 0.5 - height / 2) / focal
            length = 0.0
            for k in range(3):
                d[k] = forward[k] + a * right[k] + b * down[k]
                length += d[k] ** 2
                out[y, x, k] = 0.0
            out[y, x, 3] = 1.0
            length = math.sqrt(length)
            near, end = 0.5, distance[y, x]
            for k in range(3):
                d[k] /= length
                if abs(d[k]) > 1e-6:
                    u = (low[k] - camera[k]) / d[k]
                    v = (high[k] - camera[k]) / d[k]
                    near = max(near, min(u, v))
                    end = min(end, max(u, v))
            if end <= near:
                continue
            steps = min(64, int((end - near) * inverseCell * 1.3) + 2)
            dt = (end - near) / steps
            through = 1.0
            mu = d[0] * env[SUN] + d[1] * env[SUN + 1] + d[2] * env[SUN + 2]
            grey = 0.26 * (env[AMBIENT] + env[AMBIENT + 1] + env[AMBIENT + 2])
            phaseFunction = 0.75 + 0.9 * max(0.0, mu) ** 4
            for s in range(steps):
                t = near + (s + 0.15 + 0.7 * hash01(x, y, s + 77)) * dt
                for k in range(3):
                    p[k] = camera[k] + d[k] * t
                g, f = billow(density, low, inverseCell, noise, phase, drift, p, bent)
                if g < LEAST:
                    continue
                wisps = max(0.0, f * 4.2 - 1.35)
                dense = g * wisps
                warmth = lookup(heat, low, inverseCell, bent)
                if dense <= 0 and warmth < 0.1:
                    continue
                alpha = 1 - math.exp(-dense * dt)
                sunlight = math.exp(-lookup(thickness, low, inverseCell, p)) * phaseFunction
                dark = min(1.0, lookup(soot, low, inverseCell, bent) / (g + 1e-6))
                flame = warmth * max(0.0, f * 5.0 - 1.75)
                clear = math.exp(-t * env[HAZE])
                for k in range(3):
                    colour = albedo[k] * (1 - 0.9 * dark)
                    e = (
                        colour
                        * (sunlight * env[SUN_COLOUR + k] * 0.75 + 0.6 * env[AMBIENT + k] + grey)
                        * alpha
                    )
                    e = e * clear + env[HAZE_COLOUR + k] * (1 - clear) * alpha
                    if flame > 0.12:
                        # Hotter is whiter; capped so that noise peaks stay printable.
                        hot = min(2.6, flame)
                        e += (
                            (1 - math.exp(-flame * dt * 1.4))
                            * hot
                            * (5.0, 1.7 * min(1.3, 0.45 + 0.5 * hot), 0.32 * hot)[k]
                        )
                    out[y, x, k] += through * e
                through *= (1 - alpha) * (math.exp(-0.25 * flame * dt) if flame > 0.12 else 1.0)
                if through < 0.01:
                    break
            out[y, x, 3] = through


class Dust:
    """State of one clip's dust; call advance() once a frame from the onset on."""

    def __init__(self, rng, plan, events, amount, look, size, secondsPerFrame):
        """events: from physics; amount 0..1; size (W,H,D) of the building."""
        self.rng, self.look, self.h = rng, look, secondsPerFrame
        W, H, D = size
        self.centre = np.array([W / 2, D / 2, 0])
        self.low = np.array([-10.0, -13.0, 0.0])
        tall = 15 if plan.fires or plan.blast else 9
        self.shape = (int((W + 20) / CELL), int((D + 16) / CELL), int((H + tall) / CELL))
        self.inverseCell = 1 / CELL
        self.plan = plan
        events = events[np.argsort(events[:, 0], kind="stable")]
        k = min(len(events), 1500)
        events = events[np.sort(rng.choice(len(events), k, False))] if k else events
        thin = 0.12 + 1.1 * amount**1.3
        self.p = events[:, 1:4].copy()
        self.v = events[:, 4:7] * 0.5 + rng.normal(0, 1.1, (k, 3)) * (1, 1, 0.6)
        self.r = rng.uniform(0.5, 1.1, k)
        self.d = rng.uniform(0.7, 1.6, k) * 6.5 * thin
        self.born = events[:, 0]
        self.flames, self.smoke = [np.zeros((0, 9)) for _ in range(2)]
        self.lights = np.zeros((0, 6))
        self.frame = -1
        if plan.blast:
            centre, radius = plan.blast
            n = 240
            way = rng.normal(0, 1, (n, 3)) * (1, 1, 0.8) + (0, -0.5, 0.35)
            self.flames = np.concatenate(
                [
                    centre + way * 0.25 * radius,
                    way * rng.uniform(1.5, 5.5, (n, 1)) * radius / 2,
                    rng.uniform(0, 2.5, (n, 1)),
                    rng.uniform(0.6, 1.15, (n, 1)) * radius / 2,
                    np.full((n, 1), rng.uniform(6, 12)),
                ],
                1,
            )
        self.fields = [np.zeros(self.shape) for _ in range(4)]
        self.active = False

    def advance(self, moved=None):
        """Moves everything one frame; fills density, heat, soot and the thickness towards the sun.

        moved [n,3]: how far each chunk is from its rest position, so that fires ride on what burns.
        """
        self.frame += 1
        f, h, rng = self.frame, self.h, self.rng
        density, heat, soot, thickness = self.fields
        for field in self.fields:
            field[:] = 0
        on = self.born <= f + 1
        if on.any():
            p, v = self.p[on], self.v[on]
            gust = (
                np.stack(
                    [
                        np.sin(p[:, 1] * 0.6 + f * 0.1) + np.sin(p[:, 2] * 0.9),
                        np.sin(p[:, 0] * 0.5 + 2) + np.cos(p[:, 2] * 0.7),
                        0.6 * np.sin(p[:, 0] * 0.8 + p[:, 1] * 0.6),
                    ],
                    1,
                )
                * 0.9
            )
            v = v * 0.86 + gust * 0.14 + self.look.wind * 0.1
            v[:, 2] += 0.15
            out = p - self.centre
            v += (
                out
                * (1, 1, 0)
                / (np.linalg.norm(out[:, :2], axis=1)[:, None] + 2)
                * 0.35
                * (p[:, 2:3] < 4)
            )
            p = p + v * h
            p[:, 2] = np.maximum(p[:, 2], 0.3)
            self.p[on], self.v[on] = p, v
            self.r[on] += 0.95 * h * (1 + 0.4 * rng.random(on.sum()))
            _splat(
                p,
                self.r[on],
                self.d[on] * np.clip((f - self.born[on] + 1) / 2, 0, 1),
                density,
                self.low,
                self.inverseCell,
            )
        lights = []
        if len(self.flames):
            q = self.flames
            on = q[:, 6] <= f
            age = f - q[on, 6]
            q[on, 3:6] = q[on, 3:6] * 0.84 + (0, 0, 0.35)
            q[on, :3] += q[on, 3:6] * h
            q[on, 7] += 0.55 * h * 1.5
            _splat(q[on, :3], q[on, 7], q[on, 8], density, self.low, self.inverseCell)
            _splat(
                q[on, :3],
                q[on, 7],
                q[on, 8] * 0.85 * np.clip(age / 5, 0, 1),
                soot,
                self.low,
                self.inverseCell,
            )
            _splat(
                q[on, :3],
                q[on, 7] * 0.85,
                5.0 * np.exp(-age / 4.5),
                heat,
                self.low,
                self.inverseCell,
            )
            lights.append(
                np.r_[self.plan.blast[0] + (0, -2, 0), np.array([34, 15, 5]) * np.exp(-f / 4.0)]
            )
        if self.plan.fires:
            lights += self._burn(f, moved)
            s = self.smoke
            if len(s):
                age = f - s[:, 6]
                s[:, 3:6] = (
                    s[:, 3:6] * 0.9
                    + np.array([0, -0.02, 0.22])
                    + self.look.wind * 0.06
                    + rng.normal(0, 0.12, (len(s), 3))
                )
                s[:, :3] += s[:, 3:6] * h
                s[:, 7] += 0.75 * h
                amount = s[:, 8] * np.clip(age / 3, 0, 1)
                _splat(s[:, :3], s[:, 7], amount, density, self.low, self.inverseCell)
                _splat(s[:, :3], s[:, 7], amount * 0.8, soot, self.low, self.inverseCell)
                hot = np.exp(-age / 3.6) * s[:, 8] * 0.6
                _splat(s[:, :3], s[:, 7] * 0.8, hot, heat, self.low, self.inverseCell)
        self.lights = np.array(lights).reshape(-1, 6)
        self.active = density.max() > 0
        if self.active:
            _lightThickness(density, self.look.env[SUN : SUN + 3], CELL, thickness)

    def _burn(self, f, moved):
        """Emits flame-and-smoke particles at the burning openings; returns their lights."""
        rng, lights, born = self.rng, [], []
        for position, radius, start, chunk, strength in self.plan.fires:
            if f < start:
                continue
            if moved is not None:
                position = position + moved[chunk]
                if position[2] < 1.5:  # buried
                    strength = strength * 0.25
            grown = min(1.0, (f - start + 1) / 6) * strength
            n = int(rng.poisson(10 * grown))
            way = rng.normal(0, 0.35, (n, 3)) + (0, -0.9, 1.6)
            born.append(
                np.concatenate(
                    [
                        position + rng.normal(0, 0.35, (n, 3)) * (radius, 0.15, radius * 0.8),
                        way,
                        np.full((n, 1), f),
                        rng.uniform(0.45, 0.85, (n, 1)) * radius,
                        rng.uniform(2.2, 5.0, (n, 1)) * grown,
                    ],
                    1,
                )
            )
            lights.append(
                np.r_[
                    position + (0, -1.0, 0.5),
                    np.array([5.5, 2.3, 0.7]) * grown * rng.uniform(0.75, 1.25),
                ]
            )
        self.smoke = np.concatenate([self.smoke] + born)
        return lights[:8]

    def composite(self, image, distance, camera, frame, noise):
        """image with the volume in front of it."""
        density, heat, soot, thickness = self.fields
        out = np.empty(image.shape[:2] + (4,))
        _march(
            density,
            heat,
            soot,
            thickness,
            self.low,
            self.inverseCell,
            camera.position[frame],
            camera.forward[frame],
            camera.right[frame],
            camera.down[frame],
            camera.focal,
            distance,
            self.look.env,
            self.look.dust,
            noise,
            self.frame * self.h,
            self.look.wind,
            out,
        )
        return image * out[..., 3:] + out[..., :3]
