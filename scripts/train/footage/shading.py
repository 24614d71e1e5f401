"""Deferred shading: one evaluation for each surface that a pixel sees, weighted by its samples."""

import math

import numpy as np

from .building import (
    BLIND,
    CAR,
    FAR,
    GLASS,
    GROUND,
    LAMP,
    LEAF,
    PARTY,
    ROOF,
    TRIM,
    WALL,
    WALL2,
    WALL3,
)
from .kernels import cloudy, hash01, jit, rotate
from .surfaces import brick, grooves, sky
from .weather import (  # slots of env
    SUN,
    SUN_COLOUR,
    HAZE,
    HAZE_COLOUR,
    AMBIENT,
    BOUNCE,
    LIT_SHARE,
    LIT_LIGHT,
    LAMPS,
    COVER,
    COVER_COLOUR,
    CRACK,
    CRACK_REACH,
    CRACK_WIDTH,
    BAY,
    STOREY,
)

FAR_AWAY = 400.0


@jit
def shade(
    depth,
    ids,
    ss,
    camera,
    forward,
    right,
    down,
    focal,
    points,
    materials,
    owned,
    nowX,
    nowQ,
    rest,
    shadow,
    shadowView,
    env,
    palette,
    texture,
    noise,
    thickness,
    low,
    inverseCell,
    lights,
    triangles,
    image,
    distance,
    matte,
):
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
                    centreX[g] += x + 0.5
                    centreY[g] += y + 0.5
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
                if z < ground + 0.02:
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
                broad = cloudy(noise, r[0] * 0.35, r[1] * 0.35, r[2] * 0.35)
                fine = cloudy(noise, r[0] * 2.3 + 0.3, r[1] * 2.3, r[2] * 2.3)
                m = 0.62 + 0.45 * broad + 0.32 * fine
                wall = material == WALL or material == WALL2 or material == WALL3
                if wall:
                    kind = texture[material]
                    if kind == 1:
                        m *= brick(r, min(1.0, max(0.0, 1.6 - pixel / 0.09)))
                    elif kind == 2:
                        m *= grooves(
                            r[0] + r[1],
                            r[2],
                            0.95,
                            0.48,
                            0.045,
                            min(1.0, max(0.25, 1.6 - pixel / 0.12)),
                        )
                    elif kind == 3:
                        m *= grooves(
                            r[0] + r[1],
                            r[2],
                            0.3,
                            0.3,
                            0.02,
                            min(1.0, max(0.0, 1.6 - pixel / 0.08)),
                        )
                    elif kind == 4:
                        m *= grooves(
                            r[0] + r[1],
                            r[2],
                            1.8,
                            0.22,
                            0.02,
                            min(1.0, max(0.15, 1.6 - pixel / 0.1)),
                        )
                if wall or material == PARTY or material == TRIM:
                    # Rain streaks, damp near the street.
                    streak = cloudy(noise, r[0] * 0.8 + 3.1, r[1] * 0.8, r[2] * 0.07)
                    m *= 0.84 + 0.16 * min(1.0, r[2] / 2.5 + 0.3) - 0.5 * max(0.0, streak - 0.56)
                    if material == PARTY:
                        m *= 1 - 0.35 * max(
                            0.0, cloudy(noise, r[0] * 0.15, r[1] * 0.15 + 2.2, r[2] * 0.2) - 0.5
                        )
                elif material == LEAF:
                    m = 0.45 + 1.1 * hash01(int(r[0] * 6), int(r[1] * 6), int(r[2] * 6))
                elif material == BLIND:
                    m *= 0.8 + 0.35 * (r[2] * 9 - math.floor(r[2] * 9)) * min(
                        1.0, max(0.0, 1.6 - pixel / 0.08)
                    )
                elif material == ROOF:
                    m *= grooves(
                        r[0], r[2] + r[1], 0.4, 0.3, 0.03, min(1.0, max(0.0, 1.6 - pixel / 0.1))
                    )
                for k in range(3):
                    c[k] = palette[material, k] * m
                    added[k] = 0.0
                if material == GROUND:
                    for k in range(3):
                        c[k] = palette[material, k] * (0.82 + 0.22 * broad + 0.14 * fine)
                    if r[1] > -3.2 or r[1] < -16.5:
                        m = grooves(
                            r[0], r[1], 0.6, 0.6, 0.035, min(1.0, max(0.0, 1.6 - pixel / 0.12))
                        )
                        for k in range(3):
                            c[k] = (0.36, 0.345, 0.32)[k] * m * (0.55 + 0.4 * broad + 0.3 * fine)
                    else:
                        stain = cloudy(noise, r[0] * 0.12 + 1.7, r[1] * 0.35, 5.5)
                        wear = 0.75 + 0.5 * stain
                        for k in range(3):
                            c[k] *= wear
                        stripe = r[0] / 4.5 - math.floor(r[0] / 4.5)
                        if abs(r[1] + 9.9) < 0.07 and stripe < 0.45:
                            for k in range(3):
                                c[k] = 0.42 + 0.2 * fine
                        cross = (r[0] + 20.0) / 1.1
                        if (
                            r[0] < -9.0
                            and r[0] > -13.0
                            and (r[1] / 1.1 - math.floor(r[1] / 1.1)) < 0.5
                            and cross > 0
                        ):
                            for k in range(3):
                                c[k] = 0.4 + 0.2 * fine
                elif material == FAR:
                    u = r[0] / 2.7 - math.floor(r[0] / 2.7)
                    v = r[2] / 3.1 - math.floor(r[2] / 3.1)
                    tint = 0.75 + 0.5 * hash01(body, 3, 1)
                    dark = 1.0
                    if abs(n[1]) > 0.5 and u > 0.3 and u < 0.7 and v > 0.25 and v < 0.75:
                        dark = 0.3
                        if (
                            hash01(int(math.floor(r[0] / 2.7)), int(math.floor(r[2] / 3.1)), body)
                            < env[LIT_SHARE]
                        ):
                            for k in range(3):
                                added[k] = env[LIT_LIGHT] * (0.8, 0.55, 0.28)[k]
                    for k in range(3):
                        c[k] *= tint * dark
                elif material == CAR and body >= 0:
                    shine = 0.7 + 0.6 * hash01(body // 4, 11, 2)
                    for k in range(3):
                        c[k] *= shine
                elif material == LAMP and env[LAMPS] > 0:
                    for k in range(3):
                        added[k] = (6.0, 4.6, 2.8)[k]
                elif material == GLASS and mine:
                    # Behind the pane: darkness, a curtain, or a lit room.
                    i = int(math.floor((r[0] + r[1] * 0.31) / env[BAY]))
                    j = int(math.floor(r[2] / env[STOREY]))
                    h = hash01(i, j, 21)
                    if h < 0.45:
                        fold = 0.75 + 0.25 * math.sin(r[0] * 22.0 + r[1] * 22.0)
                        half = r[0] / env[BAY] - i
                        if h < 0.25 or half < 0.5:
                            for k in range(3):
                                c[k] = (0.30, 0.28, 0.24)[k] * fold * (0.6 + 0.8 * h)
                    if moved < 0.3 and hash01(i, j, 5) < env[LIT_SHARE]:
                        for k in range(3):
                            added[k] = env[LIT_LIGHT] * (0.9, 0.62, 0.33)[k] * (0.5 + 0.8 * fine)
                elif material == GLASS and body >= 0:
                    if hash01(body, 7, 5) < env[LIT_SHARE]:
                        for k in range(3):
                            added[k] = env[LIT_LIGHT] * (0.9, 0.62, 0.33)[k] * (0.5 + 0.8 * fine)
                if mine and env[CRACK_WIDTH] > 0 and material != GLASS:
                    reach = env[CRACK_REACH] - math.sqrt(
                        (r[0] - env[CRACK]) ** 2
                        + (r[1] - env[CRACK + 1]) ** 2
                        + (r[2] - env[CRACK + 2]) ** 2
                    )
                    if reach > 0:
                        jag = cloudy(noise, r[0] * 0.9 + 1.3, r[1] * 0.9, r[2] * 0.9) - 0.5
                        v1 = abs(
                            cloudy(noise, r[0] * 0.11 + 0.9, r[1] * 0.11, r[2] * 0.085 + 2)
                            - 0.5
                            + 0.13 * jag
                        )
                        v2 = abs(
                            cloudy(noise, r[0] * 0.16 + 5.1, r[1] * 0.16, r[2] * 0.14 + 4)
                            - 0.5
                            + 0.17 * jag
                        )
                        open_ = (
                            env[CRACK_WIDTH] * min(1.0, reach * 0.25) * (0.4 + 1.2 * broad)
                            + pixel * 0.01
                        )
                        line = max(
                            min(1.0, max(0.0, 1.6 - v1 / open_)),
                            0.8 * min(1.0, max(0.0, 1.6 - v2 / (0.7 * open_))),
                        )
                        for k in range(3):
                            c[k] *= 1 - 0.9 * line
                if env[COVER] > 0 and n[2] > 0.1:
                    lying = min(1.0, env[COVER] * (n[2] * 1.2) * (0.5 + fine))
                    if material == LEAF:
                        lying *= 0.5
                    for k in range(3):
                        c[k] += (env[COVER_COLOUR + k] - c[k]) * lying

                # Sun with a soft shadow, dimmed by dust.
                facing = max(0.0, n[0] * env[SUN] + n[1] * env[SUN + 1] + n[2] * env[SUN + 2])
                if material == LEAF:
                    facing = 0.45 + 0.4 * facing
                lit = 0.0
                if facing > 0 and env[SUN_COLOUR] > 0:
                    u0 = (
                        shadowView[0, 0] * p[0]
                        + shadowView[0, 1] * p[1]
                        + shadowView[0, 2] * p[2]
                        + shadowView[0, 3]
                    )
                    v0 = (
                        shadowView[1, 0] * p[0]
                        + shadowView[1, 1] * p[1]
                        + shadowView[1, 2] * p[2]
                        + shadowView[1, 3]
                    )
                    limit = (
                        0.12
                        + 0.1 * (1 - facing)
                        - (
                            shadowView[2, 0] * p[0]
                            + shadowView[2, 1] * p[1]
                            + shadowView[2, 2] * p[2]
                            + shadowView[2, 3]
                        )
                    )
                    for s in range(6):
                        u = int(u0 + (s % 3 - 1) * 0.8 + hash01(px, py, s) - 0.5)
                        v = int(v0 + (s // 3 - 0.5) * 1.2 + hash01(px, py, s + 9) - 0.5)
                        if (
                            u < 0
                            or v < 0
                            or u >= shadowSize
                            or v >= shadowSize
                            or shadow[v, u] < limit
                        ):
                            lit += 1 / 6
                    if lit > 0 and inverseCell > 0:
                        a = (p[0] - low[0]) * inverseCell
                        b = (p[1] - low[1]) * inverseCell
                        e = max(0.0, (p[2] - low[2]) * inverseCell)
                        if (
                            a > 0
                            and b > 0
                            and a < thickness.shape[0]
                            and b < thickness.shape[1]
                            and e < thickness.shape[2]
                        ):
                            lit *= math.exp(-thickness[int(a), int(b), int(e)])

                # Occlusion from nearby samples above the surface, and from the street.
                hidden = 0.0
                for s in range(6):
                    radius = (0.5 + 1.5 * hash01(px, py, s)) * focal / z * 0.45
                    angle = (s + hash01(py, px, s)) * 1.047
                    x = int(fx + math.cos(angle) * radius)
                    y = int(fy + math.sin(angle) * radius)
                    if (
                        x >= 0
                        and y >= 0
                        and x < sampleWidth
                        and y < sampleHeight
                        and ids[y, x] >= 0
                    ):
                        zz = 1 / depth[y, x]
                        a = (x + 0.5 - sampleWidth / 2) / focal
                        b = (y + 0.5 - sampleHeight / 2) / focal
                        above = 0.0
                        away = 0.0
                        for k in range(3):
                            v = camera[k] + (forward[k] + a * right[k] + b * down[k]) * zz - p[k]
                            above += v * n[k]
                            away += v * v
                        if above > 0.05 and away < 4.0:
                            hidden += min(1.0, above / math.sqrt(away) * 1.6)
                open_ = 1 - hidden / 6 * 0.85
                if n[2] < 0.5:
                    open_ *= 1 - 0.3 * math.exp(-p[2] / 0.5)
                up = 0.5 + 0.5 * n[2]
                if n[2] < -0.3:
                    up *= 0.6
                # Deep inside the target less sky arrives.
                if mine and moved < 0.3 and r[1] > 0.45:
                    open_ *= 0.7

                reflect = 0.0
                if material == GLASS or (material == CAR and n[2] < 0.7):
                    along = d[0] * n[0] + d[1] * n[1] + d[2] * n[2]
                    reflect = 0.1 + 0.75 * (1 - min(1.0, abs(along) / length)) ** 4
                    if mine:
                        reflect *= 0.6 + 0.7 * hash01(
                            int(math.floor(r[0] * 0.7)), int(math.floor(r[2] / 1.4)), 3
                        )
                    for k in range(3):
                        o[k] = (d[k] - 2 * along * n[k]) / length
                    sky(o[0], o[1], max(o[2], 0.02), env, noise, True, mirror)
                    # The far side of the street stands in the way of low reflections.
                    if o[2] < 0.35 and o[1] < 0:
                        for k in range(3):
                            mirror[k] *= 0.35 + 0.65 * max(0.0, o[2]) / 0.35
                    for k in range(3):
                        c[k] *= 1 - reflect
                fade = math.exp(-z * env[HAZE])
                for k in range(3):
                    e = c[k] * (
                        facing * lit * env[SUN_COLOUR + k]
                        + open_
                        * (
                            env[AMBIENT + k] * (0.25 + 0.75 * up)
                            + env[BOUNCE]
                            * (1 - up)
                            * (0.35 * env[SUN_COLOUR + k] + env[AMBIENT + k])
                        )
                    )
                    e += reflect * mirror[k] * 0.8 + added[k]
                    for q in range(lights.shape[0]):
                        lx = lights[q, 0] - p[0]
                        ly = lights[q, 1] - p[1]
                        lz = lights[q, 2] - p[2]
                        away = lx * lx + ly * ly + lz * lz
                        cosine = (lx * n[0] + ly * n[1] + lz * n[2]) / math.sqrt(away + 1e-6)
                        e += c[k] * lights[q, 3 + k] * (max(0.0, cosine) + 0.12) / (away + 0.6)
                    image[py, px, k] += share * (e * fade + env[HAZE_COLOUR + k] * (1 - fade))
            distance[py, px] = totalDistance
            matte[py, px] = coverage
