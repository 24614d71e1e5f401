"""Renders whose tensors are dumped, and how far two clips of theirs are apart."""

from __future__ import annotations

import array
import json
import math
import subprocess
from collections.abc import Sequence
from pathlib import Path


def tensor(file: Path, name: str) -> tuple[list[int], array.array[float]]:
    """Shape and values of a float32 tensor."""
    data = file.read_bytes()
    size = int.from_bytes(data[:8], "little")
    about = json.loads(data[8:8 + size])[name]
    first, end = about["data_offsets"]
    values = array.array("f")
    values.frombytes(data[8 + size + first:8 + size + end])
    return about["shape"], values


def difference(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
    """PSNR in dB for a peak of 1, and the greatest difference, in [0, 1], of codes in [-1, 1]."""
    largest = squares = 0.0
    for x, y in zip(a, b):
        d = abs(x - y) / 2
        squares += d * d
        largest = max(largest, d)
    return (math.inf if squares == 0 else -10 * math.log10(squares / len(a))), largest


def rendered(program: str, shot: str, folder: Path, settings: dict[str, object], kind: str) -> tuple[dict[str, float], str, Path]:
    """Seconds of each stage, the message of the log's event of that kind, and the dumped tensors."""
    log, dump = folder / "log.json", folder / "dump.safetensors"
    # The model's picture is what counts: of all frames, though one alone is delivered.
    every = {**settings, "detail": "off", "output.path": folder / "f.####.exr", "provenance.path": log}
    options = [word for key, value in every.items() for word in ("--set", f"{key}={value}")]
    subprocess.run([program, "render", shot, "--frames", "1001", "--overwrite", "--progress", "none", "--dump-tensors", dump, *options], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    predicate = json.loads(log.read_text())["predicate"]
    said = [event["message"] for event in predicate["derrumbe_events"] if event["kind"] == kind]
    return predicate["derrumbe_cost"]["stageSeconds"], said[0] if said else "", dump
