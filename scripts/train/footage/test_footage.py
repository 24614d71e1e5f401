"""Run with `python -m unittest footage.test_footage` from scripts/train."""

import json
import re
import tempfile
import unittest

import numpy as np

from . import encoding
from .__main__ import main, sizeOf
from .clip import makeClip
from .destruction import KINDS
from .prompts import EN, ES, SETTLED, makePrompts, mirror_meta, mirror_prompt


def small(seed, kind, **options):
    return makeClip(seed, kind, 48, 48, 10, samples=1, **options)


class Encoding(unittest.TestCase):
    def test_round_trip(self):
        x = np.geomspace(1e-4, 64, 500)
        np.testing.assert_allclose(encoding.decode(encoding.encode(x)), x, rtol=2e-3)

    def test_known_values(self):
        self.assertEqual(float(encoding.encode(-1.0)), 0.0)
        self.assertAlmostEqual(float(encoding.encode(64.0)), 1.0, places=5)
        self.assertAlmostEqual(float(encoding.encode(0.18)), 0.4613561, places=4)
        self.assertAlmostEqual(encoding.SLOPE, 0.0740, places=3)

    def test_slope_is_continuous_at_the_knee(self):
        k, h = encoding.KNEE, 1e-3
        below = float(encoding.encode(k)) - float(encoding.encode(k - h))
        above = float(encoding.encode(k + h)) - float(encoding.encode(k))
        self.assertAlmostEqual(above / below, 1, delta=0.02)


class Clips(unittest.TestCase):
    def test_same_seed_same_clip(self):
        first, second = small(11, "left"), small(11, "left")
        for key in ("clean", "destroyed", "matte"):
            np.testing.assert_array_equal(first[key], second[key])
        self.assertEqual(first["meta"], second["meta"])
        self.assertTrue((first["clean"] != small(12, "left")["clean"]).any())

    def test_equal_before_onset_and_different_after(self):
        for kind in KINDS:
            clip = small(21, kind)
            onset = clip["meta"]["onset"]
            np.testing.assert_array_equal(clip["clean"][:onset], clip["destroyed"][:onset], kind)
            change = np.abs(clip["clean"][-1].astype(int) - clip["destroyed"][-1]).mean()
            self.assertEqual(change > 0, kind != "nothing", kind)
            self.assertTrue(3 <= onset < 10)

    def test_toppling_moves_the_mass_the_way_it_says(self):
        for seed in (31, 32):
            centres = {}
            for kind in ("left", "right"):
                clip = makeClip(seed, kind, 64, 64, 18, samples=1)
                change = np.abs(clip["clean"][-1].astype(int) - clip["destroyed"][-1]).sum((0, 2))
                centres[kind] = (change * np.arange(64)).sum() / change.sum()
            self.assertLess(centres["left"], centres["right"])

    def test_held_out_camera_stays_out_of_training(self):
        from .clip import drawMeta

        moves = {
            split: {
                drawMeta(np.random.default_rng(s), s, split, "any", 25, 128, 128)["camera"]
                for s in range(200)
            }
            for split in ("train", "held_out")
        }
        self.assertNotIn("crane", moves["train"])
        self.assertIn("crane", moves["held_out"])

    def test_files_are_resumed_and_complete(self):
        with tempfile.TemporaryDirectory() as folder:
            arguments = [
                "--out",
                folder,
                "--seed",
                "5",
                "--count",
                "1",
                "--size",
                "64x48",
                "--frames",
                "9",
                "--workers",
                "1",
            ]
            main(arguments)
            path = folder + "/train/fast_5.npz"
            with np.load(path) as clip:
                meta = json.loads(str(clip["meta"]))
                self.assertEqual(clip["clean"].shape, (9, 48, 64, 3))
                self.assertEqual(clip["matte"].shape, (9, 48, 64))
            self.assertEqual(meta["seed"], 5)
            with open(path, "wb") as file:
                file.write(b"kept")
            main(arguments)
            with open(path, "rb") as file:
                self.assertEqual(file.read(), b"kept")

    def test_sizes_are_multiples_of_16(self):
        self.assertEqual(sizeOf("160x96", 0), (160, 96))
        with self.assertRaises(SystemExit):
            sizeOf("100", 0)


class Prompts(unittest.TestCase):
    def meta(self, kind, direction="none", dust=0.4):
        return {
            "kind": kind,
            "direction": direction,
            "dust": dust,
            "fire": kind == "fire",
            "time_of_day": "dusk",
            "speed": "slow",
            "camera": "pan",
            "building": {"style": "academic", "floors": 8},
        }

    def test_every_kind_has_words_in_both_languages(self):
        for kind in KINDS:
            for words in (EN, ES):
                self.assertGreaterEqual(len(words["scene" if kind in SETTLED else "do"][kind]), 4)

    def test_directions_are_said_and_only_where_they_belong(self):
        rng = np.random.default_rng(1)
        sided = {"left": "left|izquierda", "right": "right|derecha"}
        for kind in KINDS:
            for direction in (
                ("left", "right") if kind == "shear" else (kind,) if kind in sided else ("none",)
            ):
                prompts = makePrompts(self.meta(kind, direction), rng)
                for text in prompts["en"] + prompts["es"]:
                    self.assertNotIn("{", text)
                    for side, pattern in sided.items():
                        self.assertEqual(
                            bool(re.search(rf"\b({pattern})\b", text)), direction == side, text
                        )

    def test_mirror_swaps_sides_and_undoes_itself(self):
        self.assertEqual(
            mirror_prompt("Left side falls to the right, cae a la izquierda"),
            "Right side falls to the left, cae a la derecha",
        )
        meta = dict(
            self.meta("left", "left"),
            prompts={"en": ["topples to the left"], "es": ["cae hacia la izquierda"]},
        )
        flipped = mirror_meta(meta)
        self.assertEqual((flipped["kind"], flipped["direction"]), ("right", "right"))
        self.assertEqual(flipped["prompts"]["es"], ["cae hacia la derecha"])
        self.assertEqual(mirror_meta(flipped), meta)


if __name__ == "__main__":
    unittest.main()
