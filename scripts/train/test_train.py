"""Checks of the training code against diffusers itself: python -m unittest test_train (in this folder)."""

import argparse
import importlib.util
import json
import random
import shutil
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import WanVACEPipeline
from diffusers.models.autoencoders import autoencoder_kl_wan as wan
from diffusers.models.transformers.transformer_wan import WanAttnProcessor

import vae as vaeModule
from carry_clips import packClip, unpackClip
from conditioning import MATTE_FORMS, eventShare, latentWeight, packMask, shapeMatte
from data import Clip, readClip, toModel
from encode_latents import drawVariant
from kind_classifier import (KindClassifier, SmallClip, describe, drawBatch, drawSample, frechetDistance, halvesDistance,
                             wholeClip)
from linear_start import constantChannels, startLinear
from live_latents import LiveCrops, LiveLatents, framed, framing
from narrow_latents import narrowed
from sharpen_decoder import Answers, Balance, Critic, cropped, paired
from train_transformer import Batches, LatentStore
from train_vae import linearLayersLearn
from transformer import (CONSTANT_PATTERN, TEXT_ROWS, FoldedTextProcessor, foldedRows, foldTextPadding, grownDeeper,
                         keepStreamExact, makeTextEncoder, makeTransformer)


class VaeForms(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)
        self.vae = vaeModule.makeVae(8, base_dim=16, decoder_base_dim=16, num_res_blocks=1)
        for parameter in self.vae.parameters():
            parameter.data.add_(0.05 * torch.randn_like(parameter))
        self.vae.quant_conv.weight.data[8:] = 0
        self.video = torch.rand(1, 3, 13, 32, 48) * 2 - 1

    @torch.no_grad()
    def testChunkedAndFastFormsEqualDiffusers(self):
        plainForward = wan.WanCausalConv3d.forward
        latent = self.vae.encode(self.video).latent_dist.mode()
        video = self.vae.decode(latent).sample
        try:
            vaeModule.useFastConvolutions()
            fast = vaeModule.encodeMean(self.vae, self.video)
            back = vaeModule.decodeLatent(self.vae, latent)
        finally:
            wan.WanCausalConv3d.forward = plainForward
        self.assertLess(float((latent - fast).abs().max()), 1e-4)
        self.assertLess(float((video - back.clamp(-1, 1)).abs().max()), 1e-4)

    @torch.no_grad()
    def testSleepingBlocksChangeNothingAtTheStart(self):
        vae = vaeModule.makeVae(8, base_dim=16, decoder_base_dim=16, num_res_blocks=1)
        awake = vaeModule.decodeLatent(vae, vaeModule.encodeMean(vae, self.video))
        try:
            vaeModule.wakeResiduals(False)
            asleep = vaeModule.decodeLatent(vae, vaeModule.encodeMean(vae, self.video))
        finally:
            vaeModule.wakeResiduals(True)
        self.assertEqual(float((awake - asleep).abs().max()), 0.0)


class NarrowLatents(unittest.TestCase):
    @torch.no_grad()
    def testNarrowVaeIsTheWideOneWithoutTheOtherChannels(self):
        torch.manual_seed(0)
        form = {"latentChannels": 8, "base_dim": 16, "decoder_base_dim": 16, "num_res_blocks": 1}
        wide = vaeModule.makeVae(**form)
        for name, parameter in wide.named_parameters():
            parameter.data.add_(0.05 * torch.randn_like(parameter))
        wide.post_quant_conv.bias.zero_()  # else the border differs: there the convolution reads zeros, not the bias
        channels = np.array([0, 2, 5])
        narrow = narrowed(wide, channels, form)
        video = torch.rand(1, 3, 9, 32, 32) * 2 - 1
        latent = vaeModule.encodeMean(wide, video)
        self.assertLess(float((vaeModule.encodeMean(narrow, video) - latent[:, channels]).abs().max()), 1e-5)
        others = torch.ones(8, dtype=torch.bool)
        others[channels] = False
        latent[:, others] = 0
        difference = vaeModule.decodeLatent(narrow, latent[:, channels]) - vaeModule.decodeLatent(wide, latent)
        self.assertLess(float(difference.abs().max()), 1e-4)


class LinearEncoder(unittest.TestCase):
    def testLearnsAndStaysLinear(self):
        torch.manual_seed(0)
        vae = vaeModule.makeVae(32, base_dim=36, decoder_base_dim=36, num_res_blocks=1)
        rng = np.random.default_rng(0)
        clips = [rng.integers(0, 255, (9, 64, 64, 3)).astype(np.uint8) for _ in range(4)]
        startLinear(vae, clips)
        (constant,) = constantChannels(vae).tolist()
        before = {k: v.clone() for k, v in vae.encoder.state_dict().items()}
        linearLayersLearn(vae)
        learning = [p for p in vae.encoder.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(learning, lr=1e-3, weight_decay=0.0)
        for clip in clips[:2]:
            video = torch.from_numpy(toModel(clip))[None]
            optimiser.zero_grad()
            vaeModule.encodeMean(vae, video).square().mean().backward()
            optimiser.step()
        after = vae.encoder.state_dict()
        self.assertTrue(vaeModule.encoderSleeps(vae))
        self.assertTrue(torch.equal(after["conv_out.weight"][:, constant], before["conv_out.weight"][:, constant]))
        changed = {k.split(".")[0] for k in after if not torch.equal(after[k], before[k])}
        self.assertEqual(changed, {"conv_in", "down_blocks", "conv_out"})


class Transformer(unittest.TestCase):
    @torch.no_grad()
    def testDeeperOneAnswersTheSame(self):
        torch.manual_seed(0)
        form = {"latentChannels": 8, "layers": 3, "heads": 2, "headSize": 32, "ffn": 64, "textWidth": 32, "vaceLayers": [0, 2]}
        model = makeTransformer(**form).eval()
        for parameter in model.parameters():
            parameter.data.add_(0.1 * torch.randn_like(parameter))
        grownForm, weights = grownDeeper(form, model.state_dict(), 6)
        grown = makeTransformer(**grownForm).eval()
        grown.load_state_dict(weights)
        self.assertEqual((grownForm["layers"], grownForm["vaceLayers"]), (6, [0, 4]))
        inputs = torch.randn(1, 8, 3, 4, 6), torch.tensor([700.0]), torch.randn(1, 5, 32)
        control = torch.randn(1, 80, 3, 4, 6)
        made, same = (m(*inputs, control_hidden_states=control, return_dict=False)[0] for m in (model, grown))
        self.assertLess(float((made - same).abs().max()), 1e-5 * float(made.abs().max()))
        with self.assertRaises(ValueError):
            grownDeeper(form, model.state_dict(), 4)

    @torch.no_grad()
    def testHeadsBeginWithTheirNeighbours(self):
        torch.manual_seed(0)
        model = makeTransformer(8, layers=3, ffn=64, textWidth=32).eval()
        rotary = model.rope(torch.zeros(1, 8, 3, 10, 10))
        pattern = torch.tensor([CONSTANT_PATTERN, -CONSTANT_PATTERN]).repeat(128)
        stream = torch.nn.functional.layer_norm(0.5 * torch.randn(1, 75, 256) + pattern, (256,))
        for block, step in zip(model.blocks, (1, 5, 25)):  # width, height, time of 3 x 5 x 5 tokens
            attention = block.attn1
            for head, offset in ((0, step), (1, -step)):
                rows = slice(64 * head, 64 * head + 64)
                attention.to_v.weight.zero_()
                attention.to_v.bias.zero_()
                attention.to_out[0].weight.zero_()
                attention.to_v.weight[rows, :64] = torch.eye(64)
                attention.to_out[0].weight[:64, rows] = torch.eye(64)
                seen = attention(stream, None, None, rotary)[0, 37, :64]  # the token in the middle
                seen, alone = seen - stream[0, :, :64].mean(0), stream[0, :, :64] - stream[0, :, :64].mean(0)
                likeness = torch.nn.functional.cosine_similarity(seen[None], alone)
                self.assertEqual(int(likeness.argmax()), 37 + offset)

    @torch.no_grad()
    def testFoldedPaddingEqualsAllRows(self):
        torch.manual_seed(0)
        model = makeTransformer(8, layers=2, heads=2, headSize=32, ffn=64, textWidth=32).eval()
        for parameter in model.parameters():
            parameter.data.add_(0.1 * torch.randn_like(parameter))
        rows = torch.randn(2, 7, 32)
        rows[1, 4:] = 0
        full = torch.cat([rows, torch.zeros(2, TEXT_ROWS - 7, 32)], 1)
        x, control, t = torch.randn(2, 8, 3, 4, 6), torch.randn(2, 80, 3, 4, 6), torch.tensor([900.0, 100.0])
        plain = model(x, t, full, control_hidden_states=control, return_dict=False)[0]
        foldTextPadding(model)
        folded = model(x, t, foldedRows(rows), control_hidden_states=control, return_dict=False)[0]
        self.assertLess(float((plain - folded).abs().max()), 2e-5 * float(plain.abs().max()))
        FoldedTextProcessor.bias = torch.zeros_like(FoldedTextProcessor.bias)
        wrong = model(x, t, torch.cat([rows, torch.zeros(2, 1, 32)], 1), control_hidden_states=control,
                      return_dict=False)[0]
        self.assertGreater(float((plain - wrong).abs().max()), 1e-3 * float(plain.abs().max()))
        self.assertIsInstance(WanAttnProcessor(), WanAttnProcessor)

    @torch.no_grad()
    def testStartsFromThePlate(self):
        torch.manual_seed(0)
        model = makeTransformer(32).eval()
        plate, noise = torch.randn(1, 32, 3, 8, 8), torch.randn(1, 32, 3, 8, 8)
        control = torch.cat([plate, torch.zeros_like(plate), torch.zeros(1, 64, 3, 8, 8)], 1)
        made = model(noise, torch.tensor([999.0]), torch.zeros(1, TEXT_ROWS, 256), control_hidden_states=control,
                     return_dict=False)[0]
        cosine = torch.nn.functional.cosine_similarity(made.flatten(), (noise - plate).flatten(), dim=0)
        self.assertGreater(float(cosine), 0.8)


class HalfPrecision(unittest.TestCase):
    @torch.no_grad()
    def testExactStreamLosesLessToBfloat16(self):
        torch.manual_seed(0)
        model = makeTransformer(8, layers=2, vaceLayers=[0])
        latent, control = torch.randn(1, 8, 3, 8, 8), torch.randn(1, 80, 3, 8, 8)

        def answer(half: bool) -> torch.Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                return model(latent, torch.tensor([600.0]), torch.zeros(1, TEXT_ROWS, 256), control_hidden_states=control,
                             return_dict=False)[0].float()

        true, rounded = answer(False), answer(True)
        keepStreamExact(model)
        self.assertTrue(torch.equal(answer(False), true))
        self.assertLess(float((answer(True) - true).norm()), 0.5 * float((rounded - true).norm()))


class Conditioning(unittest.TestCase):
    def testMaskChannelsEqualThePipeline(self):
        class Stub:
            vae_scale_factor_temporal, vae_scale_factor_spatial = 4, 8
            transformer = type("T", (), {"config": type("C", (), {"patch_size": (1, 2, 2)})})

        for frames in (1, 5, 25, 49):
            mask = torch.rand(frames, 32, 48)
            theirs = WanVACEPipeline.prepare_masks(Stub(), mask[None, None], [[]])[0]
            self.assertTrue(torch.equal(packMask(mask), theirs))

    def testMatteFormsHoldTheBuilding(self):
        rng = random.Random(0)
        matte = np.zeros((3, 64, 64), np.uint8)
        matte[:, 20:50, 24:40] = 255
        for form in MATTE_FORMS:
            shaped = shapeMatte(torch.from_numpy(matte), form, rng).numpy()
            self.assertGreaterEqual(float(shaped[matte > 127].min()), 0.5, form)
            if form != "frame":
                self.assertLess(float(shaped.mean()), 0.9, form)

    def testEventFadesTowardsTheEdgeOfTheMask(self):
        matte, mask = torch.zeros(3, 64, 64), torch.zeros(3, 64, 64)
        matte[1:, 24:48, 20:40] = 1
        mask[1, 12:60, 8:52] = 1
        mask[2] = 1
        share = eventShare(mask, matte)
        self.assertTrue((share[0] == 0).all())
        self.assertTrue((share[1][matte[1] > 0] == 1).all())
        self.assertTrue((share[1][mask[1] == 0] == 0).all())
        row = share[1, 36, 7:21]
        self.assertTrue((row.diff() > 0).all(), row)
        self.assertTrue((share[2] == 1).all())
        tight = eventShare(matte, matte)
        self.assertTrue(torch.equal(tight, matte))
        # Ash and snow have no matte of their own.
        self.assertTrue(torch.equal(eventShare(mask, torch.zeros_like(mask)), mask))

    def testWeightCoversEveryGeneratedPixel(self):
        mask = torch.zeros(9, 32, 32)
        mask[6, 9, 17] = 1
        weight = latentWeight(mask, 0.1)
        self.assertEqual(tuple(weight.shape), (3, 4, 4))
        self.assertEqual(float(weight[2, 1, 2]), 1.0)
        self.assertAlmostEqual(float(weight.sum()), 1 + 47 * 0.1, places=4)


class Variants(unittest.TestCase):
    def testFlipSwapsThePrompt(self):
        clean = np.zeros((9, 32, 32, 3), np.uint8)
        destroyed = clean.copy()
        destroyed[4:, :, :16] = 200  # the change is on the left
        matte = np.full((9, 32, 32), 255, np.uint8)
        meta = {"kind": "left", "onset": 4, "direction": "left", "prompts": {"en": ["falls to the left"], "es": ["cae a la izquierda"]}}
        clip = Clip("c", clean, destroyed, matte, meta)
        seen = set()
        for seed in range(20):
            variant = drawVariant(clip, 32, 9, random.Random(seed))
            onLeft = toModel(variant["destroyed"])[:, -1, :, :16].mean() > 0
            word = "left" if onLeft else "right"
            self.assertIn(word, variant["prompts"][0])
            self.assertEqual(float(variant["mask"][: variant["onset"]].sum()), 0.0)
            seen.add(word)
        self.assertEqual(seen, {"left", "right"})


class CarriedClips(unittest.TestCase):
    @unittest.skipUnless(shutil.which("ffmpeg") and importlib.util.find_spec("cv2"), "needs ffmpeg and OpenCV")
    def testComeBackAsTheyWereNearly(self):
        frames, size = 5, 48
        ramp = np.linspace(0, 200, size)[None, None, :, None] + np.arange(frames)[:, None, None, None] * 8
        clean = np.broadcast_to(ramp, (frames, size, size, 3)).astype(np.uint8)
        matte = np.zeros((frames, size, size), np.uint8)
        matte[:, 16:32, 16:32] = 255
        meta = {"kind": "down", "onset": 1, "fps": 24, "prompts": {"en": ["it falls"], "es": ["se cae"]}}
        with tempfile.TemporaryDirectory() as folder:
            start, packed, back = (Path(folder) / name for name in ("start", "packed", "back"))
            for place in (start, packed, back):
                place.mkdir()
            np.savez(start / "a.npz", clean=clean, destroyed=255 - clean, matte=matte, meta=json.dumps(meta))
            packClip(start / "a.npz", packed)
            unpackClip(packed / "a.json", back)
            self.assertLess(sum(p.stat().st_size for p in packed.iterdir()), (start / "a.npz").stat().st_size / 5)
            before, after = (readClip(place / "a.npz") for place in (start, back))
        self.assertEqual(after.meta, before.meta)
        for name in ("clean", "destroyed", "matte"):
            was, now = (getattr(clip, name).astype(np.float64) for clip in (before, after))
            self.assertEqual(was.shape, now.shape)
            self.assertLess(np.abs(was - now).mean(), 4, name)


class LiveDraws(unittest.TestCase):
    def testFramingCropsAndFlips(self):
        video = torch.rand(1, 2, 3, 32, 48)
        same, flipped, half = framed(video.repeat(3, 1, 1, 1, 1), [(1, 0, 0, False), (1, 0, 0, True), (0.5, 0.5, -0.5, False)])
        self.assertLess(float((same - video[0]).abs().max()), 1e-5)
        self.assertLess(float((flipped - video[0].flip(-1)).abs().max()), 1e-5)
        quarter = torch.nn.functional.interpolate(video[0, :, :, :16, 24:], size=(32, 48), mode="bilinear")
        inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))  # the crop's neighbours reach in at its border
        self.assertLess(float((half - quarter)[inner].abs().max()), 1e-5)
        for seed in range(50):
            scale, x, y, _ = framing(random.Random(seed))
            self.assertLessEqual(scale + max(abs(x), abs(y)), 1 + 1e-6)

    def testDrawsOfOneClip(self):
        clean = np.full((9, 32, 32, 3), 100, np.uint8)
        destroyed = clean.copy()
        destroyed[4:, :, :16] = 250  # the change is on the left
        meta = {"kind": "left", "onset": 4, "prompts": {"en": ["falls to the left"], "es": []}}
        pooled = lambda _, video: torch.nn.functional.avg_pool3d(video, (1, 8, 8))[:, :, ::4]
        with tempfile.TemporaryDirectory() as folder, mock.patch("live_latents.encodeMean", pooled), \
                mock.patch("live_latents.time.time", lambda: 2e12):
            np.savez(Path(folder) / "clip.npz", clean=clean, destroyed=destroyed, matte=np.full((9, 32, 32), 255, np.uint8),
                     meta=json.dumps(meta))
            live = LiveLatents([Path(folder)], None, torch.zeros(3), torch.ones(3), "cpu", seed=1)
            live.scan()
            drawn = live.draw(24)
        seen = set()
        for item in drawn:
            last, first = item["target"][:, -1].float(), item["target"][:, 0].float()
            change = (last - first).mean((0, 1))
            self.assertIn("left" if change[0] > change[-1] else "right", item["prompts"][0])
            seen.add(item["prompts"][0])
            self.assertEqual(float(item["mask"][:4].sum()), 0.0)
            before = item["inactive"][:, 0] + item["reactive"][:, 0]  # no matte yet: the plate is all inactive
            self.assertLess(float((before - item["target"][:, 0]).abs().max()), 1e-2)
        self.assertEqual(len(seen), 2)


    def testCropsAreOfClipsThatAreNotHeldOut(self):
        meta = {"kind": "down", "onset": 0, "prompts": {"en": ["falls"], "es": []}}
        ramp = np.broadcast_to(np.arange(96, dtype=np.uint8)[:, None, None] + np.arange(96, dtype=np.uint8)[None, :, None], (9, 96, 96, 3))
        with tempfile.TemporaryDirectory() as folder, mock.patch("live_latents.time.time", lambda: 2e12), \
                mock.patch("live_latents.hashName", lambda name: 0 if name == "held" else 1):
            for name, frames in (("held", np.full_like(ramp, 255)), ("clip", ramp)):
                np.savez(Path(folder) / f"{name}.npz", clean=frames, destroyed=frames, matte=frames[..., 0], meta=json.dumps(meta))
            crops = LiveCrops([Path(folder)], [], "cpu", seed=1, heldEvery=20)
            crops.scan()
        self.assertEqual(len(crops), 1)
        made = crops.batch(40, 32, 5)
        self.assertEqual(tuple(made.shape), (40, 3, 5, 32, 32))
        self.assertLessEqual(float(made.abs().max()), 1.0)
        step = (made[..., 1:] - made[..., :-1]).abs().mean((1, 2, 3, 4)) * 127.5  # of neighbours: 1 in a bare crop, of gain 1
        self.assertGreater(int(((step - 1).abs() < 0.01).sum()), 5)
        self.assertGreater(int(((step - 1).abs() > 0.1).sum()), 5)

    def testFollowsTheEncoderAndDrawsAhead(self):
        form = {"base_dim": 16, "decoder_base_dim": 16, "num_res_blocks": 1}
        torch.manual_seed(0)
        old, new = (vaeModule.makeVae(8, **form) for _ in range(2))
        meta = {"kind": "down", "onset": 4, "prompts": {"en": ["falls"], "es": []}}
        frames = np.random.default_rng(0).integers(0, 255, (9, 32, 32, 3)).astype(np.uint8)
        with tempfile.TemporaryDirectory() as folder, mock.patch("live_latents.time.time", lambda: 2e12):
            np.savez(Path(folder) / "clip.npz", clean=frames, destroyed=frames, matte=frames[..., 0], meta=json.dumps(meta))
            checkpoint = Path(folder) / "vae.pt"
            live = LiveLatents([Path(folder)], old, torch.zeros(8), torch.ones(8), "cpu", seed=1, follow=checkpoint)
            live.scan()
            (first,) = live.each()
            torch.save({"ema": {"shadow": {f"vae.{k}": v for k, v in new.state_dict().items()}}}, checkpoint)
            live.drawAhead(1)
            (second,) = live.ahead.get(timeout=60)
            self.assertEqual(set(first), set(second))
            for name, weight in new.state_dict().items():
                self.assertTrue(torch.equal(weight, old.state_dict()[name]), name)
            deadline = time.monotonic() + 60
            while (third := live.taken()) is None and time.monotonic() < deadline:
                time.sleep(0.05)
            self.assertEqual(len(third), 1)
            live.ending.set()


class SharpDecoder(unittest.TestCase):
    def testCropsLieAroundTheMaskAndAtOnePlace(self):
        rows = torch.arange(16.0)[:, None].expand(16, 16)
        latent = torch.stack([rows, rows.T])[:, None].expand(2, 3, 16, 16)
        picture = latent.repeat_interleave(8, -2).repeat_interleave(8, -1).repeat_interleave(3, 1)
        mask = torch.zeros(9, 128, 128)
        mask[5:, 8:24, 96:128] = 1
        rng, found = random.Random(0), 0
        for _ in range(50):
            latents, truth, plate = cropped([{"mask": mask, "truth": picture, "plate": -picture}], latent[None], 5, rng)
            self.assertEqual(tuple(latents.shape), (1, 2, 3, 5, 5))
            self.assertEqual(tuple(truth.shape), (1, 2, 9, 40, 40))
            self.assertTrue(torch.equal(truth[:, :, :3, ::8, ::8], latents) and torch.equal(plate, -truth))
            y, x = latents[0, :, 0, 0, 0].tolist()
            found += y <= 2 and x + 4 >= 12
        self.assertGreater(found, 38)

    def testGradientsAreBalanced(self):
        torch.manual_seed(0)
        balance, held, seen = Balance(), torch.randn(2, 5), 1e3 * torch.randn(2, 5)
        for _ in range(Balance.FIRST):
            critics = balance(held, seen, 0.5) - held
        self.assertAlmostEqual(float(critics.norm() / held.norm()), 0.5, places=4)
        self.assertGreater(float(F.cosine_similarity(critics.flatten(), seen.flatten(), 0)), 0.999)
        # One that has nothing more to say pulls no more.
        self.assertLess(float((balance(held, 1e-6 * seen, 0.5) - held).norm()), 1e-5)

    def testCriticLearnsToTellSoftFromSharp(self):
        torch.manual_seed(0)
        critic = Critic(8)
        optimiser = torch.optim.AdamW(critic.parameters(), lr=3e-3)
        plate = torch.zeros(2, 3, 9, 32, 32)

        def pair():
            sharp = torch.randn(2, 3, 9, 32, 32)
            return sharp, F.avg_pool3d(sharp, (1, 3, 3), 1, (0, 1, 1))

        for _ in range(40):
            sharp, soft = pair()
            optimiser.zero_grad()
            paired(critic(sharp, plate), critic(soft, plate)).backward()
            optimiser.step()
        sharp, soft = pair()
        with torch.no_grad():
            self.assertLess(float(paired(critic(sharp, plate), critic(soft, plate))), 0.35)
            self.assertGreater(float(paired(critic(soft, plate), critic(sharp, plate))), 1.4)

    def testAnswersFollowACheckpoint(self):
        torch.manual_seed(0)
        form = {"latentChannels": 4, "layers": 2, "heads": 2, "headSize": 24, "ffn": 32, "textWidth": 256, "vaceLayers": [0]}
        text = makeTextEncoder(64).state_dict()
        first, second = (makeTransformer(**form).state_dict() for _ in range(2))
        drawn = [{"target": torch.randn(4, 2, 4, 4), "inactive": torch.randn(4, 2, 4, 4), "reactive": torch.zeros(4, 2, 4, 4),
                  "mask": torch.ones(5, 32, 32), "prompts": ["falls"]}]
        with tempfile.TemporaryDirectory() as folder, mock.patch("sharpen_decoder.committedTransformer", lambda _: (form, first, text)), \
                mock.patch("sharpen_decoder.Tokens", FewTokens):
            answers = Answers(Path(folder), Path(folder) / "run.pt", torch.device("cpu"))

            def answer(sigma: float):
                torch.manual_seed(1)
                return answers.of(drawn, torch.tensor([sigma]), random.Random(0))[0]

            before = answer(0.6)
            self.assertLess(float((answer(0.0) - drawn[0]["target"]).abs().max()), 1e-6)
            near, far = (float((before - drawn[0][k]).square().mean()) for k in ("inactive", "target"))
            self.assertLess(near, 0.5 * far)  # fresh weights answer that the plate stays
            answers.renew()
            self.assertTrue(torch.equal(answer(0.6), before))
            shadow = {f"{n}.{k}": v for n, m in (("transformer", second), ("text", text)) for k, v in m.items()}
            torch.save({"form": form, "ema": {"shadow": shadow}}, Path(folder) / "run.pt")
            answers.renew()
            self.assertFalse(torch.equal(answer(0.6), before))


class FewTokens:
    """A tokenizer's stand-in: every prompt is the same three rows."""

    def __init__(self, _):
        pass

    def __len__(self) -> int:
        return 64

    def __call__(self, prompts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor([[5, 6, 1]] * len(prompts)), torch.ones(len(prompts), 3, dtype=torch.long)


class LiveSamples(unittest.TestCase):
    def testNewDrawsTakeTheOldestOnesPlace(self):
        arguments = argparse.Namespace(outside_weight=0.5, live_samples=6)
        store = LatentStore([])
        batches = Batches(store, torch.zeros(4), torch.ones(4), None, arguments, seed=1)
        for first in (0, 4, 8):
            batches.renew([{"target": torch.full((4, 3, 2, 2), float(n)), "mask": torch.ones(9, 16, 16), "prompts": []}
                           for n in range(first, first + 4)])
        (samples,) = store.buckets.values()
        self.assertEqual([float(s["target"].mean()) for s in samples], [6, 7, 8, 9, 10, 11])
        self.assertEqual(tuple(samples[0]["packed"].shape), (64, 3, 2, 2))


class Kinds(unittest.TestCase):
    def clip(self, kind: str, seed: int) -> SmallClip:
        """A grey plate; its left or right half turns bright, or nothing does."""
        plate = np.random.default_rng(seed).integers(90, 110, (29, 64, 64, 3)).astype(np.uint8)
        truth = plate.copy()
        if kind != "nothing":
            truth[3:, :, slice(0, 32) if kind == "left" else slice(32, 64)] = 220
        return SmallClip(plate, truth, truth, kind, 3)

    def testFlipSwapsTheKind(self):
        seen, soft = set(), 0
        for seed in range(60):
            video, kind = drawSample(self.clip("left", 0), random.Random(seed))
            change = video[-1, 3:].mean(dim=(0, 1))
            side = "nothing" if float(change.abs().max()) < 0.3 else "left" if change[:20].mean() > change[-20:].mean() else "right"
            self.assertEqual(kind, side)
            seen.add(kind)
            soft += kind == "nothing" and float(change.abs().max()) > 0
        self.assertLessEqual({"left", "right"}, seen)
        self.assertGreater(soft, 0)  # a plate that has only lost its sharpness is nothing, too

    def testLearnsWhatCanBeToldApart(self):
        torch.manual_seed(0)
        kinds, rng = ["left", "right", "nothing"], random.Random(0)
        clips = [self.clip(kind, i) for i, kind in enumerate(kinds)]
        model = KindClassifier(3, width=8, features=16)
        optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
        for _ in range(30):
            videos, names = drawBatch(clips, kinds, 6, rng)
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(model(videos), names).backward()
            optimiser.step()
        unseen = [self.clip(kind, 100 + i) for i, kind in enumerate(kinds)]
        features, named = describe(model.eval(), [wholeClip(c.plate, c.truth) for c in unseen])
        self.assertEqual(list(named), [0, 1, 2])
        self.assertEqual(features.shape, (3, 16))

    def testFrechetDistanceOfGaussians(self):
        rng = np.random.default_rng(0)
        a = rng.normal(0.0, 1.0, (40000, 3))
        self.assertEqual(frechetDistance(a, a), 0.0)
        self.assertAlmostEqual(frechetDistance(a, a + [1.0, -2.0, 0.0]), 5.0, places=6)
        b = rng.normal([2.0, 0.0, 0.0], [1.0, 3.0, 1.0], (40000, 3))  # 2 squared for the mean, 3 - 1 squared for the spread
        self.assertAlmostEqual(frechetDistance(a, b), 8.0, delta=0.2)
        self.assertAlmostEqual(halvesDistance(a[:400] + [3.0, 0.0, 0.0], a[:400]), 9.0, delta=0.5)


if __name__ == "__main__":
    unittest.main()
