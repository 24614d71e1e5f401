"""Runs in Blender: simulate.py SCENE.npz MOTION.npz. The rigid bodies of one clip, by Bullet.

Reads what `physical.scene` wrote; writes x [frames,k,3] and q [frames,k,4] (w first): where each body is at the end of
each frame after the onset.
"""

import sys

import bpy
import numpy as np

QUADS = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))
SHRINK = 0.95  # of the hulls, which touch each other at rest: Bullet would push them apart
MARGIN = 0.02
SUBSTEPS, ITERATIONS = 12, 12


def mesh(name, corners):
    data = bpy.data.meshes.new(name)
    data.from_pydata([tuple(map(float, p)) for p in corners], [], QUADS)
    return bpy.data.objects.new(name, data)


def standing(world, low, high):
    """A box that does not move; everything touches it."""
    low, high = np.array(low, float), np.array(high, float)
    unit = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, -1], [-1, 1, -1], [-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]])
    box = mesh("standing", unit * (high - low) / 2)
    box.location = (low + high) / 2
    world.collection.objects.link(box)
    body = box.rigid_body
    body.type, body.collision_shape, body.friction, body.restitution = "PASSIVE", "BOX", 0.9, 0.0
    body.collision_collections[1] = True


def bodies(world, s, step):
    """One rigid body each, kinematic until its start; where it is pushed it is moved by hand in the frame before."""
    made = []
    for k in range(len(s["rest"])):
        o = mesh(f"b{k}", s["hulls"][k] * SHRINK)
        o.location = s["rest"][k]
        world.collection.objects.link(o)
        body = o.rigid_body
        body.type, body.collision_shape, body.mass = "ACTIVE", "CONVEX_HULL", float(s["mass"][k])
        body.friction, body.restitution = 0.75, 0.02
        body.linear_damping, body.angular_damping = 0.01, 0.15
        body.use_margin, body.collision_margin = True, MARGIN
        if s["ghost"][k]:
            body.collision_collections[1] = True
            body.collision_collections[0] = False
        body.kinematic = True
        body.keyframe_insert("kinematic", frame=1)
        if s["start"][k] < 1e6:
            frame = 2 + int(round(s["start"][k]))
            push = s["impulse"][k] * step
            if np.abs(push[:3]).max() > 0.02:
                frame = max(3, frame)
                o.keyframe_insert("location", frame=frame - 2)
                o.location = s["rest"][k] + push[:3]
                o.keyframe_insert("location", frame=frame - 1)
            body.kinematic = False
            body.keyframe_insert("kinematic", frame=frame)
        made.append(o)
    return made


def joints(world, s, made, step):
    """Fixed constraints that break at an impulse. They hold from the start, as asleep bodies hold like the ground."""
    weight = np.minimum(s["mass"][s["joints"][:, 0]], s["mass"][s["joints"][:, 1]]) * 9.81 * step / SUBSTEPS
    for n, (i, j) in enumerate(s["joints"]):
        o = bpy.data.objects.new(f"j{n}", None)
        o.location = s["anchor"][n]
        world.constraints.objects.link(o)
        c = o.rigid_body_constraint
        c.type, c.object1, c.object2 = "FIXED", made[i], made[j]
        c.disable_collisions = True
        c.use_breaking, c.breaking_threshold = True, float(s["strength"][n] * weight[n])


def main():
    source, target = sys.argv[sys.argv.index("--") + 1 :]
    s = dict(np.load(source))
    frames, step = int(s["moving"]), float(s["secondsPerFrame"])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    scene = bpy.context.scene
    scene.gravity = (*map(float, s["lean"]), -9.81)
    scene.render.fps = 24
    scene.frame_start, scene.frame_end = 1, frames + 1
    bpy.ops.rigidbody.world_add()
    world = scene.rigidbody_world
    world.collection = bpy.data.collections.new("bodies")
    world.constraints = bpy.data.collections.new("joints")
    scene.collection.children.link(world.collection)
    scene.collection.children.link(world.constraints)
    world.use_split_impulse = True
    world.time_scale, world.substeps_per_frame, world.solver_iterations = step * 24, SUBSTEPS, ITERATIONS
    world.point_cache.frame_start, world.point_cache.frame_end = 1, frames + 1
    for low, high in s["standing"]:
        standing(world, low, high)
    made = bodies(world, s, step)
    joints(world, s, made, step)
    x, q = np.zeros((frames, len(made), 3)), np.zeros((frames, len(made), 4))
    for frame in range(1, frames + 2):
        scene.frame_set(frame)
        if frame == 1:
            continue
        graph = bpy.context.evaluated_depsgraph_get()
        for k, o in enumerate(made):
            matrix = o.evaluated_get(graph).matrix_world
            x[frame - 2, k], q[frame - 2, k] = matrix.translation, matrix.to_quaternion()
    np.savez(target, x=x, q=q)


if __name__ == "__main__":
    main()
