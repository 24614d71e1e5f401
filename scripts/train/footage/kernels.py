"""Small compiled helpers that physics, shading and dust share: hashing, baked noise, quaternions."""

import math

import numba as nb
import numpy as np

jit = nb.njit(cache=True, fastmath=True, boundscheck=False, error_model="numpy")

NOISE_SIZE = 64
NOISE_CELLS = 8  # cells of the lowest octave along one side of the baked volume


def bake_noise(seed=7):
    """Tileable four-octave value noise, float32 [64,64,64], mean about 0.5. One look-up replaces a sum
    of hashed octaves, which is what shading would otherwise spend most of its time on."""
    rng = np.random.default_rng(seed)
    total = np.zeros((NOISE_SIZE,) * 3)
    amplitude = 0.5
    for octave in range(4):
        cells = NOISE_CELLS << octave
        grid = rng.random((cells,) * 3)
        step = NOISE_SIZE // cells
        for axis in range(3):
            following = np.roll(grid, -1, axis)
            t = np.arange(step) / step
            t = t * t * (3 - 2 * t)
            parts = [grid * (1 - w) + following * w for w in t]
            grid = np.stack(parts, axis + 1).reshape(
                grid.shape[:axis] + (grid.shape[axis] * step,) + grid.shape[axis + 1 :]
            )
        total += amplitude * grid
        amplitude *= 0.55
    return total.astype(np.float32)


@jit
def hash01(i, j, k):
    """A number in 0..1 from three integers."""
    h = nb.uint32(i * 374761393 + j * 668265263 + k * 2147483647 + 12345)
    h = (h ^ (h >> nb.uint32(13))) * nb.uint32(1274126177)
    return nb.float64((h ^ (h >> nb.uint32(16))) & nb.uint32(0xFFFF)) / 65535.0


@jit
def cloudy(noise, x, y, z):
    """Trilinear look-up in the baked noise; one unit is one cell of its lowest octave."""
    x *= NOISE_CELLS
    y *= NOISE_CELLS
    z *= NOISE_CELLS
    fx = math.floor(x)
    fy = math.floor(y)
    fz = math.floor(z)
    u = x - fx
    v = y - fy
    w = z - fz
    i = int(fx) & 63
    j = int(fy) & 63
    k = int(fz) & 63
    i1 = (i + 1) & 63
    j1 = (j + 1) & 63
    k1 = (k + 1) & 63
    a = noise[i, j, k] * (1 - u) + noise[i1, j, k] * u
    b = noise[i, j1, k] * (1 - u) + noise[i1, j1, k] * u
    c = noise[i, j, k1] * (1 - u) + noise[i1, j, k1] * u
    d = noise[i, j1, k1] * (1 - u) + noise[i1, j1, k1] * u
    return (a * (1 - v) + b * v) * (1 - w) + (c * (1 - v) + d * v) * w


@jit
def rotate(q, v, out):
    """out = v rotated by the unit quaternion q (w, x, y, z)."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    tx = 2 * (y * v[2] - z * v[1])
    ty = 2 * (z * v[0] - x * v[2])
    tz = 2 * (x * v[1] - y * v[0])
    out[0] = v[0] + w * tx + y * tz - z * ty
    out[1] = v[1] + w * ty + z * tx - x * tz
    out[2] = v[2] + w * tz + x * ty - y * tx


@jit
def turn(q, a, b, c):
    """Adds the small rotation vector (a, b, c) to q and normalises it."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    q[0] += 0.5 * (-a * x - b * y - c * z)
    q[1] += 0.5 * (a * w + b * z - c * y)
    q[2] += 0.5 * (b * w + c * x - a * z)
    q[3] += 0.5 * (c * w + a * y - b * x)
    s = 1 / math.sqrt(q[0] ** 2 + q[1] ** 2 + q[2] ** 2 + q[3] ** 2)
    q[0] *= s
    q[1] *= s
    q[2] *= s
    q[3] *= s


@jit
def lookup(grid, low, inverseCell, p):
    """Trilinear sample of a cell-centred grid at the world position p; 0 outside."""
    a = (p[0] - low[0]) * inverseCell - 0.5
    b = (p[1] - low[1]) * inverseCell - 0.5
    c = (p[2] - low[2]) * inverseCell - 0.5
    i = int(math.floor(a))
    j = int(math.floor(b))
    k = int(math.floor(c))
    if i < 0 or j < 0 or i >= grid.shape[0] - 1 or j >= grid.shape[1] - 1 or k >= grid.shape[2] - 1:
        return 0.0
    if k < 0:
        k = 0
        c = 0.0
    u = a - i
    v = b - j
    w = c - k
    near = (grid[i, j, k] * (1 - u) + grid[i + 1, j, k] * u) * (1 - v) + (
        grid[i, j + 1, k] * (1 - u) + grid[i + 1, j + 1, k] * u
    ) * v
    far = (grid[i, j, k + 1] * (1 - u) + grid[i + 1, j, k + 1] * u) * (1 - v) + (
        grid[i, j + 1, k + 1] * (1 - u) + grid[i + 1, j + 1, k + 1] * u
    ) * v
    return near * (1 - w) + far * w
