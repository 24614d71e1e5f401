#!/usr/bin/env python3
"""The table of peak memory: what `derrumbe plan` estimates for Wan-VACE 1.3B and 14B, and what renders measure here.

    memory.py [--derrumbe FILE] [--work DIR] [--only estimates,mini,1.3b,weights,14b] [--out FILE]

Estimates come from files that have the published names and shapes and no data. Measured are derrumbe-mini, a folder of 1.3B's
dimensions with random weights (6 GB on the disk, about half an hour on two cores; `weights` is the same with a picture so small
that weights count most) and, where --only names it, one of 14B's with all of UMT5-XXL (46 GB on the disk, about half an hour;
results/memory_14b.md), each without a limit where the machine has the memory, and within some: the peak is the log's (highest
resident memory, pages of weights included), and renders of one case have to give the same pixels, wherever the plan says that
they do. Writes results/memory.md.
Needs oiiotool, and for all but mini torch, diffusers and transformers.
"""

import argparse
import datetime
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
GIB = 2**30
SHOT = """version: 1
frames: 1-{frames}
plate: {{path: plate_{width}x{height}.exr, colorspace: ACEScg}}
matte: {{path: matte_{width}x{height}.exr}}
prompt: "the building collapses into dust"
onset: 2
region: full
model: {{path: {model}, dtype: {dtype}, weights: {weights}}}
sampler: {{steps: {steps}, guidance: {guidance}, seed: 1}}
detail: {detail}
output: {{path: out/c.####.exr}}
provenance: {{path: out/c.json}}
"""
ESTIMATES = [("1.3b", (832, 480), "bfloat16"), ("1.3b", (832, 480), "float32"), ("1.3b", (1280, 720), "bfloat16"),
             ("14b", (832, 480), "bfloat16"), ("14b", (1280, 720), "bfloat16")]
LIMITS = {"1.3b": ("24GiB", "12GiB", "8GiB", "6GiB"), "14b": ("48GiB", "24GiB", "16GiB", "12GiB")}


def make_pictures(folder, width, height):
    plate, matte = folder / f"plate_{width}x{height}.exr", folder / f"matte_{width}x{height}.exr"
    if matte.exists():
        return
    box = f"{width // 2}x{height // 2}+{width // 4}+{height // 4}"
    run(["oiiotool", "--pattern", "fill:topleft=0.1,0.2,0.4,1:topright=0.6,0.5,0.4,1:bottomleft=0.2,0.15,0.1,1:bottomright=4,3,2,1",
         f"{width}x{height}", "4", "--fill:color=0.05,0.3,0.1,1", box, "-d", "half", "-o", plate])
    run(["oiiotool", "--create", f"{width}x{height}", "1", "--chnames", "A", "--fill:color=1", box, "-d", "half", "-o", matte])


def run(command, codes=(0,)):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode not in codes:
        sys.exit(f"{' '.join(map(str, command))}\nended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Case:
    """A shot of one size and model, in a folder of its own."""

    def __init__(self, options, folder, model, width, height, frames, dtype, steps=2, guidance=1, detail="off", weights="auto"):
        self.program, self.folder = options.derrumbe, folder
        make_pictures(folder, width, height)
        self.shot = folder / "shot.yaml"
        self.shot.write_text(SHOT.format(frames=frames, width=width, height=height, model=model, dtype=dtype, steps=steps,
                                         guidance=guidance, detail=detail, weights=weights))

    def plan(self, limit=None):
        """The plan as JSON, or what is said where nothing fits."""
        done = run([self.program, "plan", self.shot, "--json", *(["--max-memory", limit] if limit else [])], (0, 33))
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    def render(self, limit=None):
        """The peak of a render in bytes, and the digests of its pixels."""
        run([self.program, "render", self.shot, "--overwrite", "--no-resume", "--progress", "none",
             *(["--max-memory", limit] if limit else [])])
        log = json.loads((self.folder / "out/c.json").read_text())
        pixels = [frame["annotations"]["pixelSha256"] for frame in log["subject"]]
        return log["predicate"]["derrumbe_cost"]["peakBytes"], pixels


def gib(size):
    return f"{size / GIB:.1f}" if size >= 10 * GIB else f"{size / GIB:.2f}"


def ways(plan):
    """What the plan does to fit, in a few words."""
    memory, words = plan["memory"], []
    if memory["packed_transformer"]:
        words.append("transformer packed")
    if memory["resident_transformer_blocks"] is not None:
        words.append(f"{memory['resident_transformer_blocks']} transformer blocks stay")
    for work in ("encode", "decode"):
        if memory[f"{work}_tile"] is not None:
            words.append(f"{work} in tiles of {memory[f'{work}_tile']}")
    return ", ".join(words) or "-"


def estimates(options, work):
    rows = ["| model | picture, 81 frames | numbers | limit (GiB) | peak (GiB), estimated | ways |", "|---|---|---|---|---|---|"]
    for name, (width, height), dtype in ESTIMATES:
        folder = work / f"sparse_{name}"
        if not (folder / "model_index.json").exists():
            run([sys.executable, HERE / "random_folder.py", "--out", folder, "--size", name, "--whole-text", "--sparse"])
        (folder / "derrumbe.json").write_text(json.dumps({"working_size": [width, height]}))
        case = Case(options, work, folder, width, height, 81, dtype, steps=30, guidance=5, detail="plate")
        for limit in (None, *LIMITS[name]):
            plan = case.plan(limit)
            head = f"| {name.upper()} | {width} x {height} | {dtype} | {limit[:-3] if limit else '-'} |"
            if isinstance(plan, str):
                least = re.search(r"needs about ([\d.]+ \w+) at least \((.*?)\)", plan)
                rows.append(f"{head} refused | needs {least[1]} ({least[2]}) |")
            else:
                rows.append(f"{head} {gib(plan['estimate']['peak_bytes'])} | {ways(plan)} |")
    return rows


def measured(options, work, name, cases, limits):
    """Renders each case within shares of what it takes without a limit, or within given limits (None: without)."""
    rows = []
    for case, text in cases:
        first = None
        for limit in limits(case):
            plan = case.plan(limit)
            if isinstance(plan, str):
                continue
            peak, pixels = case.render(limit)
            same = "-" if first is None else "the same" if pixels == first else "others"
            first = first or pixels
            if plan["memory"]["exact"] and pixels != first:
                sys.exit(f"{text} within {limit}: other pixels than those of the row before")
            estimate = plan["estimate"]["peak_bytes"]
            within = f"{plan['memory']['limit_bytes'] / GIB:.2f}" if limit else "-"
            rows.append(f"| {name} | {text} | {within} | {gib(estimate)} | {gib(peak)} | {100 * (estimate / peak - 1):+.0f} % | "
                        f"{ways(plan)} | {same} |")
            print(rows[-1], flush=True)
    return rows


def tightening(case):
    """Without a limit, and within some between what nothing has to give way for and what is refused, in bytes."""
    peak = case.plan()["estimate"]["peak_bytes"]
    return [None, *(str(int(peak * share)) for share in (0.9, 0.8))]


def mini(options, work):
    model = ROOT / "models/derrumbe-mini"
    cases = []
    for width, height, frames in ((128, 128, 49), (256, 256, 25)):
        folder = work / f"mini_{width}_{frames}"
        folder.mkdir(exist_ok=True)
        own = folder / "model"
        if not own.exists():
            run(["cp", "-r", model, own])
            about = json.loads((own / "derrumbe.json").read_text()) | {"working_size": [width, height]}
            (own / "derrumbe.json").write_text(json.dumps(about))
        cases.append((Case(options, folder, own, width, height, frames, "float32", detail="plate"),
                      f"{width} x {height}, {frames} frames, float32"))
    return measured(options, work, "derrumbe-mini", cases, tightening)


def large(options, work, size="1.3b", picture=(480, 272), frames=17, dtype="float32", weights=(("auto", (None, "4GiB")),)):
    folder = work / f"random_{size}"
    folder.mkdir(exist_ok=True)
    if not (folder / "model/model_index.json").exists():
        run([sys.executable, HERE / "random_folder.py", "--out", folder / "model", "--size", size,
             *(["--whole-text"] if size == "14b" else [])])
    (folder / "model/derrumbe.json").write_text(json.dumps({"working_size": picture}))
    rows = []
    for kind, limits in weights:
        case = Case(options, folder, folder / "model", *picture, frames, dtype, weights=kind)
        text = f"{picture[0]} x {picture[1]}, {frames} frames, {dtype}" + (f", weights {kind}" if kind != "auto" else "")
        rows += measured(options, work, f"{size.upper()}'s dimensions, random bfloat16", [(case, text)],
                         lambda _, limits=limits: limits)
    return rows


def weights(options, work):
    """What weights that stay small save: of a picture so small that little else counts."""
    return large(options, work, picture=(128, 128), frames=5,
                 weights=(("auto", (None, "6GiB", "3GiB")), ("int8", (None,)), ("fp8", (None,))))


def huge(options, work):
    """14B's weights alone are more than most machines' memory."""
    return large(options, work, "14b", (832, 480), 5, "bfloat16", (("auto", ("12GiB", "6GiB")),))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--derrumbe", type=Path, default=ROOT / "build/release/derrumbe")
    parser.add_argument("--work", type=Path, help="kept; default: a temporary folder")
    parser.add_argument("--only", default="estimates,mini,1.3b,weights")
    parser.add_argument("--out", type=Path, default=HERE / "results/memory.md")
    options = parser.parse_args()
    only = options.only.split(",")
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        measures = (mini(options, work) if "mini" in only else []) + (large(options, work) if "1.3b" in only else []) \
            + (weights(options, work) if "weights" in only else []) + (huge(options, work) if "14b" in only else [])
        table = estimates(options, work) if "estimates" in only else []
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    version = run([options.derrumbe, "--version"]).stdout.strip().splitlines()
    text = ["# memory", "", f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC; {processor}, {os.cpu_count()} cores; "
            f"{'; '.join(version)}.", "", f"    memory.py{' --only ' + options.only if options.only != parser.get_default('only') else ''}", ""]
    if measures:
        text += ["## Measured", "", "The peak is the highest resident memory of the whole render, the mapped pages of weights "
                 "included. 2 steps without guidance.", "",
                 "| model | picture | limit (GiB) | estimate (GiB) | peak (GiB), measured | estimate's error | ways | pixels |",
                 "|---|---|---|---|---|---|---|---|", *measures, ""]
    if table:
        text += ["## Estimated", "", "By `derrumbe plan` for a processor, from files of the published names and shapes (text encoder: all of "
                 "UMT5-XXL); nothing of this was run. `detail: plate`.", "", *table, ""]
    options.out.write_text("\n".join(text))
    print(options.out)


if __name__ == "__main__":
    main()
