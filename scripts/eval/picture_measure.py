"""Measures rendered shots and writes the table of picture.sh.

python picture_measure.py --renders FOLDER --out FOLDER [--program TEXT] [--command TEXT]

FOLDER/NAME/ of --renders holds what picture.sh leaves of one shot: plan.json (`derrumbe plan --json`) and the frames that it
names; bare.json and its frames, the same shot with `detail` and `grain` off and no holdout; tensors.safetensors
(`--dump-tensors`). Colours are looked at through the repository's OpenColorIO configuration on an sRGB display.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from picture_figures import (blockBrightness, borderRatio, colourDifference, differingPixels, ringOf, seamGradients, slope,
                             stepsOf, windowBorders)
from picture_table import machineFacts, markdown, modelFacts, summary, writeJson

DISPLAY, VIEW = "sRGB - Display", "ACES 1.0 - SDR Video"
CONFIG = Path(__file__).resolve().parents[2] / "configs/ocio/derrumbe.ocio"


# What is read.

@dataclass
class Picture:
    """The channels of one file by name, and its data window's corner."""

    pixels: np.ndarray
    names: list[str]
    corner: tuple[int, int]

    def take(self, names: list[str]) -> np.ndarray:
        return self.pixels[..., [self.names.index(n) for n in names]]


def readPicture(path: str) -> Picture:
    import OpenImageIO as oiio

    buffer = oiio.ImageBuf(str(path))
    pixels = buffer.get_pixels(oiio.FLOAT)
    if buffer.has_error or pixels is None:
        raise SystemExit(f"{path}: {buffer.geterror()}")
    spec = buffer.spec()
    return Picture(pixels, list(spec.channelnames), (spec.x, spec.y))


def displayed(pixels: np.ndarray, space: str) -> np.ndarray:
    """Scene-linear [H,W,3] of a colour space as sRGB display values 0..1."""
    import OpenImageIO as oiio

    source = oiio.ImageBuf(np.ascontiguousarray(pixels, np.float32))
    shown = oiio.ImageBufAlgo.ociodisplay(source, DISPLAY, VIEW, fromspace=space, colorconfig=str(CONFIG))
    if shown.has_error:
        raise SystemExit(shown.geterror())
    return np.clip(shown.get_pixels(oiio.FLOAT), 0, 1)


def enlarged(picture: np.ndarray, width: int, height: int, filterName: str = "mitchell") -> np.ndarray:
    import OpenImageIO as oiio

    small = oiio.ImageBuf(np.ascontiguousarray(picture, np.float32))
    return oiio.ImageBufAlgo.resize(small, filterName, roi=oiio.ROI(0, width, 0, height)).get_pixels(oiio.FLOAT)


def decodeCodes(codes: np.ndarray, encoding: str) -> np.ndarray:
    """The model's codes 0..1 as linear light."""
    if encoding != "srgb_shoulder":
        raise SystemExit(f"the model's encoding {encoding} is not known here")
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "train"))
    from footage.encoding import decode

    return decode(codes)


# One shot.

class Shot:
    """A rendered shot: its plans, its frames by index, and the model's own video."""

    def __init__(self, folder: Path):
        self.name = folder.name
        self.plan = json.loads((folder / "plan.json").read_text())
        self.bare = json.loads((folder / "bare.json").read_text())
        self.space = self.plan["colour"]["plate"]
        x, y, width, height = self.plan["plate"]["data_window"]
        left, top, wide, high = self.plan["region"]["crop"]
        self.crop = slice(top - y, top - y + high), slice(left - x, left - x + wide)
        self.size, self.shape = (wide, high), (height, width)
        self.windows, self.latents = self.plan["windows"], self.plan["latents"][0]
        self.tensors = folder / "tensors.safetensors"

    def inCrop(self) -> np.ndarray:
        mask = np.zeros(self.shape, bool)
        mask[self.crop] = True
        return mask

    def layer(self, frame: Picture) -> np.ndarray:
        """The generated layer as it is displayed, over the crop."""
        return displayed(frame.take(["generated.R", "generated.G", "generated.B"])[self.crop], self.space)

    def modelVideo(self) -> tuple[np.ndarray, np.ndarray] | None:
        """What the model made, codes [F,h,w,3] in 0..1 before any anchoring, and its mask [F,h,w]; None without a dump."""
        if not self.tensors.exists():
            return None
        from safetensors.numpy import load_file

        dump = load_file(self.tensors)
        video = np.moveaxis(dump["video"].reshape(dump["video"].shape[-4:]), 0, -1)
        mask = dump["input_mask"]
        return np.clip(video * 0.5 + 0.5, 0, 1), mask.reshape(mask.shape[-3:])

    def modelDisplayed(self, codes: np.ndarray) -> np.ndarray:
        """One frame of the model's codes over the crop, as it is displayed; enlarged as the renderer does."""
        light = decodeCodes(np.clip(enlarged(codes, *self.size), 0, 1), self.plan["colour"]["encoding"])
        return displayed(light, self.plan["colour"]["model"])


SERIES = ("delivered", "delivered, mean colour", "anchored", "anchored, mean colour", "model", "model, mean colour",
          "told to keep", "may change")


def measureShot(shot: Shot) -> dict:
    series = {name: [] for name in SERIES}
    seam, brightness, plateBrightness = np.zeros(2), [], []
    differing = {"outside the matte": 0, "before the onset": 0}
    checked = dict(differing)
    model = shot.modelVideo()
    within = shot.inCrop()
    for index, (job, bareJob) in enumerate(zip(shot.plan["frames"], shot.bare["frames"])):
        frame, plate = readPicture(job["output"]), readPicture(job["plate"])
        if frame.corner != plate.corner or frame.pixels.shape[:2] != plate.pixels.shape[:2]:
            raise SystemExit(f"{job['output']}: not over the plate's data window")
        same = frame.take(plate.names)
        if not job["generated"]:
            differing["before the onset"] += differingPixels(same, plate.pixels)
            checked["before the onset"] += plate.pixels[..., 0].size
            continue
        matte = frame.take(["matte.Y"])[..., 0]
        differing["outside the matte"] += differingPixels(same, plate.pixels, matte == 0)
        checked["outside the matte"] += int((matte == 0).sum())
        bare = readPicture(bareJob["output"])
        wholeMatte = bare.take(["matte.Y"])[..., 0]  # the artist's, nothing held out
        ring = ringOf(wholeMatte, within)[shot.crop]
        truth = displayed(plate.take(["R", "G", "B"]), shot.space)
        layer, anchored = shot.layer(frame), shot.layer(bare)
        for name, picture in (("delivered", layer), ("anchored", anchored)):
            for key, value in zip((name, name + ", mean colour"), colourDifference(picture, truth[shot.crop], ring)):
                series[key].append(value)
        if model:
            codes, mask = model[0][index], model[1][index]
            raw = colourDifference(shot.modelDisplayed(codes), truth[shot.crop], ring)
            for key, value in zip(("model", "model, mean colour"), raw):
                series[key].append(value)
            free = enlarged(mask[..., None], *shot.size, "box")[..., 0] > 0.25
            series["told to keep"].append(colourDifference(layer, truth[shot.crop], ring & ~free)[0])
            series["may change"].append(colourDifference(layer, truth[shot.crop], ring & free)[0])
        composite = displayed(frame.take(["R", "G", "B"]), shot.space)
        seam += seamGradients(composite, truth, matte)
        inside = wholeMatte[shot.crop] > 0.5
        brightness.append(blockBrightness(layer, inside))
        plateBrightness.append(blockBrightness(truth[shot.crop], inside))
    series = {name: np.array(values, float) for name, values in series.items() if values}
    figures = {name: float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
               for name, values in series.items()}
    for name in ("delivered", "anchored, mean colour", "model, mean colour"):
        if name in series:
            figures["slope, " + name], figures["slope's error, " + name] = slope(series[name])
    figures["seam"] = seam[0] / seam[1] if seam[1] else float("nan")
    figures.update(borderFigures(shot, np.array(brightness), np.array(plateBrightness)))
    figures.update({"differing, " + name: count for name, count in differing.items()})
    figures.update({"checked, " + name: count for name, count in checked.items()})
    return {"shot": shot.name, "frames": len(shot.plan["frames"]), "generated frames": len(brightness),
            "size": [shot.shape[1], shot.shape[0]], "crop": list(shot.size),
            "working size": [shot.plan["region"]["width"], shot.plan["region"]["height"]],
            "windows": len(shot.windows), "prompt": shot.plan["shot"]["prompt"], "sampler": shot.plan["sampler"],
            "figures": figures, "series": {name: [round(v, 4) for v in values] for name, values in series.items()}}


def borderFigures(shot: Shot, brightness: np.ndarray, plate: np.ndarray) -> dict:
    """Of a shot of several windows; nothing of others."""
    if len(shot.windows) < 2 or not len(brightness):
        return {}
    first = len(shot.plan["frames"]) - len(brightness)
    borders = [b - first for b in windowBorders(shot.windows, shot.latents) if b >= first]
    blocks, plates = stepsOf(brightness[:, :-1]), stepsOf(plate[:, :-1])
    return {"border": borderRatio(blocks, borders), "border, whole matte": borderRatio(stepsOf(brightness[:, -1:]), borders),
            "border, plate": borderRatio(plates, borders), "border, other latent frames": borderRatio(blocks, borders, True),
            "borders": len(borders)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--program", default="", help="what `derrumbe --version` says")
    parser.add_argument("--command", default="picture_measure.py")
    arguments = parser.parse_args()
    folders = sorted(p.parent for p in arguments.renders.glob("*/plan.json"))
    if not folders:
        raise SystemExit(f"{arguments.renders}: no rendered shot")
    shots = []
    for folder in folders:
        shots.append(measureShot(Shot(folder)))
        print(f"measured {folder.name}", file=sys.stderr, flush=True)
    model = json.loads((folders[0] / "plan.json").read_text())["model"]["folder"]
    facts = {**machineFacts(arguments.program), "command": arguments.command, "model": modelFacts(Path(model)),
             "summary": summary(shots), "shots": shots}
    arguments.out.mkdir(parents=True, exist_ok=True)
    writeJson(arguments.out / "picture.json", facts)
    text = markdown(facts)
    (arguments.out / "picture.md").write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
