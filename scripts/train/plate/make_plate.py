#!/usr/bin/env python3
"""Path-traces the demo plate: scene, camera, light, raw frames. `finish.py` turns raw frames into plate and matte.

    make_plate.py OUT [--frames 1001-1049] [--width 960] [--samples 28] [--seed 7] [--threads 2]

Raw frames (multi-layer half EXR, linear Rec.709: picture, mist, matte) are written to OUT/####.exr; frames that are there
already are skipped, so that an interrupted run goes on when it is started again.
"""
import argparse
import json
import math
import os
import random
import sys
import time

import bpy
from mathutils import Vector

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import materials
import street
from materials import Nodes

FIRST, LAST, FPS = 1001, 1049, 24
MIST = 300.0      # metres of distance at which the mist pass, which doubles as depth, reaches 1


def world(scene):
    """Afternoon: Nishita sky with thin clouds, and the sun from behind the camera's right shoulder."""
    w = bpy.data.worlds.new('sky')
    scene.world = w
    w.use_nodes = True
    tree, link = w.node_tree, w.node_tree.links.new
    background = tree.nodes['Background']
    sky = tree.nodes.new('ShaderNodeTexSky')
    sky.sky_type, sky.sun_disc = 'NISHITA', False
    sky.sun_elevation, sky.sun_rotation = math.radians(40), math.radians(150)
    sky.air_density, sky.dust_density, sky.ozone_density = 1.1, 2.0, 1.2

    n = Nodes.__new__(Nodes)      # the same short names, on the world's tree
    n.tree = tree
    direction = tree.nodes.new('ShaderNodeTexCoord').outputs['Generated']
    split = tree.nodes.new('ShaderNodeSeparateXYZ')
    link(direction, split.inputs[0])
    up = n.math('ADD', n.math('MAXIMUM', split.outputs[2], 0.0), 0.16)
    plane = tree.nodes.new('ShaderNodeCombineXYZ')
    link(n.math('DIVIDE', split.outputs[0], up), plane.inputs[0])
    link(n.math('DIVIDE', split.outputs[1], up), plane.inputs[1])
    shape = n.noise(0.75, 6, 0.58, plane.outputs[0])
    cover = n.noise(0.28, 1, 0.5, plane.outputs[0])
    cloud = n.math('MULTIPLY', n.ramp(shape, 0.46, 0.72), n.ramp(cover, 0.38, 0.62))
    cloud = n.math('MULTIPLY', cloud, n.ramp(split.outputs[2], 0.0, 0.12, 0.25, 0.9))
    link(n.mix(cloud, sky.outputs[0], (7.2, 7.0, 6.8)), background.inputs[0])
    background.inputs[1].default_value = 0.12
    # rays other than the camera's see a plain, brighter sky: it stands for the bounces that are not traced
    fill = tree.nodes.new('ShaderNodeBackground')
    link(sky.outputs[0], fill.inputs[0])
    fill.inputs[1].default_value = 0.185
    choice = tree.nodes.new('ShaderNodeMixShader')
    link(tree.nodes.new('ShaderNodeLightPath').outputs['Is Camera Ray'], choice.inputs[0])
    link(fill.outputs[0], choice.inputs[1])
    link(background.outputs[0], choice.inputs[2])
    link(choice.outputs[0], next(o for o in tree.nodes if o.type == 'OUTPUT_WORLD').inputs[0])
    w.mist_settings.start, w.mist_settings.depth, w.mist_settings.falloff = 0, MIST, 'LINEAR'
    light = bpy.data.lights.new('sun', 'SUN')
    light.energy, light.angle, light.color = 4.3, math.radians(0.55), (1.0, 0.9, 0.76)
    sun = bpy.data.objects.new('sun', light)
    to_sun = Vector((0.5 * math.cos(math.radians(40)), -0.866 * math.cos(math.radians(40)), math.sin(math.radians(40))))
    sun.rotation_euler = to_sun.to_track_quat('Z', 'Y').to_euler()
    scene.collection.objects.link(sun)


def smooth_noise(rng, octaves):
    """A sum of sines with random phases: handheld drift, the same for every run of a seed."""
    terms = [(a, 2 * math.pi * f, rng.uniform(0, 2 * math.pi)) for f, a in octaves]
    return lambda t: sum(a * math.sin(w * t + p) for a, w, p in terms)


def camera(scene, rng):
    """Returns its path, for `finish.py`. A slow push along the avenue, carried by hand: 1.7 m in two seconds, with a little sideways drift."""
    data = bpy.data.cameras.new('camera')
    data.lens, data.sensor_width, data.clip_start, data.clip_end = 26, 36, 0.1, 500
    cam = bpy.data.objects.new('camera', data)
    scene.collection.objects.link(cam)
    scene.camera = cam
    sway = [smooth_noise(rng, ((0.55, .022), (1.1, .012), (2.3, .004))) for _ in range(3)]
    shake = [smooth_noise(rng, ((0.45, .10), (0.95, .05), (2.1, .016), (4.2, .006))) for _ in range(3)]
    path = {}
    for f in range(FIRST, LAST + 1):
        t = (f - FIRST) / FPS
        u = (f - FIRST) / (LAST - FIRST)
        ease = u * u * (3 - 2 * u) * 0.5 + u * 0.5
        cam.location = Vector((-4.6 + 0.55 * ease + sway[0](t), -50.2 + 1.7 * ease + sway[1](t) * 0.5, 1.66 + sway[2](t) + 0.012 * math.sin(t * 2 * math.pi * 1.7)))
        aim = Vector((4.0 - 0.3 * ease, 0, 9.2))
        rot = (aim - cam.location).to_track_quat('-Z', 'Y').to_euler()
        rot.x += math.radians(shake[0](t)) * 1.6
        rot.y += math.radians(shake[1](t)) * 1.2
        rot.z += math.radians(shake[2](t)) * 1.8
        cam.rotation_euler = rot
        cam.keyframe_insert('location', frame=f)
        cam.keyframe_insert('rotation_euler', frame=f)
        path[f] = {'position': list(cam.location), 'rotation': [list(row) for row in rot.to_matrix()]}
    return {'focal': data.lens / data.sensor_width, 'mist': MIST, 'frames': path}


def settings(scene, args):
    r, c = scene.render, scene.cycles
    r.engine = 'CYCLES'
    r.resolution_x, r.resolution_y, r.resolution_percentage = args.width, args.width * 9 // 16, 100
    r.fps, scene.frame_start, scene.frame_end = FPS, FIRST, LAST
    r.use_persistent_data, r.threads_mode, r.threads = True, 'FIXED', args.threads
    r.film_transparent = False
    c.device, c.samples, c.seed, c.use_animated_seed = 'CPU', args.samples, args.seed, True
    c.sampling_pattern = 'BLUE_NOISE'
    c.use_adaptive_sampling, c.adaptive_threshold, c.adaptive_min_samples = args.samples >= 16, 0.03, args.samples // 2
    c.use_denoising, c.denoiser = True, 'OPENIMAGEDENOISE'
    c.denoising_input_passes, c.denoising_prefilter = 'RGB_ALBEDO_NORMAL', args.prefilter
    c.max_bounces, c.diffuse_bounces, c.glossy_bounces, c.transmission_bounces = 1, 1, 1, 1
    c.transparent_max_bounces, c.caustics_reflective, c.caustics_refractive = 4, False, False
    c.sample_clamp_indirect, c.use_light_tree, c.filter_width = 6.0, False, 1.35
    layer = scene.view_layers[0]
    layer.use_pass_mist = True
    aov = layer.aovs.add()
    aov.name, aov.type = 'matte', 'VALUE'
    image = r.image_settings
    image.file_format, image.color_depth, image.exr_codec = 'OPEN_EXR_MULTILAYER', '16', 'ZIP'
    scene.view_settings.view_transform = 'Raw'


def main():
    p = argparse.ArgumentParser(description=__doc__.split('\n\n')[0])
    p.add_argument('out')
    p.add_argument('--frames', default=f'{FIRST}-{LAST}', help='1001-1049, or a comma list')
    p.add_argument('--width', type=int, default=960)
    p.add_argument('--samples', type=int, default=5)
    p.add_argument('--seed', type=int, default=7)
    p.add_argument('--threads', type=int, default=2)
    p.add_argument('--prefilter', default='FAST', choices=('NONE', 'FAST', 'ACCURATE'))
    args = p.parse_args()
    start = time.time()
    frames = []
    for part in args.frames.split(','):
        a, _, b = part.partition('-')
        frames += range(int(a), int(b or a) + 1)
    # coarse to fine: whenever it is stopped, what is there is spread over the shot, and finish.py can bridge the gaps
    frames.sort(key=lambda f: (-min((f - FIRST) & -(f - FIRST) or 16, 16), f))
    os.makedirs(args.out, exist_ok=True)

    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    rng = random.Random(args.seed)
    street.build(rng, materials.library())
    world(scene)
    path = camera(scene, rng)
    with open(os.path.join(args.out, 'camera.json'), 'w') as out:
        json.dump(path, out)
    settings(scene, args)
    print(f'scene: {time.time() - start:.1f} s, {sum(len(o.data.polygons) for o in scene.objects if o.type == "MESH")} faces', file=sys.stderr)
    for f in frames:
        path = os.path.join(os.path.abspath(args.out), f'{f:04d}.exr')
        if os.path.exists(path):
            continue
        t = time.time()
        scene.frame_set(f)
        scene.render.filepath = path + '.part.exr'
        bpy.ops.render.render(write_still=True)
        os.replace(path + '.part.exr', path)
        print(f'{f}: {time.time() - t:.1f} s', file=sys.stderr)


if __name__ == '__main__':
    main()
