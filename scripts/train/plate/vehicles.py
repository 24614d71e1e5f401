"""Parked cars: a lofted body smoothed by subdivision, a glasshouse of flat panels, wheels, lamps, plates.

A car stands on z = 0 with its nose at x = 0 and its tail at x = length; the middle is y = 0.
"""
from mathutils import Vector

from mesh import Mesh

# nose to tail: x, half width, underside, top
BODIES = {
    'hatch': [(0.0, .60, .36, .60), (.08, .78, .26, .68), (.5, .85, .2, .80), (1.0, .87, .2, .90), (1.9, .88, .2, .93), (3.1, .88, .2, .95), (3.6, .86, .22, .96), (3.88, .80, .3, .93), (3.95, .66, .4, .86)],
    'sedan': [(0.0, .60, .36, .60), (.08, .79, .26, .68), (.6, .87, .2, .80), (1.2, .89, .2, .90), (2.2, .9, .2, .93), (3.4, .9, .2, .96), (4.1, .88, .22, .97), (4.42, .80, .3, .94), (4.5, .66, .4, .86)],
    'van': [(0.0, .66, .36, .70), (.08, .82, .26, .80), (.45, .88, .2, .95), (.85, .9, .2, 1.05), (1.9, .91, .2, 1.08), (3.1, .91, .2, 1.1), (3.8, .9, .22, 1.1), (4.08, .88, .3, 1.1), (4.12, .8, .4, 1.05)],
}
# glasshouse: x of wind-screen foot, roof front, roof rear, rear-window foot; belt and roof heights; half widths below and above
CABINS = {'hatch': (.95, 1.72, 3.2, 3.86, .9, 1.47, .83, .61), 'sedan': (1.15, 1.95, 3.15, 3.85, .91, 1.45, .84, .62), 'van': (.8, 1.35, 4.0, 4.1, 1.04, 1.82, .87, .74)}


def panel(mesh, quad, u0, u1, v0, v1, mat, lift):
    """Part of a bilinear quad (corners: lower left, lower right, upper right, upper left), lifted off its plane."""
    a, b, c, d = (Vector(p) for p in quad)
    normal = (b - a).cross(d - a).normalized() * lift
    at = lambda u, v: (a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v + normal
    mesh.polygon([at(u0, v0), at(u1, v0), at(u1, v1), at(u0, v1)], mat)


def car(rng, materials, kind, colour, name):
    """Two objects, body (subdivided) and fittings, far away as a source for instances; returns both."""
    paint = f'car_{colour}_paint'
    lower, upper = ('car_black_paint', 'car_taxi_paint') if colour == 'taxi' else (paint, paint)
    body = Mesh(rng)
    rings = []
    for x, w, zb, zt in BODIES[kind]:
        half = [(0, zb), (w * .8, zb), (w * .97, zb + .1), (w, (zb + zt) / 2), (w * .985, zt - .12), (w * .93, zt - .02), (w * .7, zt), (0, zt + .015)]
        rings.append([(x, y, z) for y, z in half] + [(x, -y, z) for y, z in reversed(half[1:-1])])
    body.verts = [p for ring in rings for p in ring]
    n = len(rings[0])
    for i in range(len(rings) - 1):
        for k in range(n):
            j = (k + 1) % n
            body.faces.append((i * n + k, i * n + j, (i + 1) * n + j, (i + 1) * n + k))
            body.mats.append('car_black' if k in (0, n - 1) else lower)
            body.rnd.append(0.5)
    body.faces += [tuple(reversed(range(n))), tuple(range(len(rings) * n - n, len(rings) * n))]
    body.mats += [lower, lower]
    body.rnd += [0.5, 0.5]
    shell = body.build(name, materials, smooth=True)
    m = shell.modifiers.new('smooth', 'SUBSURF')
    m.levels = m.render_levels = 2

    f = Mesh(rng)
    x0, x1, x2, x3, zb, zr, wb, wr = CABINS[kind]
    lo = [(x0, -wb, zb - .03), (x0, wb, zb - .03), (x3, wb, zb - .03), (x3, -wb, zb - .03)]
    hi = [(x1, -wr, zr - .05), (x1, wr, zr - .05), (x2, wr, zr - .05), (x2, -wr, zr - .05)]
    crown = [(x1 + .2, -wr * .78, zr), (x1 + .2, wr * .78, zr), (x2 - .15, wr * .78, zr), (x2 - .15, -wr * .78, zr)]
    f.polygon(list(reversed(crown)), upper, .5)
    for k in range(4):
        j = (k + 1) % 4
        f.polygon([hi[j], hi[k], crown[k], crown[j]], upper, .5)
        f.polygon([lo[j], lo[k], hi[k], hi[j]], upper, .5)
    front, right, rear, left = ((lo[1], lo[0], hi[0], hi[1]), (lo[2], lo[1], hi[1], hi[2]), (lo[3], lo[2], hi[2], hi[3]), (lo[0], lo[3], hi[3], hi[0]))
    panel(f, front, .05, .95, .06, .93, 'car_glass', .006)
    if kind != 'van':
        panel(f, rear, .08, .92, .15, .9, 'car_glass', .006)
        for side in (right, left):
            for u0, u1 in ((.13, .47), (.51, .86)):
                panel(f, side, u0, u1, .12, .9, 'car_glass', .006)
    else:
        for side, spans in ((right, ((.68, .86),)), (left, ((.14, .32),))):
            for u0, u1 in spans:
                panel(f, side, u0, u1, .14, .88, 'car_glass', .006)
        for u0, u1 in ((.08, .48), (.52, .92)):
            panel(f, rear, u0, u1, .2, .85, 'car_glass', .006)
    length, w = BODIES[kind][-1][0], BODIES[kind][4][1]
    for x in (.78, length - .78):
        for s in (-1, 1):
            f.disc((x, s * (w + .004), .34), (0, s, 0), .365, 'car_black')
            f.tube([(x, s * (w - .2), .31), (x, s * (w + .01), .31)], .31, 'tyre', 24)
            f.disc((x, s * (w + .016), .31), (0, s, 0), .2, 'rim', 20)
            f.disc((x, s * (w + .02), .31), (0, s, 0), .07, 'car_black', 12)
    front_z, tail_z = BODIES[kind][1][3] - .1, BODIES[kind][-2][3] - .16
    for s in (-1, 1):
        f.box((.02, s * .74, front_z - .07), (.3, s * .5, front_z + .05), 'lamp_clear')
        f.box((length - .2, s * .8, tail_z - .12), (length - .02, s * .58, tail_z + .1), 'lamp_red')
        f.box((x0 + .35, s * (wb + .02), zb + .02), (x0 + .5, s * (wb + .2), zb + .16), paint if colour != 'taxi' else 'car_black_paint')
        f.box((1.2, s * (w + .005), .62), (length - 1.1, s * (w - .02), .66), 'car_black')
    for x, z in ((-.025, .44), (length + .012, .58)):
        f.box((x, -.26, z), (x + .015, .26, z + .12), 'sign_white')
    f.box((-.012, -.5, .3), (.1, .5, .4), 'car_black')
    f.box((length - .1, -.6, .34), (length + .008, .6, .46), 'car_black')
    if colour == 'taxi':
        f.box((x1 + .3, -.3, zr), (x1 + .5, .3, zr + .14), 'sign_white')
    return shell, f.build(name + '_fittings', materials)
