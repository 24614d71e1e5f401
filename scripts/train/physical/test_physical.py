"""Run with `python -m unittest physical.test_physical` from scripts/train. What needs Blender is skipped where there is none."""

import json
import os
import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np

from data import readClip
from footage.clip import FALL_FRAMES
from footage.physics import GRAVITY
from footage.prompts import makePrompts

from . import __main__ as command
from .blender import findBlender, run
from .finish import settle
from .plan import KINDS, TIMES, drawClip
from .scene import writeScene


class Plans(unittest.TestCase):
    def test_same_seed_same_plan(self):
        first, second, other = (drawClip(seed, "left", 48, 48, 25) for seed in (3, 3, 4))
        self.assertEqual(first.meta, second.meta)
        for key in ("rest", "mass", "start", "impulse", "joints", "strength"):
            np.testing.assert_array_equal(getattr(first, key), getattr(second, key))
        self.assertNotEqual(first.meta["building"], other.meta["building"])

    def test_bodies_are_the_pieces(self):
        clip = drawClip(5, "down", 48, 48, 25)
        self.assertEqual(len(clip.body), clip.scene.owned)
        np.testing.assert_array_equal(np.unique(clip.body), np.arange(len(clip.rest)))
        np.testing.assert_array_equal(clip.body[clip.main], np.arange(len(clip.rest)))
        self.assertLess(len(clip.rest), clip.scene.owned)
        self.assertTrue((clip.joints[:, 0] != clip.joints[:, 1]).all())
        self.assertLess(clip.joints.max(), len(clip.rest))
        self.assertTrue((clip.mass > 0).all())

    def test_a_fall_from_the_roof_takes_the_frames_that_the_prompt_says(self):
        seen = set()
        for seed in range(20):
            clip = drawClip(seed, "down", 48, 48, 25)
            height, speed = max(clip.meta["building"]["height"], 9), clip.meta["speed"]
            fall = np.sqrt(2 * height / GRAVITY) / clip.secondsPerFrame
            self.assertAlmostEqual(fall, FALL_FRAMES[speed], delta=0.05)
            seen.add(speed)
        self.assertEqual(seen, set(FALL_FRAMES))

    def test_prompt_says_what_happens(self):
        words = {"left": "left|izquierda", "right": "right|derecha"}
        for kind in KINDS:
            meta = drawClip(7, kind, 48, 48, 25).meta
            self.assertEqual((meta["kind"], meta["tier"]), (kind, "physical"))
            self.assertIn(meta["time_of_day"], TIMES)
            self.assertEqual(meta["fire"], kind == "explosion")
            prompts = makePrompts(meta, np.random.default_rng(1))
            for text in prompts["en"] + prompts["es"]:
                for side, pattern in words.items():
                    said = bool(re.search(rf"\b({pattern})\b", text))
                    self.assertEqual(said, meta["direction"] == side, text)

    def test_what_falls_sideways_is_pushed_there(self):
        for kind, axis, sign in (("left", 0, -1), ("right", 0, 1), ("forward", 1, -1)):
            self.assertGreater(drawClip(9, kind, 48, 48, 25).plan.lean[axis] * sign, 1)
        self.assertEqual(drawClip(9, "down", 48, 48, 25).plan.lean, (0.0, 0.0))

    def test_nothing_holds_near_a_charge(self):
        clip = drawClip(11, "explosion", 48, 48, 25)
        near = np.linalg.norm(clip.anchor - clip.plan.blast[0], axis=1)
        self.assertTrue((clip.strength[near < 0.2 * clip.meta["building"]["height"]] == 0).all())

    def test_scene_is_plain_arrays(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "scene.npz")
            writeScene(drawClip(13, "pancake", 48, 32, 25), path)
            with np.load(path, allow_pickle=False) as scene:
                self.assertEqual(scene["position"].shape, (25, 3))
                self.assertEqual(list(scene["size"]), [48, 32])
                self.assertTrue((scene["standing"][:, 0] <= scene["standing"][:, 1]).all())


class Finish(unittest.TestCase):
    def test_what_hardly_differs_is_the_plates(self):
        rng = np.random.default_rng(1)
        clean = rng.uniform(0.1, 0.6, (64, 64, 3))
        destroyed = clean * (1 + rng.normal(0, 0.005, clean.shape))
        destroyed[:, 40:] = 0.05
        settled = settle(clean, destroyed)
        np.testing.assert_array_equal(settled[:, :20], clean[:, :20])
        np.testing.assert_allclose(settled[:, 44:], destroyed[:, 44:], atol=1e-9)


class Command(unittest.TestCase):
    def test_missing_blender_is_said(self):
        with mock.patch.object(command, "findBlender", return_value=None):
            with mock.patch("sys.stderr") as said, self.assertRaises(SystemExit):
                command.main(["--out", "/nowhere"])
        self.assertIn("no Blender found", "".join(str(c) for c in said.mock_calls))

    def test_unknown_program_is_not_found(self):
        self.assertIsNone(findBlender("/no/such/blender"))


@unittest.skipUnless(findBlender(), "no Blender here: nothing was simulated or rendered")
class Blender(unittest.TestCase):
    def make(self, folder, seed, kind, frames=24):
        command.main(
            ["--out", folder, "--seed", str(seed), "--kind", kind, "--frames", str(frames), "--size", "48", "--samples", "2"]
        )
        return readClip(Path(folder, "train", f"physical_{seed}.npz"))

    def test_clip_has_the_fast_generators_form_and_is_resumed(self):
        with tempfile.TemporaryDirectory() as folder:
            clip = self.make(folder, 31, "down")
            self.assertEqual(clip.clean.shape, (24, 48, 48, 3))
            self.assertEqual(clip.matte.shape, (24, 48, 48))
            self.assertEqual(clip.clean.dtype, np.uint8)
            onset = clip.onset
            np.testing.assert_array_equal(clip.clean[:onset], clip.destroyed[:onset])
            inside = clip.matte[-1] > 200
            self.assertGreater(inside.mean(), 0.08)
            change = np.abs(clip.clean[-1].astype(int) - clip.destroyed[-1]).max(-1)
            self.assertGreater(change[inside].mean(), 2 * max(5, change[clip.matte[-1] == 0].mean()))
            self.assertEqual(os.listdir(os.path.join(folder, "train")), ["physical_31.npz"])
            path = os.path.join(folder, "train", "physical_31.npz")
            before = os.path.getmtime(path)
            self.make(folder, 31, "down")
            self.assertEqual(os.path.getmtime(path), before)

    def test_frames_of_other_options_are_not_taken(self):
        with tempfile.TemporaryDirectory() as folder:
            raw = Path(folder, "train", "physical_33.raw")
            raw.mkdir(parents=True)
            for name in ("scene.npz", "clean_000.exr", "dust_005.vdb"):
                (raw / name).write_bytes(b"old")
            clip = self.make(folder, 33, "nothing", 9)
            self.assertEqual(clip.clean.shape, (9, 48, 48, 3))

    def test_the_roof_comes_down_at_the_prompts_pace(self):
        clip = drawClip(25, "down", 48, 48, 49)
        with tempfile.TemporaryDirectory() as folder:
            scene, motion = os.path.join(folder, "scene.npz"), os.path.join(folder, "motion.npz")
            writeScene(clip, scene)
            run(findBlender(), "simulate.py", scene, motion, threads=1)
            with np.load(motion) as moved:
                up = moved["x"][..., 2] / clip.meta["building"]["height"]
        self.assertTrue(np.isfinite(up).all())
        roof = np.median(up[:, (clip.rest[:, 2] > 0.75 * clip.meta["building"]["height"]) & (clip.mass > 0.1)], 1)
        fall = FALL_FRAMES[clip.meta["speed"]]
        self.assertGreater(roof[fall // 4], 0.85)
        self.assertGreater(roof[fall // 2], 0.5)
        self.assertLess(roof[fall], 0.45)
        self.assertLess(roof[-1], 0.35)
        self.assertGreater(up.min(), -0.1)  # nothing sinks into the street

    def test_where_nothing_happens_nothing_changes(self):
        with tempfile.TemporaryDirectory() as folder:
            clip = self.make(folder, 33, "nothing", 9)
            np.testing.assert_array_equal(clip.clean, clip.destroyed)
            self.assertEqual(json.loads(json.dumps(clip.meta))["direction"], "none")


if __name__ == "__main__":
    unittest.main()
