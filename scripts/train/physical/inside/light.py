"""Sun and sky of a clip: the fast generator's colours, in Cycles' units. Runs in Blender."""

import math

import bpy
from materials import Nodes
from mathutils import Vector


def world(scene, s):
    """A gradient with clouds for the camera; for all other rays the gradient alone, which also stands for the light's
    further bounces."""
    w = bpy.data.worlds.new("sky")
    scene.world = w
    w.use_nodes = True
    n = Nodes.__new__(Nodes)  # the short names, on the world's tree
    n.tree = w.node_tree
    n.tree.nodes.clear()
    zenith, horizon = tuple(map(float, s["zenith"])), tuple(map(float, s["horizon"]))
    split = n.node("ShaderNodeSeparateXYZ")
    direction = n.node("ShaderNodeTexCoord").outputs["Generated"]
    n.link(direction, split.inputs[0])
    up = n.math("POWER", n.math("MAXIMUM", split.outputs[2], 0.0), 0.55)
    sky = n.mix(up, horizon, zenith)
    flat = n.node("ShaderNodeCombineXYZ")
    lifted = n.math("ADD", n.math("MAXIMUM", split.outputs[2], 0.0), 0.16)
    for k in range(2):
        n.link(n.math("DIVIDE", split.outputs[k], lifted), flat.inputs[k])
    moved = n.node("ShaderNodeVectorMath", operation="ADD")
    n.link(flat.outputs[0], moved.inputs[0])
    moved.inputs[1].default_value = (float(s["seed"] % 97), float(s["seed"] % 31), 0)
    start = min(0.62, 0.38 + 0.25 * float(s["cloudStart"]))
    shape = n.ramp(n.noise(0.75, 6, 0.58, moved.outputs[0]), start, start + 0.24)
    cloud = n.math("MULTIPLY", shape, n.ramp(split.outputs[2], 0.0, 0.12, 0.25, 0.9))
    bright = float(s["cloudLight"])
    seen = n.node("ShaderNodeBackground")
    n.link(n.mix(cloud, sky, (bright, 0.98 * bright, 0.96 * bright)), seen.inputs[0])
    fill = n.node("ShaderNodeBackground")
    n.link(sky, fill.inputs[0])
    fill.inputs[1].default_value = {"overcast": 0.75}.get(str(s["time"]), 0.6)
    choice = n.node("ShaderNodeMixShader")
    n.link(n.node("ShaderNodeLightPath").outputs["Is Camera Ray"], choice.inputs[0])
    n.link(fill.outputs[0], choice.inputs[1])
    n.link(seen.outputs[0], choice.inputs[2])
    n.link(choice.outputs[0], n.node("ShaderNodeOutputWorld").inputs[0])


def sun(scene, s):
    """A white wall that faces it gets the fast generator's sun colour as radiance."""
    colour = s["sunColour"]
    strongest = float(max(colour))
    data = bpy.data.lights.new("sun", "SUN")
    data.energy = math.pi * strongest
    data.color = [float(c / max(strongest, 1e-6)) for c in colour]
    data.angle = math.radians(6 if str(s["time"]) == "overcast" else 0.6)
    lamp = bpy.data.objects.new("sun", data)
    lamp.rotation_euler = Vector(map(float, s["sun"])).to_track_quat("Z", "Y").to_euler()
    scene.collection.objects.link(lamp)
