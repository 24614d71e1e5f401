"""The dust as a volume object whose voxels change from frame to frame. Runs in Blender."""

import os

import bpy
import numpy as np

try:
    import openvdb as vdb  # bpy's wheel
except ImportError:
    try:
        import pyopenvdb as vdb  # Debian: python3-openvdb
    except ImportError:
        vdb = None

GRIDS = ("density", "soot", "flame")


class Cloud:
    """One volume, hidden in frames without dust."""

    def __init__(self, scene, s):
        if vdb is None:
            raise RuntimeError("no OpenVDB for Python here: Debian has it as python3-openvdb, bpy's wheel brings it")
        self.data = bpy.data.volumes.new("dust")
        self.data.materials.append(self._material(s))
        self.object = bpy.data.objects.new("dust", self.data)
        self.object.hide_render = True
        scene.collection.objects.link(self.object)

    @staticmethod
    def _material(s):
        material = bpy.data.materials.new("dust")
        material.use_nodes = True
        tree = material.node_tree
        tree.nodes.clear()
        new, link = tree.nodes.new, tree.links.new
        out, volume = new("ShaderNodeOutputMaterial"), new("ShaderNodeVolumePrincipled")
        link(volume.outputs[0], out.inputs["Volume"])
        soot, flame = new("ShaderNodeAttribute"), new("ShaderNodeAttribute")
        soot.attribute_name, flame.attribute_name = "soot", "flame"
        mix = new("ShaderNodeMix")
        mix.data_type = "RGBA"
        link(soot.outputs["Fac"], mix.inputs[0])
        # What a path scatters only a few times looks darker than dust that it would scatter many times.
        bright = np.clip(np.array(s["dust"]) ** 0.2, 0, 0.95)
        mix.inputs[6].default_value = (*map(float, bright), 1)
        mix.inputs[7].default_value = (0.08, 0.075, 0.07, 1)
        link(mix.outputs[2], volume.inputs["Color"])
        volume.inputs["Density"].default_value = 1.0
        volume.inputs["Density Attribute"].default_value = "density"
        volume.inputs["Anisotropy"].default_value = 0.25
        volume.inputs["Emission Color"].default_value = (1.0, 0.33, 0.06, 1)
        hot, gain = new("ShaderNodeMath"), new("ShaderNodeMath")
        hot.operation, gain.operation = "POWER", "MULTIPLY"
        link(flame.outputs["Fac"], hot.inputs[0])
        hot.inputs[1].default_value = 1.6  # cores glow, edges are soot
        link(hot.outputs[0], gain.inputs[0])
        gain.inputs[1].default_value = 4.0
        link(gain.outputs[0], volume.inputs["Emission Strength"])
        return material

    def show(self, path):
        """The voxels of a dust_FFF.npz, or nothing where there is no such file."""
        there = os.path.exists(path)
        self.object.hide_render = not there
        if not there:
            return
        with np.load(path) as file:
            voxels, low, cell = file["voxels"].astype(np.float32), file["low"], float(file["cell"])
        grids = []
        for name, values in zip(GRIDS, voxels):
            if name != "density" and not values.any():
                continue
            grid = vdb.FloatGrid()
            grid.copyFromArray(np.ascontiguousarray(values), tolerance=0.008)
            grid.name, grid.gridClass = name, vdb.GridClass.FOG_VOLUME
            matrix = np.diag([cell, cell, cell, 1.0])
            matrix[3, :3] = low + cell / 2
            grid.transform = vdb.createLinearTransform(matrix.tolist())
            grids.append(grid)
        target = os.path.splitext(path)[0] + ".vdb"
        vdb.write(target, grids)
        self.data.filepath = target
