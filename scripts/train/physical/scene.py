"""What Blender is told of a clip: one .npz of plain arrays, without pickles."""

import numpy as np

from footage import building as b
from footage import weather as w


def _standing(clip):
    """[n,2,3] boxes that rubble lies on or leans against: street, neighbours, parked cars."""
    boxes = [((-90, -90, -5), (100, 90, 0))]
    still = clip.scene.points[clip.scene.owned :]
    faces = clip.scene.materials[clip.scene.owned :, 0]
    for box, material in zip(still, faces):
        low, high = box.min(0), box.max(0)
        if material == b.ROOM and (high - low).min() > 2:  # a neighbour's core; its walls are thin
            boxes.append((low - (0.43, 0.45, 0), high + (0.43, 0, 0)))
    for kind, x, y in clip.props:
        if kind == "car":
            boxes.append(((x, y, 0), (x + 4.2, y + 1.75, 1.2)))
    return np.array(boxes, float)


def writeScene(clip, path, samples=12, shutter=0.5):
    """Everything that inside/simulate.py and inside/render.py read. samples: paths a pixel; shutter: share of a frame that
    what falls is blurred over. The same clip gives the same bytes."""
    scene, meta = clip.scene, clip.meta
    camera, look = scene.camera, scene.look
    points = scene.points
    hulls = points[: scene.owned][clip.main] - clip.rest[:, None]
    np.savez(
        path,
        points=points,
        materials=scene.materials,
        owned=scene.owned,
        body=clip.body,
        rest=clip.rest,
        hulls=hulls,
        mass=clip.mass,
        start=clip.start,
        impulse=clip.impulse,
        ghost=clip.ghost,
        joints=clip.joints,
        anchor=clip.anchor,
        strength=clip.strength,
        lean=np.array(clip.plan.lean, float),
        standing=_standing(clip),
        moving=meta["frames"] - meta["onset"],
        frames=meta["frames"],
        onset=meta["onset"],
        secondsPerFrame=clip.secondsPerFrame,
        seed=meta["seed"],
        samples=samples,
        shutter=shutter,
        time=look.time,
        sun=look.env[w.SUN : w.SUN + 3],
        sunColour=look.env[w.SUN_COLOUR : w.SUN_COLOUR + 3],
        zenith=look.env[w.ZENITH : w.ZENITH + 3],
        horizon=look.env[w.HORIZON : w.HORIZON + 3],
        haze=look.env[w.HAZE],
        cloudStart=look.env[w.CLOUD_START],
        cloudLight=look.env[w.CLOUD_LIGHT],
        palette=look.palette,
        texture=look.texture,
        dust=look.dust,
        cars=np.array([p[1:] for p in clip.props if p[0] == "car"]).reshape(-1, 2),
        trees=np.array([p[1:] for p in clip.props if p[0] == "tree"]).reshape(-1, 2),
        position=camera.position,
        forward=camera.forward,
        right=camera.right,
        down=camera.down,
        focal=camera.focal,
        size=np.array(meta["size"]),
    )
