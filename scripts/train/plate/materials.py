"""Procedural materials: noise, streaks, tiles, bump. No image texture is used anywhere.

Colours are scene-linear Rec.709. Every material writes the object's pass index to the AOV `matte`, so that the matte of the
target is sampled with the very samples of the picture, with whatever stands in front cut out.
"""
import bpy

OLD = bpy.app.version < (4, 0)
# The Principled shader's inputs before Blender 4.0; None: there was none.
OLD_INPUTS = {'Specular IOR Level': 'Specular', 'Coat Weight': 'Clearcoat', 'Coat Roughness': 'Clearcoat Roughness', 'Coat IOR': None,
              'Coat Normal': 'Clearcoat Normal', 'Emission Color': 'Emission'}


class Nodes:
    """Short names for the shader nodes used here. Sockets in, sockets out.

    `rest`: a vector attribute of the meshes to texture by, for what moves in pieces; without it an object's own coordinates.
    """

    rest = None

    def __init__(self, name):
        self.mat = bpy.data.materials.new(name)
        self.mat.use_nodes = True
        self.tree = self.mat.node_tree
        self.tree.nodes.clear()
        self.out = self.node('ShaderNodeOutputMaterial')
        if Nodes.rest:
            self.pos = self.node('ShaderNodeAttribute', attribute_name=Nodes.rest).outputs['Vector']
        else:
            self.pos = self.node('ShaderNodeTexCoord').outputs['Object']
        rnd = self.node('ShaderNodeAttribute')
        rnd.attribute_name = 'rnd'
        self.rnd = rnd.outputs['Fac']
        info = self.node('ShaderNodeObjectInfo')
        self.object_random = info.outputs['Random']
        aov = self.node('ShaderNodeOutputAOV')
        setattr(aov, 'aov_name' if hasattr(aov, 'aov_name') else 'name', 'matte')
        self.link(info.outputs['Object Index'], aov.inputs['Value'])

    def node(self, kind, **attributes):
        n = self.tree.nodes.new(kind)
        for k, v in attributes.items():
            setattr(n, k, v)
        return n

    def link(self, value, socket):
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, tuple) and len(value) == 3 and socket.type == 'RGBA':
            socket.default_value = (*value, 1)
        else:
            socket.default_value = value

    def set(self, node, name, value):
        """An input of a Principled shader, by its name in Blender 4."""
        name = OLD_INPUTS.get(name, name) if OLD else name
        if name:
            self.link(value, node.inputs[name])

    def math(self, op, a, b=0.0, c=0.0, clamp=False):
        n = self.node('ShaderNodeMath', operation=op, use_clamp=clamp)
        for s, v in zip(n.inputs, (a, b, c)):
            self.link(v, s)
        return n.outputs[0]

    def ramp(self, x, lo, hi, a=0.0, b=1.0):
        """Smooth step of x from [lo, hi] to [a, b]."""
        n = self.node('ShaderNodeMapRange', interpolation_type='SMOOTHSTEP')
        for s, v in zip(n.inputs, (x, lo, hi, a, b)):
            self.link(v, s)
        return n.outputs[0]

    def scaled(self, vector, scale):
        n = self.node('ShaderNodeVectorMath', operation='MULTIPLY')
        self.link(vector, n.inputs[0])
        n.inputs[1].default_value = scale
        return n.outputs[0]

    def noise(self, scale, detail=4.0, rough=0.6, vector=None):
        n = self.node('ShaderNodeTexNoise')
        self.link(self.pos if vector is None else vector, n.inputs['Vector'])
        n.inputs['Scale'].default_value, n.inputs['Detail'].default_value = scale, detail
        n.inputs['Roughness'].default_value = rough
        return n.outputs[0]

    def mix(self, f, a, b, blend='MIX'):
        n = self.node('ShaderNodeMix', data_type='RGBA', blend_type=blend)
        self.link(f, n.inputs[0])
        self.link(a, n.inputs[6])
        self.link(b, n.inputs[7])
        return n.outputs[2]

    def gain(self, colour, factor):
        """Colour times a scalar."""
        n = self.node('ShaderNodeVectorMath', operation='SCALE')
        self.link(colour, n.inputs[0])
        self.link(factor, n.inputs['Scale'])
        return n.outputs[0]

    def z(self):
        n = self.node('ShaderNodeSeparateXYZ')
        self.link(self.pos, n.inputs[0])
        return n.outputs

    def bump(self, height, strength, distance):
        n = self.node('ShaderNodeBump')
        n.inputs['Strength'].default_value, n.inputs['Distance'].default_value = strength, distance
        self.link(height, n.inputs['Height'])
        return n.outputs[0]

    def finish(self, shader, flat):
        """Camera rays see `shader`, all others a flat diffuse `flat`: the branch that is not taken costs nothing in Cycles,
        and nobody can tell the textures of light's second bounce."""
        plain = self.node('ShaderNodeBsdfDiffuse')
        self.link(flat, plain.inputs[0])
        mix = self.node('ShaderNodeMixShader')
        self.link(self.node('ShaderNodeLightPath').outputs['Is Camera Ray'], mix.inputs[0])
        self.link(plain.outputs[0], mix.inputs[1])
        self.link(shader, mix.inputs[2])
        self.link(mix.outputs[0], self.out.inputs['Surface'])
        return self.mat

    def principled(self, flat, colour, rough=0.9, specular=0.25, normal=None, **more):
        """`flat`: the average colour, for all rays but the camera's; None: the full shader for all."""
        n = self.node('ShaderNodeBsdfPrincipled')
        self.link(colour, n.inputs['Base Color'])
        self.link(rough, n.inputs['Roughness'])
        self.set(n, 'Specular IOR Level', specular)
        if normal is not None:
            self.link(normal, n.inputs['Normal'])
        for k, v in more.items():
            self.set(n, k.replace('_', ' '), v)
        if flat:
            return self.finish(n.outputs[0], flat)
        self.link(n.outputs[0], self.out.inputs['Surface'])
        return self.mat


def dim(colour, k):
    """The average of a textured colour, lifted: a single traced bounce has to carry the light of several."""
    return tuple(min(0.85, c * k * 1.5) for c in colour)


def plaster(name, colour, dirt=0.5, vary=0.08, grain=0.15, soot=(0.07, 0.06, 0.05)):
    """Painted render or stone plaster: blotches, rain streaks, a dirty foot, fine grain."""
    n = Nodes(name)
    blotch = n.noise(0.45, 4, 0.65)
    streak = n.noise(1.0, 4, 0.65, n.scaled(n.pos, (2.6, 2.6, 0.13)))
    fine = n.noise(14, 2, 0.7)
    worn = tuple(c * k for c, k in zip(colour, (0.74, 0.71, 0.66)))
    c = n.mix(n.ramp(blotch, 0.38, 0.66), colour, worn)
    c = n.mix(n.math('MULTIPLY', n.ramp(streak, 0.5, 0.78), dirt), c, soot)
    foot = n.math('MULTIPLY', n.ramp(n.z()[2], 1.4, 0.0), n.ramp(blotch, 0.3, 0.6))
    c = n.mix(n.math('MULTIPLY', foot, 0.55 * dirt), c, soot)
    c = n.gain(c, n.math('MULTIPLY_ADD', n.rnd, vary, 1 - vary / 2))
    c = n.gain(c, n.math('MULTIPLY_ADD', fine, 0.3, 0.85))
    return n.principled(dim(colour, 0.8), c, 0.88, 0.2, n.bump(n.noise(14, 1, 0.7), grain, 0.04))


def party_wall(name, colour, seed):
    """A bare medianera: patched render, long streaks, exposed brick where it came off."""
    n = Nodes(name)
    big = n.noise(0.22 + 0.01 * seed, 4, 0.7)
    streak = n.noise(1.0, 4, 0.7, n.scaled(n.pos, (1.6, 1.6, 0.07)))
    yz = n.node('ShaderNodeCombineXYZ')
    p = n.z()
    n.link(n.math('ADD', p[0], p[1]), yz.inputs[0])
    n.link(p[2], yz.inputs[1])
    brick = n.node('ShaderNodeTexBrick')
    n.link(yz.outputs[0], brick.inputs['Vector'])
    for k, v in (('Scale', 1.0), ('Brick Width', 0.27), ('Row Height', 0.085), ('Mortar Size', 0.012)):
        brick.inputs[k].default_value = v
    for k, v in (('Color1', (0.26, 0.1, 0.06)), ('Color2', (0.34, 0.15, 0.09)), ('Mortar', (0.4, 0.37, 0.33))):
        n.link(v, brick.inputs[k])
    c = n.mix(n.ramp(big, 0.4, 0.62), colour, tuple(x * 0.62 for x in colour))
    c = n.mix(n.math('MULTIPLY', n.ramp(streak, 0.46, 0.72), 0.6), c, (0.06, 0.055, 0.05))
    bare = n.ramp(n.noise(0.5, 4, 0.65), 0.6, 0.63)
    c = n.mix(bare, c, brick.outputs['Color'])
    return n.principled(dim(colour, 0.7), c, 0.92, 0.15, n.bump(bare, 0.3, 0.06))


def glass(name, inside, curtain=False):
    """A window seen from outside: a mirror-like coat over a dark room or over a curtain's folds."""
    n = Nodes(name)
    if curtain:
        fold = n.noise(1.0, 3, 0.6, n.scaled(n.pos, (9, 9, 0.35)))
        c = n.gain(n.mix(n.ramp(fold, 0.35, 0.65), tuple(x * 0.5 for x in inside), inside), n.math('MULTIPLY_ADD', n.rnd, 0.7, 0.35))
    else:
        room = n.noise(1.3, 3, 0.6)
        c = n.gain(n.mix(n.ramp(room, 0.45, 0.7), tuple(x * 0.25 for x in inside), inside), n.math('MULTIPLY_ADD', n.rnd, 1.4, 0.1))
    wave = n.bump(n.noise(0.7, 2, 0.5), 0.02, 0.3)
    return n.principled(dim(inside, 0.6), c, 0.55, 0.1, None, Coat_Weight=1.0, Coat_Roughness=0.015, Coat_IOR=1.6, Coat_Normal=wave)


def slats(name, colour, pitch=0.06, rough=0.7):
    """Roller shutter: horizontal slats."""
    n = Nodes(name)
    w = n.node('ShaderNodeTexWave', bands_direction='Z', wave_profile='SIN')
    n.link(n.pos, w.inputs['Vector'])
    w.inputs['Scale'].default_value = 0.314 / pitch
    grime = n.noise(1.1, 5, 0.65, n.scaled(n.pos, (2, 2, 0.4)))
    c = n.gain(colour, n.math('MULTIPLY_ADD', w.outputs[1], 0.4, 0.7))
    c = n.mix(n.math('MULTIPLY', n.ramp(grime, 0.42, 0.75), 0.5), c, (0.07, 0.06, 0.05))
    c = n.gain(c, n.math('MULTIPLY_ADD', n.rnd, 0.35, 0.8))
    return n.principled(dim(colour, 0.7), c, rough, 0.3, n.bump(w.outputs[1], 0.5, 0.02))


def plain(name, colour, rough=0.6, specular=0.4, vary=0.2, metallic=0.0, grime=0.25):
    """Paint, metal, cloth: one colour, some grime, variation from face to face."""
    n = Nodes(name)
    c = n.mix(n.math('MULTIPLY', n.ramp(n.noise(2.3, 3, 0.65), 0.4, 0.75), grime), colour, tuple(x * 0.35 + 0.02 for x in colour))
    c = n.gain(c, n.math('MULTIPLY_ADD', n.rnd, vary, 1 - vary / 2))
    return n.principled(dim(colour, 0.85), c, rough, specular, None, Metallic=metallic)


def asphalt(name):
    """Old asphalt: aggregate, worn wheel tracks, oil, patches, cracks."""
    n = Nodes(name)
    fine = n.noise(55, 2, 0.75)
    mid = n.noise(1.7, 5, 0.7)
    track = n.noise(1.0, 3, 0.5, n.scaled(n.pos, (0.75, 0.05, 1)))
    warp = n.node('ShaderNodeVectorMath', operation='ADD')
    n.link(n.pos, warp.inputs[0])
    drift = n.node('ShaderNodeTexNoise')
    n.link(n.pos, drift.inputs['Vector'])
    drift.inputs['Scale'].default_value = 0.7
    n.link(n.scaled(drift.outputs[1], (1.6, 1.6, 0)), warp.inputs[1])
    cell = n.node('ShaderNodeTexVoronoi', feature='DISTANCE_TO_EDGE')
    n.link(warp.outputs[0], cell.inputs['Vector'])
    cell.inputs['Scale'].default_value = 0.33
    crack = n.math('MULTIPLY', n.ramp(cell.outputs['Distance'], 0.012, 0.004), n.ramp(mid, 0.4, 0.55))
    c = n.mix(n.ramp(mid, 0.35, 0.7), (0.068, 0.066, 0.064), (0.11, 0.105, 0.1))
    c = n.mix(n.math('MULTIPLY', n.ramp(track, 0.45, 0.7), 0.55), c, (0.045, 0.044, 0.044))
    patch = n.node('ShaderNodeTexVoronoi', distance='CHEBYCHEV')
    n.link(n.scaled(n.pos, (0.22, 0.09, 0)), patch.inputs['Vector'])
    patch.inputs['Scale'].default_value = 1.0
    c = n.mix(n.math('MULTIPLY', n.ramp(patch.outputs['Distance'], 0.2, 0.19), 0.5), c, (0.038, 0.037, 0.038))
    c = n.mix(n.math('MULTIPLY', crack, 0.6), c, (0.02, 0.019, 0.018))
    c = n.gain(c, n.math('MULTIPLY_ADD', fine, 1.0, 0.5))
    rough = n.math('MULTIPLY_ADD', mid, 0.25, 0.6)
    return n.principled((0.11, 0.106, 0.1), c, rough, 0.35, n.bump(fine, 0.5, 0.012))


def tiles(name, colour, size, joint=0.06):
    """Square pavement tiles with dirty joints, each a little different."""
    n = Nodes(name)
    b = n.node('ShaderNodeTexBrick', offset=0.0)
    n.link(n.pos, b.inputs['Vector'])
    for k, v in (('Scale', 1.0 / size), ('Brick Width', 1.0), ('Row Height', 1.0), ('Mortar Size', joint)):
        b.inputs[k].default_value = v
    n.link(colour, b.inputs['Color1'])
    n.link(tuple(c * 0.78 for c in colour), b.inputs['Color2'])
    n.link(tuple(c * 0.35 for c in colour), b.inputs['Mortar'])
    stain = n.noise(0.9, 5, 0.7)
    c = n.mix(n.math('MULTIPLY', n.ramp(stain, 0.42, 0.72), 0.65), b.outputs['Color'], (0.08, 0.075, 0.07))
    return n.principled(dim(colour, 0.7), c, 0.8, 0.3, n.bump(b.outputs['Fac'], 0.35, 0.02))


def road_paint(name, colour):
    """Worn thermoplastic paint that shows the asphalt through."""
    n = Nodes(name)
    wear = n.ramp(n.noise(3.5, 5, 0.75), 0.48, 0.6)
    c = n.mix(n.math('MULTIPLY', wear, 0.75), colour, (0.085, 0.082, 0.08))
    return n.principled(dim(colour, 0.7), c, 0.7, 0.3)


def bark(name):
    """Plane tree bark: camouflage patches of cream, olive and grey brown."""
    n = Nodes(name)
    p = n.scaled(n.pos, (1, 1, 0.5))
    a, b = n.noise(4.5, 4, 0.6, p), n.noise(8.0, 4, 0.6, p)
    c = n.mix(n.ramp(a, 0.46, 0.5), (0.13, 0.105, 0.075), (0.3, 0.27, 0.18))
    c = n.mix(n.ramp(b, 0.54, 0.58), c, (0.075, 0.065, 0.05))
    return n.principled((0.13, 0.11, 0.08), c, 0.9, 0.2)


def leaf(name, a, b):
    """A leaf: diffuse front, light through it, a dull gloss; colour from leaf to leaf and tree to tree."""
    n = Nodes(name)
    c = n.mix(n.rnd, a, b)
    c = n.gain(c, n.math('MULTIPLY_ADD', n.object_random, 0.35, 0.8))
    d = n.node('ShaderNodeBsdfPrincipled')
    n.link(c, d.inputs['Base Color'])
    d.inputs['Roughness'].default_value = 0.5
    n.set(d, 'Specular IOR Level', 0.3)
    t = n.node('ShaderNodeBsdfTranslucent')
    n.link(n.mix(1.0, c, (1.0, 1.15, 0.45), 'MULTIPLY'), t.inputs[0])
    m = n.node('ShaderNodeMixShader')
    m.inputs[0].default_value = 0.5
    n.link(d.outputs[0], m.inputs[1])
    n.link(t.outputs[0], m.inputs[2])
    return n.finish(m.outputs[0], tuple(x + y for x, y in zip(a, b)))


def car_paint(name, colour, dust=0.25):
    """Clear-coated paint under a film of city dust."""
    n = Nodes(name)
    film = n.math('MULTIPLY', n.ramp(n.noise(1.8, 3, 0.65), 0.3, 0.75), dust)
    c = n.mix(film, colour, (0.22, 0.2, 0.17))
    return n.principled(dim(colour, 0.9), c, 0.35, 0.5, None, Coat_Weight=0.9, Coat_Roughness=n.math('MULTIPLY_ADD', film, 0.6, 0.03))


def glow(name, colour, strength):
    """A lamp or a lit shop interior."""
    return Nodes(name).principled(None, colour, 0.5, 0.5, None, Emission_Color=(*colour, 1.0), Emission_Strength=strength)


def library():
    """Every material of the plate by name."""
    m = {
        'target_wall': plaster('target_wall', (0.56, 0.49, 0.385), 0.5, 0.05),
        'target_trim': plaster('target_trim', (0.62, 0.57, 0.48), 0.6, 0.08),
        'target_base': plaster('target_base', (0.2, 0.18, 0.165), 0.3, 0.15, 0.1),
        'target_side': party_wall('target_side', (0.45, 0.42, 0.37), 1),
        'wall_white': plaster('wall_white', (0.6, 0.585, 0.55), 0.55),
        'wall_rose': plaster('wall_rose', (0.46, 0.27, 0.2), 0.5),
        'wall_ochre': plaster('wall_ochre', (0.5, 0.36, 0.19), 0.5),
        'wall_grey': plaster('wall_grey', (0.36, 0.355, 0.35), 0.6),
        'wall_concrete': plaster('wall_concrete', (0.3, 0.29, 0.275), 0.75, 0.1, 0.2),
        'trim_white': plaster('trim_white', (0.63, 0.61, 0.57), 0.6),
        'side_a': party_wall('side_a', (0.42, 0.39, 0.35), 2),
        'side_b': party_wall('side_b', (0.36, 0.36, 0.36), 4),
        'glass_dark': glass('glass_dark', (0.045, 0.045, 0.045)),
        'glass_curtain': glass('glass_curtain', (0.62, 0.59, 0.53), True),
        'glass_shop': glass('glass_shop', (0.16, 0.12, 0.08)),
        'shutter_cream': slats('shutter_cream', (0.5, 0.45, 0.35)),
        'shutter_brown': slats('shutter_brown', (0.17, 0.085, 0.04)),
        'shutter_metal': slats('shutter_metal', (0.3, 0.32, 0.33), 0.11, 0.45),
        'frame_white': plain('frame_white', (0.58, 0.57, 0.54)),
        'frame_dark': plain('frame_dark', (0.05, 0.04, 0.035)),
        'iron': plain('iron', (0.025, 0.025, 0.027), 0.5),
        'steel': plain('steel', (0.3, 0.31, 0.31), 0.5, 0.5, 0.1, 0.6),
        'pole': plain('pole', (0.17, 0.18, 0.18), 0.5, 0.5, 0.05),
        'cable': plain('cable', (0.015, 0.015, 0.016), 0.6, 0.2, 0.0),
        'bronze': plain('bronze', (0.19, 0.12, 0.055), 0.4, 0.5, 0.2, 0.5),
        'roof': plain('roof', (0.24, 0.12, 0.085), 0.95, 0.1, 0.2, 0.0, 0.7),
        'tank': plain('tank', (0.33, 0.31, 0.29), 0.9, 0.2, 0.1, 0.0, 0.5),
        'ac': plain('ac', (0.58, 0.57, 0.53), 0.6, 0.3, 0.15, 0.0, 0.5),
        'awning_green': plain('awning_green', (0.035, 0.13, 0.06), 0.9, 0.1, 0.3),
        'awning_red': plain('awning_red', (0.3, 0.035, 0.025), 0.9, 0.1, 0.2),
        'awning_stripe': plain('awning_stripe', (0.55, 0.5, 0.42), 0.9, 0.1, 0.5),
        'sign_blue': plain('sign_blue', (0.02, 0.06, 0.22), 0.45, 0.5, 0.0, 0.0, 0.1),
        'sign_red': plain('sign_red', (0.42, 0.03, 0.02), 0.45, 0.5, 0.0, 0.0, 0.1),
        'sign_white': plain('sign_white', (0.75, 0.75, 0.72), 0.45, 0.5, 0.0, 0.0, 0.1),
        'sign_yellow': plain('sign_yellow', (0.7, 0.42, 0.02), 0.45, 0.5, 0.0, 0.0, 0.1),
        'sign_black': plain('sign_black', (0.02, 0.02, 0.02), 0.45, 0.5, 0.0, 0.0, 0.1),
        'asphalt': asphalt('asphalt'),
        'pavement': tiles('pavement', (0.34, 0.31, 0.26), 0.4),
        'kerb': plaster('kerb', (0.33, 0.325, 0.315), 0.4, 0.35),
        'paint_white': road_paint('paint_white', (0.58, 0.57, 0.53)),
        'paint_yellow': road_paint('paint_yellow', (0.55, 0.34, 0.04)),
        'soil': plain('soil', (0.07, 0.05, 0.035), 1.0, 0.1),
        'bark': bark('bark'),
        'leaf': leaf('leaf', (0.06, 0.135, 0.022), (0.16, 0.23, 0.04)),
        'leaf_plant': leaf('leaf_plant', (0.03, 0.1, 0.02), (0.07, 0.13, 0.03)),
        'tyre': plain('tyre', (0.022, 0.022, 0.022), 0.9, 0.2),
        'rim': plain('rim', (0.4, 0.4, 0.4), 0.35, 0.5, 0.1, 0.7),
        'car_glass': glass('car_glass', (0.025, 0.028, 0.03)),
        'car_black': plain('car_black', (0.018, 0.018, 0.018), 0.6, 0.4),
        'lamp_red': glow('lamp_red', (0.4, 0.012, 0.01), 0.25),
        'lamp_clear': plain('lamp_clear', (0.55, 0.55, 0.55), 0.12, 0.8, 0.1, 0.5),
        'lamp_go': glow('lamp_go', (0.02, 0.6, 0.3), 2.0),
        'lamp_off': plain('lamp_off', (0.05, 0.02, 0.01), 0.3),
    }
    for name, colour in (('white', (0.62, 0.62, 0.6)), ('silver', (0.33, 0.34, 0.345)), ('grey', (0.1, 0.105, 0.11)), ('red', (0.27, 0.018, 0.015)),
                         ('blue', (0.025, 0.06, 0.16)), ('black', (0.014, 0.014, 0.015)), ('taxi', (0.72, 0.43, 0.02)), ('green', (0.04, 0.1, 0.075))):
        m['car_' + name + '_paint'] = car_paint('car_' + name, colour)
    return m
