#!/usr/bin/env python3
"""What several processes for one shot bring: the demo's denoising by one process and by two that share it, as many threads in all.

    processes.py [--derrumbe FILE] [--shot FILE] [--set KEY=VALUE]... [--rounds N] [--out FOLDER]

In turns, medians of --rounds renders (5). "Together" are the processes that scripts/farm/processes.sh starts with as many threads
as there are cores, divided among them. Writes processes.md and processes.json into --out (results beside this file).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts/eval"))
import measured  # noqa: E402

SHARED = ("denoising", "total")


def render(asked, folder, processes, threads):
    """Seconds of denoising and of the whole render."""
    log = folder / "log.json"
    command = [asked.derrumbe, "render", asked.shot, "--frames", asked.frames, "--overwrite", "--progress", "none", "--threads", threads]
    for setting in [*asked.set, f"output.path={folder / 'f.####.exr'}", f"provenance.path={log}"]:
        command += ["--set", setting]
    if processes > 1:
        command = [ROOT / "scripts/farm/processes.sh", processes, *command, "--distributed"]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stages = json.loads(log.read_text())["predicate"]["derrumbe_cost"]["stageSeconds"]
    return {"denoising": stages["denoising"], "total": sum(stages.values())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--derrumbe", default=str(ROOT / "build/release/derrumbe"))
    parser.add_argument("--shot", default=str(ROOT / "configs/shots/demo_collapse.yaml"))
    parser.add_argument("--frames", default="1049", help="that are delivered; all are made")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", default=HERE / "results", type=Path)
    asked = parser.parse_args()
    cores = os.cpu_count()
    ways = [(1, 1)] + [(count, cores // count) for count in (1, 2, 4) if count <= cores and cores % count == 0]
    runs = {way: [] for way in ways}
    settings = "".join(f" --set {setting}" for setting in asked.set if not setting.startswith("model.path="))
    told = measured.facts(asked.derrumbe, f"scripts/bench/processes.py{settings}")
    with tempfile.TemporaryDirectory() as work:
        for _ in range(asked.rounds):
            for way in ways:
                runs[way].append(render(asked, Path(work), *way))
    seconds = {way: {stage: statistics.median(run[stage] for run in runs[way]) for stage in SHARED} for way in ways}
    alone = seconds[1, cores]
    lines = ["# Several processes for one shot", "", measured.sentence(told), "",
             f"{Path(asked.shot).name}, medians of {asked.rounds} renders, in turns; the last two columns over one process with all threads.", "",
             "| processes | threads of each | denoising, s | the render, s | denoising | the render |", "|---|---|---|---|---|---|"]
    lines += [f"| {count} | {threads} | {now['denoising']:.2f} | {now['total']:.2f} | {now['denoising'] / alone['denoising']:.2f} | "
              f"{now['total'] / alone['total']:.2f} |" for (count, threads), now in seconds.items()]
    asked.out.mkdir(parents=True, exist_ok=True)
    (asked.out / "processes.md").write_text("\n".join(lines) + "\n")
    rows = [{"processes": count, "threads": threads, "runs": runs[count, threads], "median": now} for (count, threads), now in seconds.items()]
    (asked.out / "processes.json").write_text(json.dumps({**told, "rows": rows}, indent=1) + "\n")
    print("\n".join(lines[6:]))


if __name__ == "__main__":
    main()
