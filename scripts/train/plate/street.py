"""The street: a T junction. An avenue runs along +Y towards the target, which stands across a cross street at y = 0.

  y = 0        facades of the target and its neighbours        x: right, y: away from the camera, z: up (metres)
  -4 .. 0      their pavement
  -14 .. -4    cross street
  y < -14      the avenue, roadway |x| < 8, pavements to |x| = 12.5, houses beyond from y = -18
"""
import math
import random

from mathutils import Matrix, Vector

import building
import trees
import vehicles
from building import Style
from mesh import Mesh, instance

TARGET_X, TARGET_WIDTH, TARGET_DEPTH = -4.0, 17.0, 14.0


def ground(rng, materials):
    """Roadways, kerbs, pavements, markings, manholes, tree pits."""
    m = Mesh(rng)
    m.polygon([(-90, -120, -.14), (90, -120, -.14), (90, -3.9, -.14), (-90, -3.9, -.14)], 'asphalt')
    m.polygon([(-90, -4.1, 0), (90, -4.1, 0), (90, 80, 0), (-90, 80, 0)], 'pavement')
    for s in (-1, 1):
        # corner blocks with a rounded kerb
        path = [(s * 90, -14.0), (s * 10.5, -14.0)] + [(s * (10.5 - 2.5 * math.sin(a)), -16.5 + 2.5 * math.cos(a)) for a in (k * math.pi / 16 for k in range(1, 9))] + [(s * 8, -120)]
        top = [(x, y, 0) for x, y in path] + [(s * 90, -120, 0)]
        m.polygon(top if s < 0 else list(reversed(top)), 'pavement')
        for (xa, ya), (xb, yb) in zip(path, path[1:]):
            a, b = Vector((xa, ya, 0)), Vector((xb, yb, 0))
            along = (b - a).normalized()
            out = Vector((along.y, -along.x, 0)) * (1 if s < 0 else -1)
            if out.dot(Vector((-s, 0.3, 0))) < 0 and abs(along.x) < 0.99:
                out = -out
            n = max(1, int((b - a).length / 0.9))
            for i in range(n):      # kerb stones
                p, q = a + (b - a) * (i / n), a + (b - a) * ((i + 0.985) / n)
                if p.y < -60 or abs(p.x) > 45:
                    continue
                i0, i1 = -out * 0.2, out * 0.02
                quad = [p + i0, q + i0, q + i1, p + i1]
                m.polygon([v + Vector((0, 0, .012)) for v in quad], 'kerb')
                m.polygon([p + i1 + Vector((0, 0, .012)), q + i1 + Vector((0, 0, .012)), q + i1 * 1.6 - Vector((0, 0, .15)), p + i1 * 1.6 - Vector((0, 0, .15))], 'kerb')
    for i in range(-50, 50):
        m.box((i * .9, -3.9, -.15), (i * .9 + .885, -4.12, .012), 'kerb')
    z = -.136
    def mark(x0, y0, x1, y1, mat='paint_white'):
        m.polygon([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], mat)
    for y in range(-110, -24, 5):
        for x in (-2.7, 2.7):
            mark(x - .07, y, x + .07, y + 2.4)
    mark(-.28, -110, -.16, -21, 'paint_yellow')
    mark(.0, -110, .12, -21, 'paint_yellow')
    mark(-7.6, -20.6, 7.6, -20.1)
    for i in range(17):                                                     # zebra across the avenue
        mark(-7.7 + i * .93, -19.3, -7.22 + i * .93, -16.4)
    for x in range(-60, 60, 4):
        mark(x, -9.06, x + 1.8, -8.94)
    for i in range(8):                                                      # zebra across the cross street
        mark(-12.3, -13.4 + i * 1.15, -9.3, -12.85 + i * 1.15)
        mark(14.3, -13.4 + i * 1.15, 17.3, -12.85 + i * 1.15)
    for x, y in ((-1.4, -37.5), (3.3, -24), (1.2, -11), (5.1, -41)):
        m.disc((x, y, -.132), (0, 0, 1), .36, 'iron')
        m.disc((x, y, -.134), (0, 0, 1), .46, 'kerb')
    for x, y in TREE_SPOTS:
        m.box((x - .5, y - .5, .003), (x + .5, y + .5, .006), 'soil')
    return m.build('ground', materials)


TREE_SPOTS = [(-9.6, -43.5), (-9.3, -35), (-9.5, -26.5), (9.4, -37), (9.3, -28.5), (9.5, -21), (15.5, -3.0), (24, -3.0), (-8.6, -2.9), (-17, -3.0), (-25, -3.0),
              (20, -15.3), (29, -15.3), (-20, -15.2), (-30, -15.2), (33, -3)]


def plant_trees(rng, materials):
    """Four grown trees, instanced along the pavements."""
    kinds = []
    for k in range(4):
        m = Mesh(random.Random(rng.random()))
        trees.plane_tree(m, trunk=3.0 + .3 * k, length=2.1 + .12 * k)
        ob = m.build(f'plane{k}', materials)
        ob.location = (0, 300 + 30 * k, 0)
        kinds.append(ob)
    for i, (x, y) in enumerate(TREE_SPOTS):
        small = 0.62 if (x, y) == (-8.6, -2.9) else rng.uniform(.82, 1.08)
        instance(kinds[i % 4], f'tree{i}', (x, y, 0), rng.uniform(0, 6.28), small)


def near_branches(rng, materials):
    """Leaves that hang into the top of the frame, close to the lens."""
    for k, (at, d, length) in enumerate((((-7.6, -39.6, 6.3), (1.0, .25, -.22), 2.3), ((-8.0, -39.0, 7.2), (1, .1, .02), 2.5), ((-7.9, -40.4, 5.6), (.9, .3, -.3), 1.7))):
        m = Mesh(random.Random(rng.random()))
        trees.branch(m, (0, 0, 0), d, length)
        ob = m.build(f'branch{k}', materials)
        ob.location = at


def lamp_post(m, x, y, side, height=7.6, arm=2.2):
    """A street light: tapered steel column, curved arm, lantern. `side` +1 or -1: where the arm points along x."""
    m.tube([(x, y, 0), (x, y, 1.1), (x, y, 1.15), (x, y, height - .6), (x + side * .25, y, height - .1), (x + side * .9, y, height + .15), (x + side * arm, y, height + .25)],
           [.13, .13, .095, .07, .055, .05, .045], 'pole', 12)
    m.box((x + side * (arm - .15), y - .14, height + .18), (x + side * (arm + .6), y + .14, height + .34), 'pole')
    m.box((x + side * (arm - .05), y - .1, height + .14), (x + side * (arm + .5), y + .1, height + .18), 'lamp_clear')
    m.box((x - .1, y - .02, .5), (x + .1, y - .15, 1.0), 'pole')


def traffic_light(m, x, y, z, lit):
    """A head of three lamps with a yellow back board; seen from -Y."""
    m.box((x - .17, y, z), (x + .17, y + .2, z + .95), 'sign_black')
    m.box((x - .24, y + .2, z - .07), (x + .24, y + .23, z + 1.02), 'sign_yellow')
    for k in range(3):
        c = (x, y - .005, z + .17 + k * .3)
        m.disc(c, (0, -1, 0), .11, ('lamp_go', 'lamp_off', 'lamp_off')[k] if lit else 'lamp_off', 16)
        m.tube([(x, y, c[2] + .06), (x, y - .2, c[2] + .09)], .12, 'sign_black', 10)


def wire(m, a, b, sag, radius=.013):
    a, b = Vector(a), Vector(b)
    pts = [a + (b - a) * (i / 24) - Vector((0, 0, sag * 4 * (i / 24) * (1 - i / 24))) for i in range(25)]
    m.tube(pts, radius, 'cable', 4, False)


def furniture(rng, materials):
    """Lamp posts, traffic lights on a mast arm, signs, wires: much of it in front of the target."""
    m = Mesh(rng)
    lamp_post(m, -8.5, -22.5, 1, 8.2, 2.6)
    lamp_post(m, 8.5, -33, -1)
    lamp_post(m, -1.6, -3.5, -1, 7.2, 1.6)
    lamp_post(m, 21, -3.5, -1)
    lamp_post(m, -18, -3.5, 1)
    # mast arm over the avenue, from the right corner
    x, y = 8.45, -19.6
    m.tube([(x, y, 0), (x, y, 5.2), (x - .3, y, 5.75), (x - 1, y, 5.95), (x - 6.2, y, 6.1)], [.12, .1, .09, .085, .055], 'pole', 12)
    traffic_light(m, x - 6.0, y - .12, 5.2, True)
    traffic_light(m, x - .02, y - .3, 2.7, True)
    m.box((x - 4.4, y - .1, 5.55), (x - 2.25, y - .13, 6.35), 'sign_blue')
    building.letters(m, 'AV  LA PLATA', x - 4.28, 5.83, .2, 'sign_white', y - .13)
    # street-name sign and no-parking sign by the near left kerb
    m.tube([(-8.35, -30.2, 0), (-8.35, -30.2, 2.9)], .035, 'steel', 8)
    m.disc((-8.35, -30.26, 2.55), (0, -1, 0), .3, 'sign_red', 32)
    m.disc((-8.35, -30.265, 2.55), (0, -1, 0), .235, 'sign_white', 32)
    building.letters(m, 'E', -8.44, 2.42, .27, 'sign_black', -30.265)
    # a slim pole with two plates on the right corner, in front of the target
    m.tube([(8.3, -16.9, 0), (8.3, -16.9, 3.4)], .04, 'steel', 8)
    m.box((7.9, -16.95, 3.05), (8.8, -16.97, 3.3), 'sign_black')
    # wooden poles and their wires across the avenue, along the cross street
    for px, py in ((-8.7, -18.6), (9.0, -17.6), (-12.6, -3.6), (19.5, -3.6), (-9.0, -47), (9.2, -46)):
        m.tube([(px, py, 0), (px + .03, py, 8.9)], [.15, .1], 'frame_dark', 10)
        m.box((px - .7, py - .06, 8.3), (px + .7, py + .06, 8.42), 'frame_dark')
        for dx in (-.6, -.25, .25, .6):
            m.tube([(px + dx, py, 8.42), (px + dx, py, 8.55)], .035, 'tank', 8)
    for k, dx in enumerate((-.6, -.25, .25, .6)):
        wire(m, (-8.7 + dx, -18.6, 8.55), (9.0 + dx, -17.6, 8.55), .55 + .06 * k)
    wire(m, (-8.7, -18.6, 7.3), (9.0, -17.6, 7.1), .75, .022)
    wire(m, (-8.7, -18.6, 7.15), (9.0, -17.6, 6.95), .95, .016)
    for dx in (-.6, .6):
        wire(m, (-8.7 + dx, -18.6, 8.5), (-9.0 + dx, -47, 8.5), .8)
        wire(m, (9.0 + dx, -17.6, 8.5), (9.2 + dx, -46, 8.5), .8)
        wire(m, (-12.6 + dx, -3.6, 8.5), (19.5 + dx, -3.6, 8.5), .9)
    wire(m, (-8.7, -18.6, 7.2), (-12.6, -3.6, 7.2), .4, .02)
    wire(m, (9.0, -17.6, 7.0), (19.5, -3.6, 7.2), .4, .02)
    # litter bin, bollards, a kiosk of newspapers on the left pavement
    m.tube([(-8.6, -28.6, .25), (-8.6, -28.6, 1.0)], .22, 'awning_green', 14)
    for i in range(5):
        m.tube([(8.3, -25 + 1.6 * i, 0), (8.3, -25 + 1.6 * i, .75)], .06, 'pole', 10)
    m.box((9.8, -24.8, 0), (11.6, -22.4, 2.4), 'awning_green')
    m.box((9.6, -25.0, 2.4), (11.8, -22.2, 2.52), 'iron')
    m.box((9.78, -24.6, .9), (9.8, -22.6, 2.2), 'glass_shop')
    return m.build('furniture', materials)


def cars(rng, materials):
    """Parked cars along both kerbs of the avenue and the cross street."""
    sources = {}
    def put(kind, colour, x, y, heading):
        key = kind, colour
        if key not in sources:
            sources[key] = vehicles.car(random.Random(rng.random()), materials, kind, colour, f'{kind}_{colour}')
            for part in sources[key]:
                part.location = (0, 500, 0)
        for part in sources[key]:
            instance(part, f'car_{x}_{y}_{part.name}', (x, y, -.14), heading)
    up, down, left, right = -math.pi / 2, math.pi / 2, 0.0, math.pi        # where the nose points: +Y, -Y, -X, +X
    for kind, colour, x, y in (('sedan', 'taxi', -6.95, -31.6), ('van', 'white', -7.0, -26.2)):
        put(kind, colour, x + rng.gauss(0, .05), y, up + rng.gauss(0, .012))
    for kind, colour, x, y in (('sedan', 'silver', 7.0, -35.4), ('hatch', 'red', 7.0, -29.7), ('sedan', 'black', 7.05, -24.6)):
        put(kind, colour, x + rng.gauss(0, .05), y, up + rng.gauss(0, .012))
    for kind, colour, x in (('hatch', 'white', -21), ('sedan', 'blue', -15.5), ('hatch', 'red', -3.0), ('sedan', 'white', 2.2), ('van', 'blue', 7.4), ('hatch', 'silver', 12.6), ('sedan', 'grey', 18.6), ('hatch', 'green', 24)):
        put(kind, colour, x, -5.15 + rng.gauss(0, .05), left + rng.gauss(0, .015))
    put('sedan', 'silver', 20.5, -12.9, right)
    put('hatch', 'blue', -15, -12.8, right)


def houses(rng, materials):
    """The target (pass index 1), what stands beside it, the corners of the avenue, far roofs."""
    target = Mesh(random.Random(rng.random()))
    target.frame = Matrix.Translation((TARGET_X, 0, 0))
    st = Style('target_wall', 'target_trim', 'target_base', 'target_side', 'shutter_cream', 'frame_white', floors=5, bays=5, cornice=.75,
               balconies=('iron', '', 'solid', '', 'iron'))
    building.apartment(target, st, TARGET_WIDTH, TARGET_DEPTH, ('sign_red', 'sign_white', 'PANADERIA'))
    target.build('target', materials, index=1)

    def row(name, st, x, y, width, depth, turn=0.0, sign=None):
        m = Mesh(random.Random(rng.random()))
        m.frame = Matrix.Translation((x, y, 0)) @ Matrix.Rotation(turn, 4, 'Z')
        building.apartment(m, st, width, depth, sign)
        m.build(name, materials)

    casa = Style('wall_rose', 'trim_white', 'wall_rose', 'side_a', 'shutter_brown', 'frame_dark', 1, 3, 4.4, 4.0, .5, ('iron', '', 'iron'))
    row('left1', casa, -12.7, 0, 8.66, 13, sign=('sign_blue', 'sign_white', 'KIOSCO'))
    row('left2', Style('wall_white', 'trim_white', 'wall_grey', 'side_b', 'shutter_brown', 'frame_dark', 3, 3, 3.8, 2.9, .35, ('', 'iron', ''), False), -21.4, .1, 8.66, 14)
    row('left3', Style('wall_concrete', 'wall_concrete', 'wall_grey', 'side_a', 'shutter_cream', 'frame_white', 8, 4, 3.8, 2.75, 0, ('solid',) * 4), -35.4, 0, 14, 14)
    row('right1', Style('wall_grey', 'trim_white', 'target_base', 'side_b', 'shutter_cream', 'frame_white', 3, 3, 3.6, 2.75, 0, ('', 'solid', 'solid')), 13.05, .05, 9.5, 14, sign=('awning_green', 'sign_white', 'FARMACIA'))
    row('right2', Style('wall_ochre', 'trim_white', 'wall_ochre', 'side_a', 'shutter_brown', 'frame_dark', 1, 3, 4.2, 3.8, .5, ('', 'iron', '')), 22.6, 0, 8.66, 13)
    row('right3', Style('wall_white', 'wall_white', 'wall_grey', 'side_b', 'shutter_cream', 'frame_white', 7, 4, 3.8, 2.75, 0, ('iron', 'solid', 'solid', 'iron')), 31.3, 0, 14, 14)
    # the avenue: the facades look at each other across it
    half = math.pi / 2
    row('west1', Style('wall_ochre', 'trim_white', 'wall_grey', 'side_a', 'shutter_brown', 'frame_dark', 2, 4, 4.0, 3.4, .6, ('iron', '', 'iron', '')), -12.5, -31.5, 13.4, 12, half, ('sign_yellow', 'sign_black', 'CAFE'))
    row('west2', Style('wall_white', 'wall_white', 'target_base', 'side_b', 'shutter_cream', 'frame_white', 3, 4, 3.8, 2.8, 0, ('solid',) * 4), -12.5, -45.5, 14, 12, half)
    row('west3', casa, -12.5, -62, 16, 12, half)
    row('east1', Style('wall_rose', 'trim_white', 'wall_grey', 'side_b', 'shutter_brown', 'frame_dark', 1, 4, 4.2, 4.0, .6, ('iron', '', 'iron', '')), 12.5, -18.1, 13.4, 12, -half, ('sign_red', 'sign_white', 'ROTISERIA'))
    row('east2', Style('wall_white', 'trim_white', 'target_base', 'side_a', 'shutter_cream', 'frame_white', 3, 4, 3.8, 2.8, 0, ('', 'solid', 'solid', '')), 12.5, -31.6, 14, 12, -half)
    row('east3', casa, 12.5, -46, 16, 12, -half)
    # blocks behind the camera, for the reflections, and towers far behind the target
    row('south1', Style('wall_white', 'trim_white', 'wall_grey', 'side_a', 'shutter_cream', 'frame_white', 6, 6, 3.8, 2.8, .5), 16, -75, 24, 14, math.pi)
    far = Mesh(random.Random(rng.random()))
    for x, y, w, h, mat in ((-34, 46, 13, 30, 'wall_white'), (-13, 58, 11, 25, 'wall_concrete'), (20, 52, 12, 27, 'wall_white'), (36, 70, 15, 41, 'wall_grey'), (-62, 90, 18, 52, 'wall_concrete'), (52, 60, 14, 33, 'wall_ochre'), (60, 110, 18, 58, 'wall_white')):
        far.box((x, y, 0), (x + w, y + 12, h), mat)
        far.box((x + 3, y + 3, h), (x + 7, y + 8, h + 3), mat)
        for fl in range(1, int(h / 2.9)):
            for i in range(int(w / 2.6)):
                far.box((x + .6 + i * 2.6, y - .02, fl * 2.9), (x + 2.1 + i * 2.6, y, fl * 2.9 + 1.5), 'glass_curtain' if rng.random() < .4 else 'glass_dark')
            if int(x) % 2:
                far.box((x, y - 1, fl * 2.9 - .3), (x + w, y, fl * 2.9 + .6), mat)
    far.build('far', materials)


def build(rng, materials):
    """Everything."""
    ground(rng, materials)
    houses(rng, materials)
    furniture(rng, materials)
    cars(rng, materials)
    plant_trees(rng, materials)
    near_branches(rng, materials)
