"""What picture.sh writes: rows and limits, the summary over shots, markdown and JSON."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata as packages
import json
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Row:
    text: str
    key: str
    limit: float | None = None
    long: bool = False       # only shots of several windows
    magnitude: bool = False  # a slope is judged by its size
    like: str = ""           # only shots that have this figure


ROWS = [
    Row("Delta E 2000 in the ring, generated layer", "delivered", 1.5),
    Row("- where the model is told to keep the plate", "told to keep"),
    Row("- where it may change it (2 working pixels around the matte)", "may change"),
    Row("- with `detail` and `grain` off: anchored", "anchored"),
    Row("- and before anchoring, same shots", "model", like="anchored"),
    Row("- of the ring's mean colour, anchored", "anchored, mean colour"),
    Row("- of the ring's mean colour, before anchoring, same shots", "model, mean colour", like="anchored"),
    Row("slope of Delta E per 100 frames, generated layer", "slope, delivered", 0.2, True, True),
    Row("- where the model is told to keep the plate", "slope, told to keep", None, True, True),
    Row("- of the ring's mean colour", "slope, delivered, mean colour", None, True, True),
    Row("- of the ring's mean colour, before anchoring", "slope, model, mean colour", None, True, True),
    Row("seam: gradient across the matte's edge over the plate's", "seam", 1.2),
    Row("brightness step across window borders over inside", "border", 1.15, True),
    Row("- over the steps between other latent frames", "border, alike", None, True),
    Row("- of the whole matte's mean", "border, whole matte", None, True),
    Row("- the plate's own", "border, plate", None, True),
    Row("pixels that differ outside the matte", "differing, outside the matte", 0),
    Row("pixels that differ before the onset", "differing, before the onset", 0),
]


def number(value: float) -> str:
    if value is None or not np.isfinite(value):
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def summary(shots: list[dict]) -> list[dict]:
    """One entry a row: mean over the shots that have it, its standard error, the worst shot, whether the limit is met."""
    rows = []
    for row in ROWS:
        found = [(s["figures"][row.key], s["shot"]) for s in shots
                 if np.isfinite(s["figures"].get(row.key, np.nan)) and (not row.long or s["windows"] > 1)
                 and (not row.like or row.like in s["figures"])]
        entry = {"figure": row.text, "limit": row.limit, "n": len(found)}
        if found:
            values = np.array([v for v, _ in found], float)
            count = row.key.startswith("differing")
            entry["value"] = int(values.sum()) if count else float(values.mean())
            if len(values) > 1 and not count:
                entry["error"] = float(values.std(ddof=1) / np.sqrt(len(values)))
            worst = max(found, key=lambda f: abs(f[0]))
            entry["worst"], entry["worst shot"] = worst
            if row.limit is not None:
                entry["met"] = bool((abs(entry["value"]) if row.magnitude else entry["value"]) <= row.limit)
        rows.append(entry)
    return rows


def markdown(facts: dict) -> str:
    lines = ["# The picture, as a compositor looks at it", "", f"Measured {facts['date']} by `{facts['command']}` on "
             f"{facts['machine']}; " + ", ".join(f"{k} {v}" for k, v in facts["versions"].items()) + ".",
             f"Model {facts['model']['name']} {facts['model']['version']}, weights {facts['model']['weights'][:12]}. "
             "What each figure is stands in `../README.md`; curves over time are in the JSON file.", "",
             "| figure | limit | mean over shots | worst shot | limit met |", "|---|---|---|---|---|"]
    for row in facts["summary"]:
        value = number(row.get("value")) + (f" +- {row['error']:.2f}" if "error" in row else "")
        worst = f"{number(row['worst'])} ({row['worst shot']})" if row["n"] > 1 and row["worst"] else ""
        met = {True: "yes", False: "**no**", None: ""}[row.get("met")]
        limit = "" if row["limit"] is None else str(row["limit"])
        lines.append(f"| {row['figure']} | {limit} | {value} (n={row['n']}) | {worst} | {met} |")
    lines += ["", "No key of a shot switches the anchoring off: the figures before it are the model's decoded video, as "
              "`--dump-tensors` hands it out, enlarged over the crop.", "",
              "| shot | " + " | ".join(s["shot"] for s in facts["shots"]) + " |", "|---" * (len(facts["shots"]) + 1) + "|"]
    about = [("plate, crop, working size", lambda s: "; ".join("x".join(map(str, s[k])) for k in ("size", "crop", "working size"))),
             ("frames, from the onset on, windows", lambda s: f"{s['frames']}, {s['generated frames']}, {s['windows']}")]
    for text, tell in about:
        lines.append(f"| {text} | " + " | ".join(tell(s) for s in facts["shots"]) + " |")
    for row in ROWS:
        lines.append(f"| {row.text} | " + " | ".join(number(s["figures"].get(row.key)) for s in facts["shots"]) + " |")
    return "\n".join(lines) + "\n"


def machineFacts(program: str) -> dict:
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
             if line.startswith("model name")] if Path("/proc/cpuinfo").exists() else []
    found = {"derrumbe": program.removeprefix("derrumbe ")} if program else {}
    found["python"] = platform.python_version()
    found |= {p: packages.version(p) for p in ("scikit-image", "OpenImageIO", "numpy")}
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores", "versions": found}


def modelFacts(folder: Path) -> dict:
    """Name, version and one hash over all weight files, so that a table says which weights it is of."""
    about = json.loads((folder / "derrumbe.json").read_text()) if (folder / "derrumbe.json").exists() else {}
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return {"name": about.get("name", folder.name), "version": about.get("version", ""), "weights": digest.hexdigest(),
            "training": {k: v for k, v in about.get("training", {}).items() if k in ("hours", "minutes", "steps", "samples")}}


def plain(value):
    """For JSON, which has no NaN."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def writeJson(path: Path, facts: dict) -> None:
    """Indented, with lists of numbers on one line."""
    text = json.dumps(plain(facts), indent=1, allow_nan=False)
    path.write_text(re.sub(r"\[[^\[\]{}\"]*\]", lambda m: " ".join(m[0].split()), text) + "\n")
