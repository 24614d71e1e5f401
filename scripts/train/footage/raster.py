"""Z-buffer rasteriser for hexahedra: depth and triangle id per sample."""

import math

import numpy as np

from .building import TRIANGLES
from .kernels import jit

NEAR = 0.3


@jit
def _raster(points, view, perspective, depth, ids, base, triangles):
    height, width = depth.shape
    p = np.zeros((8, 3))
    for n in range(points.shape[0]):
        visible = True
        for c in range(8):
            x = points[n, c]
            z = view[2, 0] * x[0] + view[2, 1] * x[1] + view[2, 2] * x[2] + view[2, 3]
            a = view[0, 0] * x[0] + view[0, 1] * x[1] + view[0, 2] * x[2] + view[0, 3]
            b = view[1, 0] * x[0] + view[1, 1] * x[1] + view[1, 2] * x[2] + view[1, 3]
            if perspective:
                if z < NEAR:
                    visible = False
                    break
                p[c, 0] = a / z
                p[c, 1] = b / z
                p[c, 2] = 1 / z
            else:
                p[c, 0] = a
                p[c, 1] = b
                p[c, 2] = -z
        if not visible:
            continue
        for t in range(12):
            i0, i1, i2 = triangles[t, 0], triangles[t, 1], triangles[t, 2]
            x0, y0, x1, y1, x2, y2 = p[i0, 0], p[i0, 1], p[i1, 0], p[i1, 1], p[i2, 0], p[i2, 1]
            area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
            if area >= -1e-9:
                continue
            left = max(0, int(math.ceil(min(x0, x1, x2) - 0.5)))
            right = min(width - 1, int(math.floor(max(x0, x1, x2) - 0.5)))
            top = max(0, int(math.ceil(min(y0, y1, y2) - 0.5)))
            bottom = min(height - 1, int(math.floor(max(y0, y1, y2) - 0.5)))
            inverse = 1 / area
            for y in range(top, bottom + 1):
                for x in range(left, right + 1):
                    u = (
                        (x1 - x - 0.5) * (y2 - y - 0.5) - (x2 - x - 0.5) * (y1 - y - 0.5)
                    ) * inverse
                    w = (
                        (x2 - x - 0.5) * (y0 - y - 0.5) - (x0 - x - 0.5) * (y2 - y - 0.5)
                    ) * inverse
                    s = 1 - u - w
                    if u >= 0 and w >= 0 and s >= 0:
                        z = u * p[i0, 2] + w * p[i1, 2] + s * p[i2, 2]
                        if z > depth[y, x]:
                            depth[y, x] = z
                            ids[y, x] = base + n * 12 + t


def raster(points, view, perspective, depth, ids, base=0):
    """Draws points [n,8,3] over depth (1/z for perspective, -z for parallel) and ids (chunk*12+triangle).

    view [3,4]: rows right, down, forward, in samples for the first two."""
    _raster(points, view, perspective, depth, ids, base, TRIANGLES)
