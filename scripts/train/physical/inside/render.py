"""Runs in Blender: render.py SCENE.npz MOTION.npz FOLDER THREADS [FRAMES]. Path-traces a clip's raw frames.

Writes FOLDER/clean_FFF.exr and FOLDER/destroyed_FFF.exr (multi-layer, linear Rec.709): picture, albedo and normal for
the denoiser, and the matte. Frames that nothing changes are left out: with a locked camera one clean frame stands for all.
FRAMES (a comma list) limits what is rendered.
"""

import os
import pathlib
import sys

import bpy
import numpy as np
from mathutils import Matrix

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "plate")]  # this folder, and the demo plate's materials, cars and trees

import cloud  # noqa: E402
import light  # noqa: E402
import place  # noqa: E402

FPS = 24


def settings(scene, s, threads):
    r, c = scene.render, scene.cycles
    samples, shutter = int(s["samples"]), float(s["shutter"])
    r.engine = "CYCLES"
    (r.resolution_x, r.resolution_y), r.resolution_percentage = map(int, s["size"]), 100
    r.fps, r.use_motion_blur, r.motion_blur_shutter = FPS, shutter > 0, max(shutter, 0.01)
    r.use_persistent_data, r.threads_mode, r.threads = True, "FIXED", threads
    c.device, c.samples, c.seed = "CPU", samples, int(s["seed"]) & 0x7FFFFFFF
    c.use_adaptive_sampling = c.use_denoising = False
    c.max_bounces, c.diffuse_bounces, c.glossy_bounces, c.transmission_bounces = 4, 2, 1, 1
    c.transparent_max_bounces, c.volume_bounces, c.volume_max_steps = 4, 4, 128
    c.volume_step_rate = 4.0  # finer steps look the same at these sizes
    c.caustics_reflective = c.caustics_refractive = False
    c.sample_clamp_indirect, c.filter_width = 6.0, 1.4
    layer = scene.view_layers[0]
    layer.use_pass_normal = layer.use_pass_diffuse_color = True
    aov = layer.aovs.add()
    aov.name, aov.type = "matte", "VALUE"
    image = r.image_settings
    if hasattr(image, "media_type"):  # Blender 5
        image.media_type = "MULTI_LAYER_IMAGE"
    image.file_format, image.color_depth, image.exr_codec = "OPEN_EXR_MULTILAYER", "32", "ZIPS"
    scene.view_settings.view_transform = "Raw"


class Camera:
    """The plan's path, pixel for pixel the fast generator's projection."""

    def __init__(self, scene, s):
        self.s = s
        data = bpy.data.cameras.new("camera")
        data.sensor_fit, data.sensor_width = "HORIZONTAL", 36.0
        data.lens = 36.0 * float(s["focal"]) / float(s["size"][0])
        data.clip_start, data.clip_end = 0.3, 1000
        self.object = scene.camera = bpy.data.objects.new("camera", data)
        scene.collection.objects.link(self.object)

    def move(self, frame):
        s = self.s
        axes = np.stack([s["right"][frame], -s["down"][frame], -s["forward"][frame]], 1)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = axes, s["position"][frame]
        self.object.matrix_world = Matrix(matrix.tolist())


def rotation(q):
    """[k,3,3] of quaternions [k,4], w first."""
    w, x, y, z = q.T
    return np.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ], 1,
    ).reshape(-1, 3, 3)  # fmt: skip


def moved(s, x, q):
    """[owned,8,3] the target's points with its bodies at x, q."""
    body = s["body"]
    local = s["points"][: int(s["owned"])] - s["rest"][body][:, None]
    return np.einsum("nij,ncj->nci", rotation(q)[body], local) + x[body][:, None]


def main():
    source, motion, folder, threads, *chosen = sys.argv[sys.argv.index("--") + 1 :]
    s = dict(np.load(source))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    rng = np.random.default_rng(int(s["seed"]))
    target = place.build(s, rng)
    light.world(scene, s)
    light.sun(scene, s)
    dust = cloud.Cloud(scene, s)
    camera = Camera(scene, s)
    settings(scene, s, int(threads))
    frames, onset = int(s["frames"]), int(s["onset"])
    locked = np.ptp(s["position"], axis=0).max() == 0 and np.ptp(s["forward"], axis=0).max() == 0
    chosen = [int(f) for f in chosen[0].split(",")] if chosen else range(frames)

    velocity = target.data.attributes.new("velocity", "FLOAT_VECTOR", "POINT")  # what Cycles blurs a mesh by

    def render(state, frame, points, speed):
        path = os.path.join(folder, f"{state}_{frame:03d}.exr")
        if os.path.exists(path):
            return
        target.data.vertices.foreach_set("co", points.astype(np.float32).ravel())
        velocity.data.foreach_set("vector", (speed * FPS).astype(np.float32).ravel())
        target.data.update()
        camera.move(frame)
        dust.show(os.path.join(folder, f"dust_{frame:03d}.npz") if state == "destroyed" else "")
        if not locked:  # the same grain of the sampling in both states; with a locked camera in all frames
            scene.cycles.seed = (int(s["seed"]) + frame) & 0x7FFFFFFF
        scene.render.filepath = path + ".part.exr"
        bpy.ops.render.render(write_still=True)
        os.replace(path + ".part.exr", path)

    rest = s["points"][: int(s["owned"])]
    for frame in [0] if locked else chosen:
        render("clean", frame, rest, 0 * rest)
    if os.path.exists(motion):
        m = np.load(motion)
        at = lambda age: moved(s, m["x"][age], m["q"][age]) if age >= 0 else rest
        for frame in chosen:
            age = frame - onset
            if age >= 0:
                after = at(min(age + 1, frames - onset - 1))
                render("destroyed", frame, at(age), (after - at(age - 1)) / 2)


if __name__ == "__main__":
    main()
