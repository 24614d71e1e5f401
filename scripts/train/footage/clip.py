"""One clip from one seed: building, street, look, camera, destruction, frames."""

import json
from dataclasses import dataclass

import numpy as np

from . import VERSION
from . import building as b
from . import weather as w
from .camera import HELD_OUT_MOVE, MOVES, Camera, frameTarget
from .destruction import KINDS, NEVER, TUNED_FALL_FRAMES, WEATHER_KINDS, WEIGHTS, makePlan
from .dust import Dust
from .encoding import encode
from .flakes import Flakes
from .kernels import bake_noise
from .physics import GRAVITY, makeBodies, place, runBodies
from .prompts import makePrompts
from .raster import raster
from .shading import shade
from .street import addStreet
from .surfaces import shadowFrame

SHADOW_SIZE = 640
# Frames that a free fall from the roof to the street takes, by the speed that the prompt says. Life at 24 fps takes 32
# for 9 m and 42 for 15 m. Always the same, so that where the roof line is follows from frame, matte and prompt: from
# clips of random pace a model learns the mean of all paces, which is a blur.
FALL_FRAMES = {"slow": 34, "normal": 24, "fast": 18}
# Ranges of the dust's amount and how often each is drawn: thin, some, thick. Prompts say the first and the last.
DUST = ((0.04, 0.12), (0.25, 0.4), (0.6, 0.9))
DUST_SHARES = (0.3, 0.5, 0.2)
NOISE = bake_noise()


def drawMeta(rng, seed, split, kind, frames, width, height, kinds=KINDS, weights=WEIGHTS):
    """What a seed says before anything is built; `kind` "any" draws one of `kinds`."""
    if kind == "any":
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
    moves = [m for m in MOVES if split == "held_out" or m != HELD_OUT_MOVE]
    chances = {"locked": 0.28, "handheld": 0.28, "pan": 0.2, "dolly": 0.24, "crane": 0.25}
    p = np.array([chances[m] for m in moves])
    onset = 3 + int((frames / 2 - 3) * rng.random() ** 1.5 + 0.5)
    dust = rng.uniform(*DUST[rng.choice(3, p=DUST_SHARES)])
    speed = ("slow", "normal", "normal", "normal", "normal", "fast")[rng.integers(6)]
    return {
        "seed": int(seed),
        "kind": kind,
        "direction": "none",
        "onset": min(onset, frames - 1),
        "fps": 24,
        "size": [width, height],
        "frames": frames,
        "dust": round(float(dust), 3),
        "speed": speed,
        "fire": False,
        "camera": moves[rng.choice(len(moves), p=p / p.sum())],
        "tier": "fast",
        "split": split,
        "generator": VERSION,
    }


@dataclass
class Scene:
    """What a seed draws before anything moves: the building, its street, light and camera."""

    facade: b.Facade
    target: b.Blocks
    points: np.ndarray  # [n,8,3] hexahedra, the target's `owned` first
    materials: np.ndarray  # [n,6] one a face
    owned: int
    loose: np.ndarray  # [owned] scraps without joints
    look: w.Look
    camera: Camera


def drawScene(rng, meta, width, height, largest=1.35, times=w.TIMES, props=None):
    """Draws a Scene and adds "building" and "time_of_day" to meta.

    largest: length in metres above which pieces are cut. times: times of day to draw from. props: see addStreet.
    """
    floors = int(rng.integers(2, 4)) if rng.random() < 0.2 else int(rng.integers(3, 9))
    if width > 1.3 * height:
        floors = min(floors, 6)
    bays = int(rng.integers(3, 8))
    facade = b.Facade(
        rng, bays * rng.uniform(2.4, 3.3), rng.uniform(7, 11), floors, bays, rng.uniform(2.8, 3.6)
    )
    target = b.Blocks()
    facade.emit(target, rng, largest=largest)
    b.addDebris(target, rng, int(rng.integers(120, 320)))
    owned = len(target.shapes)
    street = b.Blocks()
    addStreet(street, rng, facade.width, facade.height, facade.depth, props)
    points = np.array(target.shapes + street.shapes)
    materials = np.array(target.materials + street.materials, np.int32)
    meta["building"] = {
        "style": facade.style,
        "floors": floors,
        "bays": bays,
        "width": round(facade.width, 2),
        "height": round(facade.height, 2),
    }
    look = w.drawLook(rng, facade, meta["kind"])
    while look.time not in times:
        look = w.drawLook(rng, facade, meta["kind"])
    meta["time_of_day"] = look.time
    camera = frameTarget(
        rng,
        meta["frames"],
        width,
        height,
        facade.width,
        facade.height,
        meta["camera"],
        points[:owned],
        points[owned:],
    )
    loose = np.array(target.parts) == b.DEBRIS
    return Scene(facade, target, points, materials, owned, loose, look, camera)


class Renderer:
    """Renders the clean and the destroyed state of a scene, frame by frame."""

    def __init__(self, points, owned, materials, bodies, look, camera, samples, centre, half):
        self.points, self.owned, self.materials, self.bodies = points, owned, materials, bodies
        self.look, self.camera, self.samples = look, camera, samples
        self.sunView = shadowFrame(look.env[w.SUN : w.SUN + 3], centre, half, SHADOW_SIZE)
        self.staticShadow = np.full((SHADOW_SIZE, SHADOW_SIZE), -1e9)
        self.shadowIds = np.zeros((SHADOW_SIZE, SHADOW_SIZE), np.int32)
        raster(points[owned:], self.sunView, False, self.staticShadow, self.shadowIds)
        self.staticFrame, self.staticDepth, self.staticIds = -1, None, None
        self.identity = np.zeros((owned, 4))
        self.identity[:, 0] = 1
        self.noDust = np.zeros((2, 2, 2))
        lamps = np.flatnonzero(materials[owned:, 0] == b.LAMP)
        self.lamps = np.zeros((0, 6))
        if look.env[w.LAMPS] > 0 and len(lamps):
            at = points[owned + lamps[:5]].mean(1) - (0, 0, 0.4)
            self.lamps = np.concatenate([at, np.tile([15.0, 11.0, 6.5], (len(at), 1))], 1)

    def _street(self, frame):
        """Depth and ids of all that stays, rastered once a frame; copies to draw the target over."""
        if self.staticFrame != frame:
            shape = (self.camera.height * self.samples, self.camera.width * self.samples)
            self.staticFrame = frame
            self.staticDepth, self.staticIds = np.zeros(shape), np.full(shape, -1, np.int32)
            raster(
                self.points[self.owned :],
                self.camera.view(frame, self.samples),
                True,
                self.staticDepth,
                self.staticIds,
                self.owned * 12,
            )
        return self.staticDepth.copy(), self.staticIds.copy()

    def render(self, frame, x=None, q=None, dust=None):
        """Linear image [h,w,3], distance [h,w], matte [h,w] at `frame`; at rest without x and q."""
        camera, ss, owned = self.camera, self.samples, self.owned
        still = x is None
        x = self.bodies.rest if still else x
        q = self.identity if still else q
        points = self.points
        if not still:
            points = self.points.copy()
            place(x, q, self.bodies.corners, points[:owned])
        shadow = self.staticShadow.copy()
        raster(points[:owned], self.sunView, False, shadow, self.shadowIds)
        depth, ids = self._street(frame)
        raster(points[:owned], camera.view(frame, ss), True, depth, ids)
        image, distance, matte = (
            np.zeros((camera.height, camera.width) + s) for s in ((3,), (), ())
        )
        active = dust is not None and dust.active
        lights = np.concatenate([self.lamps, dust.lights]) if dust is not None else self.lamps
        shade(
            depth,
            ids,
            ss,
            camera.position[frame],
            camera.forward[frame],
            camera.right[frame],
            camera.down[frame],
            camera.focal * ss,
            points,
            self.materials,
            owned,
            x,
            q,
            self.bodies.rest,
            shadow,
            self.sunView,
            self.look.env,
            self.look.palette,
            self.look.texture,
            NOISE,
            dust.fields[3] if active else self.noDust,
            dust.low if active else np.zeros(3),
            dust.inverseCell if active else 0.0,
            lights,
            b.TRIANGLES,
            image,
            distance,
            matte,
        )
        return image, distance, matte


def makeClip(seed, kind="any", width=128, height=128, frames=25, split="train", samples=2):
    """Returns {"clean", "destroyed": uint8 [F,H,W,3], "matte": uint8 [F,H,W], "meta": dict}."""
    rng = np.random.default_rng(seed)
    meta = drawMeta(rng, seed, split, kind, frames, width, height)
    kind, onset = meta["kind"], meta["onset"]

    scene = drawScene(rng, meta, width, height)
    facade, target, look, camera = scene.facade, scene.target, scene.look, scene.camera
    points, materials, owned = scene.points, scene.materials, scene.owned

    # Destruction.
    bodies = makeBodies(points[:owned], np.array(target.weakness), scene.loose, rng)
    secondary = (
        kind in ("down", "left", "right", "pancake", "shear", "facade") and rng.random() < 0.04
    )
    plan = makePlan(kind, facade, target, bodies, rng, secondary)
    meta["direction"] = plan.direction
    meta["fire"] = bool(plan.fires or plan.blast)
    fallFrames = FALL_FRAMES[meta["speed"]]
    secondsPerFrame = np.sqrt(2 * max(facade.height, 9) / GRAVITY) / fallFrames
    plan.stretch(fallFrames / TUNED_FALL_FRAMES)
    moving = (plan.start < NEVER).any()
    x = q = None
    events = np.zeros((0, 8))
    if moving:
        x, q, events = runBodies(
            bodies, plan, frames - onset, secondsPerFrame, int(seed) & 0x7FFFFFFF
        )
    amount = meta["dust"] * (0.35 if kind in ("cracks", "fire") else 1)
    dust = Dust(
        rng,
        plan,
        events,
        amount,
        look,
        (facade.width, facade.height, facade.depth),
        secondsPerFrame,
    )
    flakes = (
        Flakes(rng, kind, camera, look, meta["dust"], secondsPerFrame)
        if kind in WEATHER_KINDS
        else None
    )

    clean, destroyed, matte = (
        np.zeros((frames, height, width) + s, np.uint8) for s in ((3,), (3,), ())
    )
    centre = np.array([facade.width / 2, 0, facade.height / 3])
    renderer = Renderer(
        points,
        owned,
        materials,
        bodies,
        look,
        camera,
        samples,
        centre,
        max(facade.width, facade.height) * 1.1 + 12,
    )
    rest = None
    for frame in range(frames):
        grain = rng.normal(0, look.grain, (height, width, 1)) + rng.normal(
            0, 0.4 * look.grain, (height, width, 3)
        )

        def finish(image):
            image = look.grade(image)
            return (255 * np.clip(encode(image) + grain, 0, 1) + 0.5).astype(np.uint8)

        if rest is None or meta["camera"] != "locked":
            rest = renderer.render(frame)
        clean[frame] = finish(rest[0])
        matte[frame] = 255 if flakes else (255 * rest[2] + 0.5).astype(np.uint8)
        age = frame - onset
        if age < 0 or kind == "nothing":
            destroyed[frame] = clean[frame]
            continue
        dust.advance(x[age] - bodies.rest if moving else None)
        if flakes:
            look.env[w.COVER] = flakes.cover(age)
        if plan.crack:
            look.env[w.CRACK : w.CRACK + 3] = plan.crack[0]
            look.env[w.CRACK_REACH] = (age + 1) * plan.crack[1]
            look.env[w.CRACK_WIDTH] = 0.003 + 0.007 * meta["dust"]
        image, distance, _ = renderer.render(
            frame, x[age] if moving else None, q[age] if moving else None, dust
        )
        look.env[w.COVER] = look.env[w.CRACK_WIDTH] = 0
        if dust.active:
            image = dust.composite(image, distance, camera, frame, NOISE)
        if flakes:
            image = flakes.composite(image, distance, camera, frame, age)
        destroyed[frame] = finish(image)
    meta["prompts"] = makePrompts(meta, rng)
    return {"clean": clean, "destroyed": destroyed, "matte": matte, "meta": meta}


def saveArrays(clip):
    """The arrays of one .npz: meta becomes a JSON string."""
    return dict(clip, meta=np.array(json.dumps(clip["meta"], ensure_ascii=False)))
