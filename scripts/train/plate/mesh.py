"""A small mesh builder: boxes, quads, prisms and tubes gathered by material, then turned into one Blender object.

Coordinates are metres, Z up. Every face carries a random number in the face attribute `rnd`, which the materials use to
vary colour from window to window or leaf to leaf.
"""
import math
import random

import bpy
import numpy as np
from mathutils import Matrix, Vector


class Mesh:
    """Gathers polygons; `frame` is a 4x4 transform applied to whatever is added next."""

    def __init__(self, rng: random.Random):
        self.rng = rng
        self.frame = Matrix.Identity(4)
        self.verts, self.faces, self.mats, self.rnd = [], [], [], []

    def polygon(self, points, mat, rnd=None):
        """One polygon, counter-clockwise seen from outside."""
        base = len(self.verts)
        self.verts.extend(tuple(self.frame @ Vector(p)) for p in points)
        self.faces.append(tuple(range(base, base + len(points))))
        self.mats.append(mat)
        self.rnd.append(self.rng.random() if rnd is None else rnd)

    def box(self, lo, hi, mat, rnd=None):
        """Axis-aligned box between two corners given in any order."""
        (x0, x1), (y0, y1), (z0, z1) = (sorted(pair) for pair in zip(lo, hi))
        v = [(x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0), (x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)]
        rnd = self.rng.random() if rnd is None else rnd
        for f in ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)):
            self.polygon([v[i] for i in f], mat, rnd)

    def tube(self, points, radii, mat, sides=8, caps=True):
        """A tube along a polyline; `radii` is one number or one a point."""
        points = [Vector(p) for p in points]
        radii = [radii] * len(points) if isinstance(radii, (int, float)) else radii
        rings, rnd, side = [], self.rng.random(), None
        for i, p in enumerate(points):
            d = (points[min(i + 1, len(points) - 1)] - points[max(i - 1, 0)]).normalized()
            if side is None:
                side = d.cross(Vector((0.31, 0.77, 0.55))).normalized()
            side = (side - d * side.dot(d)).normalized()
            up = d.cross(side)
            rings.append([p + (side * math.cos(a) + up * math.sin(a)) * radii[i]
                          for a in np.linspace(0, 2 * math.pi, sides, endpoint=False)])
        for a, b in zip(rings, rings[1:]):
            for k in range(sides):
                j = (k + 1) % sides
                self.polygon([a[k], a[j], b[j], b[k]], mat, rnd)
        if caps:
            self.polygon(list(reversed(rings[0])), mat, rnd)
            self.polygon(rings[-1], mat, rnd)

    def disc(self, centre, axis, radius, mat, sides=24):
        """A flat disc that faces along `axis`."""
        axis = Vector(axis).normalized()
        u = axis.orthogonal().normalized()
        w = axis.cross(u)
        self.polygon([Vector(centre) + (u * math.cos(a) + w * math.sin(a)) * radius
                      for a in np.linspace(0, 2 * math.pi, sides, endpoint=False)], mat)

    def build(self, name, materials, index=0, smooth=False):
        """A Blender object, linked to the scene. `index` 1 marks the target, for the matte."""
        me = bpy.data.meshes.new(name)
        me.from_pydata(self.verts, [], self.faces)
        names = sorted(set(self.mats))
        for n in names:
            me.materials.append(materials[n])
        slot = {n: i for i, n in enumerate(names)}
        me.polygons.foreach_set('material_index', [slot[m] for m in self.mats])
        me.polygons.foreach_set('use_smooth', [smooth] * len(self.faces))
        me.attributes.new('rnd', 'FLOAT', 'FACE').data.foreach_set('value', self.rnd)
        me.update()
        ob = bpy.data.objects.new(name, me)
        ob.pass_index = index
        bpy.context.scene.collection.objects.link(ob)
        return ob


def instance(source, name, location, turn=0.0, scale=1.0, index=0):
    """Another object with the mesh of `source`; `turn` in radians about Z."""
    ob = bpy.data.objects.new(name, source.data)
    ob.location, ob.rotation_euler, ob.scale = location, (0, 0, turn), (scale,) * 3
    ob.pass_index = index
    for m in source.modifiers:
        copy = ob.modifiers.new(m.name, m.type)
        if m.type == 'SUBSURF':
            copy.levels, copy.render_levels = m.levels, m.render_levels
    bpy.context.scene.collection.objects.link(ob)
    return ob
