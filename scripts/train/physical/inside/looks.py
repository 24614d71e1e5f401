"""Materials of the fast generator's palette, made of the demo plate's procedural ones. Runs in Blender."""

import materials as plate
import numpy as np

# As in footage/building.py, which Blender's Python can't import (it has no numba).
NAMES = (
    "WALL ROOM TRIM GLASS CAR METAL LEAF WALL2 GROUND RAW BLIND BASE ROOF PARTY FAR WOOD RAIL LAMP WALL3 SIGN UNIT"
).split()
BRICK, TILES = 1, 3  # values of the fast generator's `texture`


def brick(name, colour, tiles=False):
    """Exposed brick, or small tiles, in world scale at rest."""
    n = plate.Nodes(name)
    at = n.z()
    flat = n.node("ShaderNodeCombineXYZ")
    n.link(n.math("ADD", at[0], at[1]), flat.inputs[0])
    n.link(at[2], flat.inputs[1])
    wall = n.node("ShaderNodeTexBrick")
    n.link(flat.outputs[0], wall.inputs["Vector"])
    width, height = (0.1, 0.1) if tiles else (0.27, 0.085)
    for key, value in (("Scale", 1.0), ("Brick Width", width), ("Row Height", height), ("Mortar Size", 0.012)):
        wall.inputs[key].default_value = value
    n.link(colour, wall.inputs["Color1"])
    n.link(tuple(c * 0.8 for c in colour), wall.inputs["Color2"])
    n.link(tuple(0.5 * c + 0.18 for c in colour), wall.inputs["Mortar"])
    streak = n.noise(1.0, 4, 0.65, n.scaled(n.pos, (2.2, 2.2, 0.13)))
    c = n.mix(n.math("MULTIPLY", n.ramp(streak, 0.5, 0.78), 0.45), wall.outputs["Color"], (0.07, 0.06, 0.05))
    c = n.gain(c, n.math("MULTIPLY_ADD", n.noise(0.6, 4, 0.65), 0.5, 0.75))
    return n.principled(plate.dim(colour, 0.8), c, 0.9, 0.15)


def broken(name, colour):
    """A fresh break: bricks, mortar and dust mixed, rough."""
    n = plate.Nodes(name)
    c = n.mix(n.ramp(n.noise(3.5, 4, 0.7), 0.35, 0.65), tuple(0.55 * x for x in colour), tuple(min(0.7, 1.35 * x) for x in colour))
    c = n.mix(n.ramp(n.noise(1.1, 3, 0.6), 0.5, 0.62), c, (0.3, 0.15, 0.1))
    return n.principled(plate.dim(colour, 0.7), c, 0.95, 0.1, n.bump(n.noise(9, 2, 0.7), 0.6, 0.06))


def library(palette, texture, rng):
    """A material for each of NAMES, in their order, and asphalt, pavement and paint by name; cars and trees have their own."""
    colour = {name: tuple(float(c) for c in palette[k]) for k, name in enumerate(NAMES)}
    dirt = float(rng.uniform(0.25, 0.7))
    made = {}
    for name in ("WALL", "WALL2", "WALL3", "FAR"):
        kind = int(texture[NAMES.index(name)])
        if kind in (BRICK, TILES):
            made[name] = brick(name, colour[name], kind == TILES)
        else:
            made[name] = plate.plaster(name, colour[name], dirt, 0.0)
    for name in ("TRIM", "BASE"):
        made[name] = plate.plaster(name, colour[name], dirt, 0.0)
    made["PARTY"] = plate.party_wall("PARTY", colour["PARTY"], int(rng.integers(5)))
    made["RAW"] = broken("RAW", colour["RAW"])
    made["GLASS"] = plate.glass("GLASS", (0.05, 0.05, 0.05))
    made["BLIND"] = plate.slats("BLIND", colour["BLIND"])
    for name, rough in (("ROOM", 0.95), ("ROOF", 0.95), ("WOOD", 0.8), ("METAL", 0.5), ("RAIL", 0.5), ("LAMP", 0.4), ("SIGN", 0.6), ("UNIT", 0.6), ("CAR", 0.4), ("LEAF", 0.8), ("GROUND", 0.9)):
        made[name] = plate.plain(name, colour[name], rough, 0.25, 0.0, 0.0, 0.3)
    asphalt, pavement = plate.asphalt("asphalt"), plate.tiles("pavement", tuple(rng.uniform(0.2, 0.36) * np.array([1, 0.95, 0.85])), 0.4)
    return [made[name] for name in NAMES], {"asphalt": asphalt, "pavement": pavement, "paint": plate.road_paint("paint", (0.5, 0.49, 0.46))}
