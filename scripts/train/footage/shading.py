"""Deferred shading: one evaluation for each surface that a pixel sees, weighted by its samples."""
import math

import numpy as np

from . import weather as w
from .building import (BLIND, CAR, FAR, GLASS, GROUND, LAMP, LEAF, PARTY, ROOF, TRIANGLES, TRIM, WALL, WALL2, WALL3,
                       WOOD)
from .kernels import cloudy, hash01, jit, rotate

FAR_AWAY = 400.0
# Slots as plain integers: the kernels treat them as compile-time constants.
(SUN, SUN_COLOUR, ZENITH, HORIZON, CLOUD_START, CLOUD_LIGHT, GLOW, SKY_OFFSET, HAZE, HAZE_COLOUR, AMBIENT, BOUNCE,
 LIT_SHARE, LIT_LIGHT, LAMPS, COVER, COVER_COLOUR, CRACK, CRACK_REACH, CRACK_WIDTH, BAY, STOREY) = (
    w.SUN, w.SUN_COLOUR, w.ZENITH, w.HORIZON, w.CLOUD_START, w.CLOUD_LIGHT, w.GLOW, w.SKY_OFFSET, w.HAZE,
    w.HAZE_COLOUR, w.AMBIENT, w.BOUNCE, w.LIT_SHARE, w.LIT_LIGHT, w.LAMPS, w.COVER, w.COVER_COLOUR, w.CRACK,
    w.CRACK_REACH, w.CRACK_WIDTH, w.BAY, w.STOREY)


@jit
def sky(dx, dy, dz, env, noise, clouds, out):
    """Radiance of the sky along a unit direction."""
    up = max(dz, 0.0)
    t = math.exp(-up * 3.5)
    c = max(0.0, dx * env[SUN] + dy * env[SUN + 1] + dz * env[SUN + 2])
    glow = (.3 * c ** 8 + .9 * c ** 90) * env[GLOW]
    cover = 0.0
    if clouds and dz > .02:
        x = dx / (dz + .15) * .8 + env[SKY_OFFSET]
        y = dy / (dz + .15) * .8
        f = .62 * cloudy(noise, x, y, 3.3) + .38 * cloudy(noise, x * 3.1 + .7, y * 3.1, 1.9)
        cover = min(1.0, max(0.0, (f - env[CLOUD_START]) * 4.0))
    for k in range(3):
        base = env[HORIZON + k] * t + env[ZENITH + k] * (1 - t) + glow * env[SUN_COLOUR + k]
        out[k] = base + (env[CLOUD_LIGHT] * (1.0, .99, .97)[k] - base) * cover * (1 - t * .6)


@jit
def _brick(r, fade, noise):
    u = (r[0] + r[1]) * 4.0
    v = r[2] * 12.0
    row = math.floor(v)
    u += .5 * (int(row) & 1)
    fu = u - math.floor(u)
    fv = v - row
    m = .78 + .44 * hash01(int(math.floor(u)), int(row), 5)
    if fu < .07 or fv < .15:
        m = 1.3
    return 1 + (m - 1) * fade


@jit
def _grooves(a, b, sizeA, sizeB, line, fade):
    """Multiplier of a grid of slabs sizeA by sizeB metres with dark joints `line` metres wide."""
    u = a / sizeA
    v = b / sizeB
    i = math.floor(u)
    j = math.floor(v)
    m = .93 + .14 * hash01(int(i), int(j), 9)
    if (u - i) * sizeA < line or (v - j) * sizeB < line:
        m = .68
    return 1 + (m - 1) * fade


@jit
def shade(depth, ids, ss, camera, forward, right, down, focal, points, materials, owned, nowX, nowQ, rest,
          shadow, shadowView, env, palette, texture, noise, thickness, low, inverseCell, lights, triangles,
          image, distance, matte):
    """Writes image [h,w,3], distance along the ray [h,w] and matte [h,w] (coverage of chunks below `owned`).

    depth, ids [h*ss,w*ss] from raster(); focal and the sample grid in samples."""
    height, width = image.shape[0], image.shape[1]
    sampleHeight, sampleWidth = depth.shape
    shadowSize = shadow.shape[0]
    d = np.zeros(3)
    p = np.zeros(3)
    r = np.zeros(3)
    o = np.zeros(3)
    n = np.zeros(3)
    back = np.zeros(4)
    c = np.zeros(3)
    mirror = np.zeros(3)
    added = np.zeros(3)
    seen = np.zeros(ss * ss, np.int32)
    centreX = np.zeros(ss * ss)
    centreY = np.zeros(ss * ss)
    inverseZ = np.zeros(ss * ss)
    weight = np.zeros(ss * ss)
    for py in range(height):
        for px in range(width):
            # Group the pixel's samples by the triangle that they see.
            groups = 0
            for sy in range(ss):
                for sx in range(ss):
                    y = py * ss + sy
                    x = px * ss + sx
                    g = 0
                    while g < groups and seen[g] != ids[y, x]:
                        g += 1
                    if g == groups:
                        seen[g] = ids[y, x]
                        centreX[g] = 0
                        centreY[g] = 0
                        inverseZ[g] = 0
                        weight[g] = 0
                        groups += 1
                    centreX[g] += x + .5
                    centreY[g] += y + .5
                    inverseZ[g] += depth[y, x]
                    weight[g] += 1
            totalDistance = 0.0
            coverage = 0.0
            image[py, px, 0] = 0
            image[py, px, 1] = 0
            image[py, px, 2] = 0
            for g in range(groups):
                share = weight[g] / (ss * ss)
                fx = centreX[g] / weight[g]
                fy = centreY[g] / weight[g]
                a = (fx - sampleWidth / 2) / focal
                b = (fy - sampleHeight / 2) / focal
                length = 0.0
                for k in range(3):
                    d[k] = forward[k] + a * right[k] + b * down[k]
                    length += d[k] * d[k]
                length = math.sqrt(length)
                z = weight[g] / inverseZ[g] if seen[g] >= 0 else 1e9
                ground = -camera[2] / d[2] if d[2] < -1e-4 else 1e9
                if min(z, ground) > FAR_AWAY:
                    sky(d[0] / length, d[1] / length, d[2] / length, env, noise, True, o)
                    for k in range(3):
                        image[py, px, k] += share * o[k]
                    totalDistance += share * FAR_AWAY
                    continue

                # Surface: position, normal, rest position (textures stick to chunks), material.
                material = GROUND
                body = -1
                if z < ground + .02:
                    body = seen[g] // 12
                    t = seen[g] % 12
                    material = materials[body, t // 2]
                    A = points[body, triangles[t, 0]]
                    B = points[body, triangles[t, 1]]
                    C = points[body, triangles[t, 2]]
                    n[0] = (B[1] - A[1]) * (C[2] - A[2]) - (B[2] - A[2]) * (C[1] - A[1])
                    n[1] = (B[2] - A[2]) * (C[0] - A[0]) - (B[0] - A[0]) * (C[2] - A[2])
                    n[2] = (B[0] - A[0]) * (C[1] - A[1]) - (B[1] - A[1]) * (C[0] - A[0])
                    q = 1 / math.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2 + 1e-20)
                    for k in range(3):
                        n[k] *= q
                else:
                    z = ground
                    n[0] = 0.0
                    n[1] = 0.0
                    n[2] = 1.0
                for k in range(3):
                    p[k] = camera[k] + d[k] * z
                    r[k] = p[k]
                mine = body >= 0 and body < owned
                moved = 0.0
                if mine:
                    coverage += share
                    back[0] = nowQ[body, 0]
                    for k in range(3):
                        back[k + 1] = -nowQ[body, k + 1]
                        o[k] = p[k] - nowX[body, k]
                        moved += abs(nowX[body, k] - rest[body, k])
                    rotate(back, o, r)
                    for k in range(3):
                        r[k] += rest[body, k]
                totalDistance += share * z * length
                pixel = z / focal * ss  # metres that one pixel covers

                # Albedo.
                broad = cloudy(noise, r[0] * .35, r[1] * .35, r[2] * .35)
                fine = cloudy(noise, r[0] * 2.3 + .3, r[1] * 2.3, r[2] * 2.3)
                m = .62 + .45 * broad + .32 * fine
                wall = material == WALL or material == WALL2 or material == WALL3
                if wall:
                    kind = texture[material]
                    if kind == 1:
                        m *= _brick(r, min(1.0, max(0.0, 1.6 - pixel / .09)), noise)
                    elif kind == 2:
                        m *= _grooves(r[0] + r[1], r[2], .95, .48, .045, min(1.0, max(0.25, 1.6 - pixel / .12)))
                    elif kind == 3:
                        m *= _grooves(r[0] + r[1], r[2], .3, .3, .02, min(1.0, max(0.0, 1.6 - pixel / .08)))
                    elif kind == 4:
                        m *= _grooves(r[0] + r[1], r[2], 1.8, .22, .02, min(1.0, max(0.15, 1.6 - pixel / .1)))
                if wall or material == PARTY or material == TRIM:
                    # Rain streaks, damp near the street.
                    streak = cloudy(noise, r[0] * .8 + 3.1, r[1] * .8, r[2] * .07)
                    m *= .84 + .16 * min(1.0, r[2] / 2.5 + .3) - .5 * max(0.0, streak - .56)
                    if material == PARTY:
                        m *= 1 - .35 * max(0.0, cloudy(noise, r[0] * .15, r[1] * .15 + 2.2, r[2] * .2) - .5)
                elif material == LEAF:
                    m = .45 + 1.1 * hash01(int(r[0] * 6), int(r[1] * 6), int(r[2] * 6))
                elif material == BLIND:
                    m *= .8 + .35 * (r[2] * 9 - math.floor(r[2] * 9)) * min(1.0, max(0.0, 1.6 - pixel / .08))
                elif material == ROOF:
                    m *= _grooves(r[0], r[2] + r[1], .4, .3, .03, min(1.0, max(0.0, 1.6 - pixel / .1)))
                for k in range(3):
                    c[k] = palette[material, k] * m
                    added[k] = 0.0
                if material == GROUND:
                    for k in range(3):
                        c[k] = palette[material, k] * (.82 + .22 * broad + .14 * fine)
                    if r[1] > -3.2 or r[1] < -16.5:
                        m = _grooves(r[0], r[1], .6, .6, .035, min(1.0, max(0.0, 1.6 - pixel / .12)))
                        for k in range(3):
                            c[k] = (.36, .345, .32)[k] * m * (.55 + .4 * broad + .3 * fine)
                    else:
                        stain = cloudy(noise, r[0] * .12 + 1.7, r[1] * .35, 5.5)
                        wear = .75 + .5 * stain
                        for k in range(3):
                            c[k] *= wear
                        stripe = r[0] / 4.5 - math.floor(r[0] / 4.5)
                        if abs(r[1] + 9.9) < .07 and stripe < .45:
                            for k in range(3):
                                c[k] = .42 + .2 * fine
                        cross = (r[0] + 20.0) / 1.1
                        if r[0] < -9.0 and r[0] > -13.0 and (r[1] / 1.1 - math.floor(r[1] / 1.1)) < .5 and cross > 0:
                            for k in range(3):
                                c[k] = .4 + .2 * fine
                elif material == FAR:
                    u = r[0] / 2.7 - math.floor(r[0] / 2.7)
                    v = r[2] / 3.1 - math.floor(r[2] / 3.1)
                    tint = .75 + .5 * hash01(body, 3, 1)
                    dark = 1.0
                    if abs(n[1]) > .5 and u > .3 and u < .7 and v > .25 and v < .75:
                        dark = .3
                        if hash01(int(math.floor(r[0] / 2.7)), int(math.floor(r[2] / 3.1)), body) < env[LIT_SHARE]:
                            for k in range(3):
                                added[k] = env[LIT_LIGHT] * (.8, .55, .28)[k]
                    for k in range(3):
                        c[k] *= tint * dark
                elif material == CAR and body >= 0:
                    shine = .7 + .6 * hash01(body // 4, 11, 2)
                    for k in range(3):
                        c[k] *= shine
                elif material == LAMP and env[LAMPS] > 0:
                    for k in range(3):
                        added[k] = (6.0, 4.6, 2.8)[k]
                elif material == GLASS and mine:
                    # Behind the pane: darkness, a curtain, or a lit room.
                    i = int(math.floor((r[0] + r[1] * .31) / env[BAY]))
                    j = int(math.floor(r[2] / env[STOREY]))
                    h = hash01(i, j, 21)
                    if h < .45:
                        fold = .75 + .25 * math.sin(r[0] * 22.0 + r[1] * 22.0)
                        half = (r[0] / env[BAY] - i)
                        if h < .25 or half < .5:
                            for k in range(3):
                                c[k] = (.30, .28, .24)[k] * fold * (.6 + .8 * h)
                    if moved < .3 and hash01(i, j, 5) < env[LIT_SHARE]:
                        for k in range(3):
                            added[k] = env[LIT_LIGHT] * (.9, .62, .33)[k] * (.5 + .8 * fine)
                elif material == GLASS and body >= 0:
                    if hash01(body, 7, 5) < env[LIT_SHARE]:
                        for k in range(3):
                            added[k] = env[LIT_LIGHT] * (.9, .62, .33)[k] * (.5 + .8 * fine)
                if mine and env[CRACK_WIDTH] > 0 and material != GLASS:
                    reach = env[CRACK_REACH] - math.sqrt((r[0] - env[CRACK]) ** 2 + (r[1] - env[CRACK + 1]) ** 2
                                                         + (r[2] - env[CRACK + 2]) ** 2)
                    if reach > 0:
                        jag = cloudy(noise, r[0] * .9 + 1.3, r[1] * .9, r[2] * .9) - .5
                        v1 = abs(cloudy(noise, r[0] * .11 + .9, r[1] * .11, r[2] * .085 + 2) - .5 + .13 * jag)
                        v2 = abs(cloudy(noise, r[0] * .16 + 5.1, r[1] * .16, r[2] * .14 + 4) - .5 + .17 * jag)
                        open_ = env[CRACK_WIDTH] * min(1.0, reach * .25) * (.4 + 1.2 * broad) + pixel * .01
                        line = max(min(1.0, max(0.0, 1.6 - v1 / open_)), .8 * min(1.0, max(0.0, 1.6 - v2 / (.7 * open_))))
                        for k in range(3):
                            c[k] *= 1 - .9 * line
                if env[COVER] > 0 and n[2] > .1:
                    lying = min(1.0, env[COVER] * (n[2] * 1.2) * (.5 + fine))
                    if material == LEAF:
                        lying *= .5
                    for k in range(3):
                        c[k] += (env[COVER_COLOUR + k] - c[k]) * lying

                # Sun with a soft shadow, dimmed by dust.
                facing = max(0.0, n[0] * env[SUN] + n[1] * env[SUN + 1] + n[2] * env[SUN + 2])
                if material == LEAF:
                    facing = .45 + .4 * facing
                lit = 0.0
                if facing > 0 and env[SUN_COLOUR] > 0:
                    u0 = (shadowView[0, 0] * p[0] + shadowView[0, 1] * p[1] + shadowView[0, 2] * p[2] + shadowView[0, 3])
                    v0 = (shadowView[1, 0] * p[0] + shadowView[1, 1] * p[1] + shadowView[1, 2] * p[2] + shadowView[1, 3])
                    limit = .12 + .1 * (1 - facing) - (shadowView[2, 0] * p[0] + shadowView[2, 1] * p[1]
                                                       + shadowView[2, 2] * p[2] + shadowView[2, 3])
                    for s in range(6):
                        u = int(u0 + (s % 3 - 1) * .8 + hash01(px, py, s) - .5)
                        v = int(v0 + (s // 3 - .5) * 1.2 + hash01(px, py, s + 9) - .5)
                        if u < 0 or v < 0 or u >= shadowSize or v >= shadowSize or shadow[v, u] < limit:
                            lit += 1 / 6
                    if lit > 0 and inverseCell > 0:
                        a = (p[0] - low[0]) * inverseCell
                        b = (p[1] - low[1]) * inverseCell
                        e = max(0.0, (p[2] - low[2]) * inverseCell)
                        if a > 0 and b > 0 and a < thickness.shape[0] and b < thickness.shape[1] and e < thickness.shape[2]:
                            lit *= math.exp(-thickness[int(a), int(b), int(e)])

                # Occlusion from nearby samples above the surface, and from the street.
                hidden = 0.0
                for s in range(6):
                    radius = (.5 + 1.5 * hash01(px, py, s)) * focal / z * .45
                    angle = (s + hash01(py, px, s)) * 1.047
                    x = int(fx + math.cos(angle) * radius)
                    y = int(fy + math.sin(angle) * radius)
                    if x >= 0 and y >= 0 and x < sampleWidth and y < sampleHeight and ids[y, x] >= 0:
                        zz = 1 / depth[y, x]
                        a = (x + .5 - sampleWidth / 2) / focal
                        b = (y + .5 - sampleHeight / 2) / focal
                        above = 0.0
                        away = 0.0
                        for k in range(3):
                            v = camera[k] + (forward[k] + a * right[k] + b * down[k]) * zz - p[k]
                            above += v * n[k]
                            away += v * v
                        if above > .05 and away < 4.0:
                            hidden += min(1.0, above / math.sqrt(away) * 1.6)
                open_ = 1 - hidden / 6 * .85
                if n[2] < .5:
                    open_ *= 1 - .3 * math.exp(-p[2] / .5)
                up = .5 + .5 * n[2]
                if n[2] < -.3:
                    up *= .6
                # Deep inside the target less sky arrives.
                if mine and moved < .3 and r[1] > .45:
                    open_ *= .7

                reflect = 0.0
                if material == GLASS or (material == CAR and n[2] < .7):
                    along = d[0] * n[0] + d[1] * n[1] + d[2] * n[2]
                    reflect = .1 + .75 * (1 - min(1.0, abs(along) / length)) ** 4
                    if mine:
                        reflect *= .6 + .7 * hash01(int(math.floor(r[0] * .7)), int(math.floor(r[2] / 1.4)), 3)
                    for k in range(3):
                        o[k] = (d[k] - 2 * along * n[k]) / length
                    sky(o[0], o[1], max(o[2], .02), env, noise, True, mirror)
                    # The far side of the street stands in the way of low reflections.
                    if o[2] < .35 and o[1] < 0:
                        for k in range(3):
                            mirror[k] *= .35 + .65 * max(0.0, o[2]) / .35
                    for k in range(3):
                        c[k] *= 1 - reflect
                fade = math.exp(-z * env[HAZE])
                for k in range(3):
                    e = c[k] * (facing * lit * env[SUN_COLOUR + k]
                                + open_ * (env[AMBIENT + k] * (.25 + .75 * up)
                                           + env[BOUNCE] * (1 - up) * (.35 * env[SUN_COLOUR + k] + env[AMBIENT + k])))
                    e += reflect * mirror[k] * .8 + added[k]
                    for q in range(lights.shape[0]):
                        lx = lights[q, 0] - p[0]
                        ly = lights[q, 1] - p[1]
                        lz = lights[q, 2] - p[2]
                        away = lx * lx + ly * ly + lz * lz
                        cosine = (lx * n[0] + ly * n[1] + lz * n[2]) / math.sqrt(away + 1e-6)
                        e += c[k] * lights[q, 3 + k] * (max(0.0, cosine) + .12) / (away + .6)
                    image[py, px, k] += share * (e * fade + env[HAZE_COLOUR + k] * (1 - fade))
            distance[py, px] = totalDistance
            matte[py, px] = coverage


def shadowFrame(sun, centre, half, size):
    """[3,4] parallel view of the sun for raster(): `half` metres around centre onto size samples."""
    right = np.cross(sun, (0, 0, 1.0))
    right /= np.linalg.norm(right)
    up = np.cross(right, sun)
    k = size / (2 * half)
    return np.stack([np.r_[right * k, size / 2 - right @ centre * k],
                     np.r_[-up * k, size / 2 + up @ centre * k], np.r_[-sun, 200.0]])


__all__ = ["TRIANGLES", "WOOD", "shade", "shadowFrame", "sky"]
