"""What estimate.sh asks: how far from a render's time and memory is what `plan` said before it?"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path

import measured

LIMIT = 0.2
FIRST = 1001
# Size of the plate (the demo's is 1920x1080), frames, and settings of the shot.
CASES: dict[str, tuple[str, int, list[str]]] = {
    "as it is": ("1920x1080", 49, []),
    "25 frames": ("1920x1080", 25, []),
    "9 frames": ("1920x1080", 9, ["onset=1003"]),
    "97 frames": ("1920x1080", 97, []),
    "960x540": ("960x540", 49, []),
    "960x540 97 frames": ("960x540", 97, []),
    "480x270": ("480x270", 49, []),
    "480x270 25 frames": ("480x270", 25, []),
    "256x256 25 frames": ("256x256", 25, []),
    "3840x2160 13 frames": ("3840x2160", 13, ["onset=1005"]),
    "12 steps": ("1920x1080", 25, ["sampler.steps=12"]),
    "480x270 20 steps": ("480x270", 49, ["sampler.steps=20"]),
    "no guidance or detail": ("1920x1080", 25, ["sampler.guidance=1", "detail=off"]),
    "grain": ("1920x1080", 25, ["grain=plate"]),
    "full region": ("1920x1080", 25, ["region=full"]),
    "without layers": ("1920x1080", 25, ["output.layers=[]"]),
}


def sequence(folder: Path, pattern: str, size: str, frames: int) -> str:
    """The demo's pictures at that size; past their end they run backwards. Returns the pattern of the copies."""
    source = sorted(folder.glob(pattern))
    target = folder.parent.parent / f"{size}_{frames}" / folder.name / pattern.split(".")[0]
    if target.exists():
        return str(target / "f.####.exr")
    target.mkdir(parents=True)
    scaled: dict[Path, Path] = {}
    for index in range(frames):
        turn = index % (2 * len(source) - 2)
        original = source[turn if turn < len(source) else 2 * len(source) - 2 - turn]
        copy = target / f"f.{FIRST + index}.exr"
        if original in scaled:
            copy.hardlink_to(scaled[original])
        elif size == "1920x1080":
            copy.symlink_to(original)
        else:
            subprocess.run(["oiiotool", original, "--resize", size, "-o", copy], check=True)
        scaled.setdefault(original, copy)
    return str(target / "f.####.exr")


def overrides(shot: Path, work: Path, size: str, frames: int, settings: list[str]) -> list[str]:
    share = int(size.split("x")[0]) / 1920
    plates = work / "source"
    if not plates.exists():
        plates.mkdir()
        for name in ("plates", "mattes"):
            (plates / name).symlink_to(shot.parent / name)
    values = {"frames": f"{FIRST}-{FIRST + frames - 1}",
              "plate.path": sequence(plates / "plates", "demo_street.*.exr", size, frames),
              "matte.path": sequence(plates / "mattes", "demo_street.*.exr", size, frames),
              "holdout.path": sequence(plates / "mattes", "demo_street_dust.*.exr", size, frames),
              "matte.grow": str(20 * share), "matte.feather": str(16 * share),
              "output.path": str(work / "out/c.####.exr"), "provenance.path": str(work / "out/c.json")}
    pairs = [f"{key}={value}" for key, value in values.items()] + settings
    return [word for pair in pairs for word in ("--set", pair)]


def measure(program: str, shot: Path, work: Path, name: str) -> dict:
    options = overrides(shot, work, *CASES[name])
    plan = json.loads(subprocess.run([program, "plan", shot, "--json", *options], capture_output=True, check=True, text=True).stdout)
    begin = time.monotonic()
    subprocess.run([program, "render", shot, "--overwrite", "--progress", "none", *options], capture_output=True, check=True)
    seconds = time.monotonic() - begin
    cost = json.loads((work / "out/c.json").read_text())["predicate"]["derrumbe_cost"]
    estimate = plan["estimate"]
    return {"case": name, "seconds": seconds, "estimated_seconds": estimate["seconds"], "bytes": cost["peakBytes"],
            "estimated_bytes": estimate["peak_bytes"], "gflops": estimate["flops_per_second"] / 1e9,
            "stages": {**cost["stageSeconds"], "start": seconds - cost["wallSeconds"]},
            "estimated_stages": estimate["stage_seconds"]}


def off(run: dict, what: str) -> float:
    return run[f"estimated_{what}"] / run[what] - 1


def row(run: dict) -> str:
    mib = 1 << 20
    return (f"| {run['case']} | {run['seconds']:.1f} s | {run['estimated_seconds']:.1f} s | {100 * off(run, 'seconds'):+.0f} % "
            f"| {run['bytes'] / mib:.0f} MiB | {run['estimated_bytes'] / mib:.0f} MiB | {100 * off(run, 'bytes'):+.0f} % |")


def stages(runs: list[dict]) -> list[str]:
    """Each stage over all cases."""
    lines = ["| stage, all cases together | took | estimated |", "|---|---|---|"]
    for stage in runs[0]["estimated_stages"]:
        took, estimated = (sum(run[key].get(stage, 0) for run in runs) for key in ("stages", "estimated_stages"))
        lines.append(f"| {stage} | {took:.1f} s | {estimated:.1f} s |")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--shot", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--command", required=True)
    options = parser.parse_args()
    names = [name for name in CASES if not options.only or name in options.only.split(",")]
    told = measured.facts(options.program, options.command)
    runs = [measure(options.program, options.shot, options.work, name) for name in names]
    worst = {what: max(abs(off(run, what)) for run in runs) for what in ("seconds", "bytes")}
    within = sum(abs(off(run, what)) <= LIMIT for run in runs for what in worst)
    lines = ["# What `plan` said, and what the render took", "", measured.sentence(told), "",
             "The demo's shot (1920x1080, 49 frames) with the default model. Time is that of the whole command, memory the highest "
             "resident one; off by: estimate over measurement.", "",
             "| case | took | estimated | off by | memory | estimated | off by |", "|---|---|---|---|---|---|---|", *map(row, runs), "",
             f"{within} of {2 * len(runs)} figures are within {100 * LIMIT:.0f} %; the worst time is {100 * worst['seconds']:.0f} % off, "
             f"the worst memory {100 * worst['bytes']:.0f} %.", "", *stages(runs)]
    print("\n".join(lines))
    (options.out / "estimate.md").write_text("\n".join(lines) + "\n")
    (options.out / "estimate.json").write_text(json.dumps({**told, "runs": runs}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
