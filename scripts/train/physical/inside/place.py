"""The clip's meshes: target, street, cars, trees, ground. Runs in Blender."""

import random

import bpy
import looks
import materials as plate
import numpy as np
import trees
import vehicles
from mesh import Mesh, instance

QUADS = np.array([[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]])
VARIED = [looks.NAMES.index(n) for n in ("GLASS", "BLIND", "WOOD", "SIGN")]
FARTHEST = [looks.NAMES.index(n) for n in ("WALL2", "WALL3", "FAR", "PARTY")]
KERB = -3.35  # y of the street's edge


def hexahedra(name, points, faces, library, rng, index=0):
    """One object of all hexahedra [n,8,3] with a material a face [n,6]; `rest` keeps where each point was."""
    data = bpy.data.meshes.new(name)
    count = len(points)
    quads = (QUADS[None] + 8 * np.arange(count)[:, None, None]).reshape(-1, 4)
    data.vertices.add(8 * count)
    data.vertices.foreach_set("co", points.astype(np.float32).ravel())
    data.loops.add(quads.size)
    data.loops.foreach_set("vertex_index", quads.astype(np.int32).ravel())
    data.polygons.add(len(quads))
    data.polygons.foreach_set("loop_start", np.arange(0, quads.size, 4, dtype=np.int32))
    if bpy.app.version < (4, 1):
        data.polygons.foreach_set("loop_total", np.full(len(quads), 4, np.int32))
    for material in library:
        data.materials.append(material)
    data.polygons.foreach_set("material_index", faces.astype(np.int32).ravel())
    data.update(calc_edges=True)
    data.attributes.new("rest", "FLOAT_VECTOR", "POINT").data.foreach_set("vector", points.astype(np.float32).ravel())
    shade = np.where(np.isin(faces, VARIED), np.repeat(rng.random(count)[:, None], 6, 1), 0.5)
    data.attributes.new("rnd", "FLOAT", "FACE").data.foreach_set("value", shade.astype(np.float32).ravel())
    made = bpy.data.objects.new(name, data)
    made.pass_index = index
    bpy.context.scene.collection.objects.link(made)
    return made


def ground(named):
    """Asphalt, pavement, a dashed line."""
    def flat(name, x0, y0, x1, y1, z, material):
        data = bpy.data.meshes.new(name)
        data.from_pydata([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], [], [(0, 1, 2, 3)])
        data.materials.append(material)
        at = np.array([v.co for v in data.vertices], np.float32)
        data.attributes.new("rest", "FLOAT_VECTOR", "POINT").data.foreach_set("vector", at.ravel())
        bpy.context.scene.collection.objects.link(bpy.data.objects.new(name, data))

    flat("asphalt", -300, -200, 300, KERB, 0.0, named["asphalt"])
    flat("pavement", -300, KERB, 300, 300, 0.0, named["pavement"])
    for k in range(-20, 25):
        flat(f"dash{k}", 4.0 * k, -8.1, 4.0 * k + 1.8, -7.98, 0.006, named["paint"])


def skyline(library, rng):
    """Low roofs far behind the street, so that no plain runs to the horizon."""
    m = Mesh(random.Random(int(rng.integers(1 << 30))))
    x = -220.0
    while x < 240:
        wide, tall = rng.uniform(9, 22), rng.uniform(5, 11) + 9 * (rng.random() < 0.15)
        deep = rng.uniform(42, 60)
        m.box((x, deep, 0), (x + wide, deep + 12, tall), looks.NAMES[FARTHEST[int(rng.integers(len(FARTHEST)))]])
        x += wide + (0 if rng.random() < 0.8 else rng.uniform(3, 10))
    made = m.build("skyline", dict(zip(looks.NAMES, library)))
    at = np.zeros(3 * len(made.data.vertices), np.float32)
    made.data.vertices.foreach_get("co", at)
    made.data.attributes.new("rest", "FLOAT_VECTOR", "POINT").data.foreach_set("vector", at)


def furnish(s, rng):
    """The demo plate's cars and trees where the plan says. They are textured by their own coordinates."""
    plate.Nodes.rest = None
    library = plate.library()
    draw = random.Random(int(rng.integers(1 << 30)))
    for k, (x, y) in enumerate(s["cars"]):
        kind = draw.choice(("hatch", "sedan", "van", "sedan", "hatch"))
        colour = draw.choice(("white", "silver", "grey", "black", "red", "blue", "taxi", "green", "white", "grey"))
        for part in vehicles.car(draw, library, kind, colour, f"car{k}"):
            part.location = (x, y + 0.9, 0)
    for k, (x, y) in enumerate(s["trees"]):
        if k < 2:
            grown = Mesh(draw)
            trees.plane_tree(grown, trunk=draw.uniform(2.4, 3.2), length=draw.uniform(1.5, 2.1), leaves=26, size=0.24)
            source = grown.build(f"tree{k}", library)
            source.location = (x, y, 0)
        else:
            instance(source, f"tree{k}", (x, y, 0), draw.uniform(0, 6.28), draw.uniform(0.8, 1.1))


def build(s, rng):
    """Everything that is seen; returns the target's object, whose vertices are moved from frame to frame."""
    plate.Nodes.rest = "rest"
    library, named = looks.library(s["palette"], s["texture"], rng)
    owned = int(s["owned"])
    target = hexahedra("target", s["points"][:owned], s["materials"][:owned], library, rng, 1)
    hexahedra("street", s["points"][owned:], s["materials"][owned:], library, rng)
    ground(named)
    skyline(library, rng)
    furnish(s, rng)
    return target
