"""Plane trees: a recursive skeleton, mottled bark, lobed leaves as real geometry (no transparency, so shadows are cheap)."""
import math

from mathutils import Matrix, Vector

LEAF = [(0, 0), (0.5, 0.38), (0.26, 0.52), (0, 1.0), (-0.26, 0.52), (-0.5, 0.38)]


def add_leaf(mesh, at, direction, size):
    """One lobed leaf that droops a little and is folded along its middle by chance."""
    r = mesh.rng
    d = (direction + Vector((r.gauss(0, 0.6), r.gauss(0, 0.6), r.gauss(-0.25, 0.5)))).normalized()
    side = d.cross(Vector((r.gauss(0, 0.5), r.gauss(0, 0.5), 1))).normalized()
    mesh.polygon([at + d * (v * size) + side * (u * size) for u, v in LEAF], 'leaf')


def grow(mesh, at, direction, length, radius, level, leaves, size):
    """A branch and what grows on it; leaves on the last two levels."""
    r = mesh.rng
    points, radii, d, p = [at], [radius], direction.normalized(), at
    steps = 5
    for i in range(steps):
        d = (d + Vector((r.gauss(0, 0.13), r.gauss(0, 0.13), 0.05 + r.gauss(0, 0.08)))).normalized()
        p = p + d * (length / steps)
        points.append(p)
        radii.append(radius * (1 - 0.6 * (i + 1) / steps))
    mesh.tube(points, radii, 'bark', 8 if level > 2 else 5, False)
    if level <= 1:
        for _ in range(leaves):
            k = r.randrange(1, steps + 1)
            at = points[k] + Vector((r.gauss(0, 1), r.gauss(0, 1), r.gauss(0, 0.8))) * 0.22
            add_leaf(mesh, at, d, size * r.uniform(0.6, 1.15))
    if level == 0:
        return
    for _ in range(r.choice((3, 4)) if level < 3 else 4):
        k = r.randrange(2, steps + 1)
        tilt = r.uniform(0.45, 0.95)
        turn = Matrix.Rotation(r.uniform(0, 2 * math.pi), 4, d)
        out = (turn @ (d * math.cos(tilt) + d.orthogonal().normalized() * math.sin(tilt))).normalized()
        grow(mesh, points[k], out, length * r.uniform(0.55, 0.8), radii[k] * 0.7, level - 1, leaves, size)


def plane_tree(mesh, trunk=3.2, length=2.7, leaves=40, size=0.195):
    """A street tree of some 8 to 10 m: trunk, three or four limbs, crown."""
    r = mesh.rng
    lean = Vector((r.gauss(0, 0.05), r.gauss(0, 0.05), 1))
    top = lean * trunk
    mesh.tube([(0, 0, -0.3), lean * 0.3, lean * (trunk * 0.5) + Vector((0.05, 0.02, 0)), top], [0.3, 0.2, 0.17, 0.15], 'bark', 12)
    first = r.uniform(0, 6.28)
    for k in range(4):
        a = first + k * math.pi / 2 + r.gauss(0, 0.25)
        grow(mesh, top, Vector((math.cos(a) * 0.75, math.sin(a) * 0.75, 1.0)), length, 0.1, 3, leaves, size)


def branch(mesh, at, direction, length=2.6, leaves=26, size=0.17):
    """One leafy branch, for the near edge of the frame."""
    grow(mesh, Vector(at), Vector(direction), length, 0.035, 2, leaves, size)
