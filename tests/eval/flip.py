"""`derrumbe compare` beside flip-evaluator: the same pictures, the same mean FLIP to 1e-4.

Display-referred pictures (8-bit PNG, sRGB) go through the whole command; LDR-FLIP is what it computes.
"""

import argparse
import json
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path

import flip_evaluator
import numpy as np

LIMIT = 1e-4


def write_png(path: Path, codes: np.ndarray) -> None:
    """[height][width][3] of uint8, as PNG (ISO/IEC 15948) without a further library."""
    height, width, _ = codes.shape

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + row.tobytes() for row in codes)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def pair(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two pictures, as uint8: blocks, and the same with noise, moved, dimmed, or something else altogether."""
    height, width = (int(n) for n in random.integers(1, 160, 2))

    def blocks() -> np.ndarray:
        size = int(random.integers(1, 16))
        cells = random.random((height // size + 1, width // size + 1, 3))
        return np.kron(cells, np.ones((size, size, 1)))[:height, :width]

    a = blocks()
    b = [lambda: a + random.normal(0, random.choice([0.005, 0.03, 0.2]), a.shape),
         lambda: np.roll(a, int(random.integers(1, 4)), axis=1),
         lambda: a * random.uniform(0.8, 1.1),
         blocks][int(random.integers(4))]()
    return tuple((np.clip(picture, 0, 1) * 255).round().astype(np.uint8) for picture in (a, b))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--pairs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    random = np.random.default_rng(options.seed)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("a.png", "b.png")]
        for index in range(options.pairs):
            pictures = pair(random)
            ppd = flip_evaluator.evaluate(*[p.astype(np.float32) / 255 for p in pictures], "LDR", applyMagma=False)[2]["ppd"] \
                if index % 3 else float(random.uniform(20, 120))
            for file, picture in zip(files, pictures):
                write_png(file, picture)
            theirs = flip_evaluator.evaluate(*[p.astype(np.float32) / 255 for p in pictures], "LDR", applyMagma=False,
                                             parameters={"ppd": ppd})[1]
            answer = subprocess.run([options.program, "compare", *files, "--json", "--pixels-per-degree", repr(ppd)],
                                    capture_output=True, text=True, check=False)
            frame = json.loads(answer.stdout)[0]
            ours = frame["flip"]
            assert not frame["error"] and not frame["mismatch"], frame
            worst = max(worst, abs(ours - theirs))
            assert abs(ours - theirs) < LIMIT, f"pair {index} ({pictures[0].shape}, {ppd} pixels a degree): {ours}, theirs {theirs}"
    print(f"{options.pairs} pairs, largest difference {worst:.2e}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
