"""Measures rendered shots and writes the table of picture.sh.

python picture_measure.py --renders FOLDER --out FOLDER [--program TEXT] [--command TEXT]

FOLDER/NAME/ of --renders holds what picture.sh leaves of one shot: plan.json (`derrumbe plan --json`) and the frames that it
names; tensors.safetensors (`--dump-tensors`); and of some shots, all with a holdout among them, bare.json and its frames:
the same with `detail` and `grain` off and no holdout. Colours are looked at through the repository's OpenColorIO configuration on an sRGB display.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from picture_figures import (blockBrightness, borderRatio, colourDifference, differingPixels, ringOf, seamGradients, slope,
                             stepsOf, windowBorders)
from picture_table import machineFacts, markdown, modelFacts, summary, writeJson

DISPLAY, VIEW = "sRGB - Display", "ACES 1.0 - SDR Video"
oiio.attribute("threads", 1)  # shots are measured side by side
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
    buffer = oiio.ImageBuf(str(path))
    if not buffer.read(convert=oiio.FLOAT):
        raise SystemExit(f"{path}: {buffer.geterror()}")
    spec = buffer.spec()
    return Picture(buffer.get_pixels(oiio.FLOAT), list(spec.channelnames), (spec.x, spec.y))


def displayed(pixels: np.ndarray, space: str) -> np.ndarray:
    """Scene-linear [H,W,3] of a colour space as sRGB display values 0..1."""
    source = oiio.ImageBuf(np.ascontiguousarray(pixels, np.float32))
    shown = oiio.ImageBufAlgo.ociodisplay(source, DISPLAY, VIEW, fromspace=space, colorconfig=str(CONFIG))
    if shown.has_error:
        raise SystemExit(shown.geterror())
    return np.clip(shown.get_pixels(oiio.FLOAT), 0, 1)


def enlarged(picture: np.ndarray, width: int, height: int, filterName: str = "mitchell") -> np.ndarray:
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
        bare = folder / "bare.json"
        self.bare = json.loads(bare.read_text()) if bare.exists() else None
        self.space = self.plan["colour"]["plate"]
        x, y, width, height = self.plan["plate"]["data_window"]
        left, top, wide, high = self.plan["region"]["crop"]
        self.crop = slice(top - y, top - y + high), slice(left - x, left - x + wide)
        self.size, self.shape = (wide, high), (height, width)
        self.windows, self.latents = self.plan["windows"], self.plan["latents"][0]
        self.tensors = folder / "tensors.safetensors"

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
    for index, job in enumerate(shot.plan["frames"]):
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
        # All else happens within the crop: the matte and what the model made lie there.
        matte = wholeMatte = matte[shot.crop]
        pictures = {"delivered": shot.layer(frame)}
        if shot.bare:
            bare = readPicture(shot.bare["frames"][index]["output"])
            wholeMatte = bare.take(["matte.Y"])[..., 0][shot.crop]  # the artist's, nothing held out
            pictures["anchored"] = shot.layer(bare)
        if model:
            pictures["model"] = shot.modelDisplayed(model[0][index])
        truth = displayed(plate.take(["R", "G", "B"])[shot.crop], shot.space)
        ring = ringOf(wholeMatte)
        for name, picture in pictures.items():
            for key, value in zip((name, name + ", mean colour"), colourDifference(picture, truth, ring)):
                series[key].append(value)
        if model:
            free = enlarged(model[1][index][..., None], *shot.size, "box")[..., 0] > 0.25
            series["told to keep"].append(colourDifference(pictures["delivered"], truth, ring & ~free)[0])
            series["may change"].append(colourDifference(pictures["delivered"], truth, ring & free)[0])
        seam += seamGradients(displayed(frame.take(["R", "G", "B"])[shot.crop], shot.space), truth, matte)
        brightness.append(blockBrightness(pictures["delivered"], wholeMatte > 0.5))
        plateBrightness.append(blockBrightness(truth, wholeMatte > 0.5))
    series = {name: np.array(values, float) for name, values in series.items() if values}
    figures = {name: float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
               for name, values in series.items()}
    for name in ("delivered", "told to keep", "delivered, mean colour", "model, mean colour"):
        if name in series:
            figures["slope, " + name], figures["slope's error, " + name] = slope(series[name])
    figures["seam"] = seam[0] / seam[1] if seam[1] else float("nan")
    first = len(shot.plan["frames"]) - len(brightness)
    borders = [b - first for b in windowBorders(shot.windows, shot.latents) if b >= first]
    series["brightness step to the next frame"] = stepsOf(np.array(brightness)[:, :-1])
    if borders:
        figures.update(borderFigures(np.array(brightness), np.array(plateBrightness), borders))
    figures.update({"differing, " + name: count for name, count in differing.items()})
    figures.update({"checked, " + name: count for name, count in checked.items()})
    return {"shot": shot.name, "frames": len(shot.plan["frames"]), "generated frames": len(brightness),
            "size": [shot.shape[1], shot.shape[0]], "crop": list(shot.size),
            "working size": [shot.plan["region"]["width"], shot.plan["region"]["height"]],
            "windows": len(shot.windows), "borders": borders, "prompt": shot.plan["shot"]["prompt"], "sampler": shot.plan["sampler"],
            "figures": figures, "series": {name: [round(v, 4) for v in values] for name, values in series.items()}}


def borderFigures(brightness: np.ndarray, plate: np.ndarray, borders: list[int]) -> dict:
    """From the onset on; columns as blockBrightness gives them."""
    blocks, plates = stepsOf(brightness[:, :-1]), stepsOf(plate[:, :-1])
    return {"border": borderRatio(blocks, borders), "border, whole matte": borderRatio(stepsOf(brightness[:, -1:]), borders),
            "border, plate": borderRatio(plates, borders), "border, alike": borderRatio(blocks, borders, alike=True)}


def measureFolder(folder: Path) -> dict:
    measured = measureShot(Shot(folder))
    print(f"measured {folder.name}", file=sys.stderr, flush=True)
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--renders", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1, help="shots that are measured at the same time")
    parser.add_argument("--program", default="", help="what `derrumbe --version` says")
    parser.add_argument("--command", default="picture_measure.py")
    arguments = parser.parse_args()
    folders = sorted(p.parent for p in arguments.renders.glob("*/plan.json"))
    if not folders:
        raise SystemExit(f"{arguments.renders}: no rendered shot")
    with ProcessPoolExecutor(arguments.jobs) as pool:
        shots = list(pool.map(measureFolder, folders))
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
