"""Trains the transformer and the text encoder together by flow matching on cached latents. Resumes where it stopped.

python train_transformer.py --run RUN --latents FOLDER [...] --tokenizer RUN/spiece.model --minutes 60

Batches hold latents of one shape (a bucket). The condition is VACE's: inactive and reactive latents and the 64-channel
mask; the reactive latents hold the plate inside the matte, or grey in a share of the samples.

On a GPU --clips FOLDER takes the place of --latents: samples are drawn anew from the clips all the time (live_latents.py).

With --start FOLDER (a model folder, models/derrumbe-mini) a run without a checkpoint goes on from the folder's weights and
latent statistics; the latents must come from the folder's VAE (its encoder).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from committed import committedStatistics, committedTransformer, trainedBefore
from common import Clock, Ema, Log, cpuHasBf16, loadCheckpoint, repeatedly, saveAtomic, setDevice
from conditioning import latentWeight, packMask
from encode_latents import loadVae
from live_latents import LiveLatents, encoding
from muon import Muon
from transformer import Tokens, flowVelocity, grownDeeper, makeModules
from vae import encodeMean, encoderSleeps, useFastConvolutions, wakeResiduals


class LatentStore:
    """Latent files in memory, by bucket (shape), with new files picked up by a thread."""

    def __init__(self, folders: list[Path], interval: float = 45.0):
        self.folders, self.interval = folders, interval
        self.buckets: dict[tuple, list[dict]] = defaultdict(list)
        self.seen: set[Path] = set()

    def scan(self) -> None:
        for folder in self.folders:
            for path in sorted(folder.glob("*.npz")):
                if path in self.seen:
                    continue
                with np.load(path, allow_pickle=False) as z:
                    item = {k: z[k] for k in ("target", "inactive", "reactive", "mask")}
                    item.update(json.loads(str(z["meta"])))
                self.seen.add(path)
                self.buckets[item["target"].shape].append(item)

    def watch(self) -> None:
        repeatedly(self.scan, self.interval)

    def __len__(self) -> int:
        return sum(map(len, self.buckets.values()))


def latentStatistics(store: LatentStore) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of every latent channel over the targets."""
    total, square, count = 0.0, 0.0, 0
    for items in store.buckets.values():
        for item in items[:200]:
            z = item["target"].astype(np.float64)
            total, square = total + z.sum(axis=(1, 2, 3)), square + (z * z).sum(axis=(1, 2, 3))
            count += z[0].size
    mean = total / count
    return torch.tensor(mean).float(), torch.tensor(np.sqrt(np.maximum(square / count - mean**2, 1e-8))).float()


class Batches:
    """Draws batches: a bucket by its share of all latent frames, a prompt, the fill of the reactive clip, prompt dropout."""

    def __init__(self, store: LatentStore, mean, std, zeroLatents, arguments, seed: int, device="cpu"):
        self.store, self.arguments, self.zero, self.device = store, arguments, zeroLatents, device
        self.mean, self.std = mean[:, None, None, None], std[:, None, None, None]
        self.rng = random.Random(seed)
        self.grey: dict[tuple, torch.Tensor] = {}

    def normalise(self, latent: np.ndarray) -> torch.Tensor:
        """In half precision on the device, as the files are: made once a file, so that a GPU does not wait for it."""
        return ((torch.from_numpy(latent.astype(np.float32)) - self.mean) / self.std).half().to(self.device)

    def draw(self) -> dict:
        rng, arguments = self.rng, self.arguments
        shapes = [s for s, items in list(self.store.buckets.items()) if len(items) >= min(4, arguments.batch)]
        weights = [len(self.store.buckets[s]) * s[1] for s in shapes]  # long clips fill a batch with fewer samples
        shape = rng.choices(shapes, weights)[0]
        tokens = shape[1] * shape[2] * shape[3] // 4
        count = max(1, min(arguments.batch, arguments.batch_tokens // tokens))
        samples = []
        for item in rng.choices(self.store.buckets[shape], k=count):
            grey = rng.random() < arguments.grey_share
            prompt = "" if rng.random() < arguments.prompt_dropout else rng.choice(item["prompts"])
            samples.append(self.sample(item, prompt, grey))
        return {k: [s[k] for s in samples] if k == "prompt" else torch.stack([s[k] for s in samples]).float()
                for k in samples[0]}

    def prepare(self, item: dict) -> None:
        """Replaces a file's arrays by the tensors that batches are gathered from."""
        for key in ("target", "inactive", "reactive"):
            item[key] = self.normalise(item[key])
        self.addMask(item, torch.from_numpy(item.pop("mask").astype(np.float32) / 255))

    def addMask(self, item: dict, mask: torch.Tensor) -> None:
        item["packed"] = packMask(mask).half().to(self.device)
        item["weight"] = latentWeight(mask, self.arguments.outside_weight)[None].half().to(self.device)

    def renew(self, drawn: list[dict]) -> None:
        """Puts new draws (live_latents.py) in the place of the oldest samples."""
        for item in drawn:
            self.addMask(item, item.pop("mask"))
        samples = self.store.buckets[tuple(drawn[0]["target"].shape)]
        samples += drawn
        del samples[: max(0, len(samples) - self.arguments.live_samples)]

    def sample(self, item: dict, prompt: str, grey: bool = False) -> dict:
        if "packed" not in item:
            self.prepare(item)
        reactive = self.greyLatents(item["target"].shape) if grey else item["reactive"]
        return {"target": item["target"], "control": torch.cat([item["inactive"], reactive, item["packed"]]),
                "weight": item["weight"], "prompt": prompt}

    def greyLatents(self, shape) -> torch.Tensor:
        if shape not in self.grey:
            self.grey[shape] = self.normalise(self.zero(shape))
        return self.grey[shape]


HELD_SIGMAS = (0.98, 0.85, 0.6, 0.3)


def heldStore(folder: Path, mean, std, arguments, live: LiveLatents | None) -> LatentStore:
    """Held-out latents from files, or, where samples are drawn from clips, drawn from those of the folder: the same draws each
    time, with the encoder as it is."""
    store = LatentStore([folder])
    if live is None:
        store.scan()
    else:
        clips = LiveLatents([folder], live.vae, mean, std, live.device, seed=0)
        clips.scan()
        drawn = [{k: v.cpu() if torch.is_tensor(v) else v for k, v in item.items()} for item in clips.each()]
        store.buckets[tuple(drawn[0]["target"].shape)] = drawn
    batches = Batches(store, mean, std, None, arguments, 0)
    for items in store.buckets.values():
        for item in items:
            batches.prepare(item) if live is None else batches.addMask(item, item.pop("mask"))
    return store


class HeldOut:
    """Fixed samples of held-out clips: the same noise every time, so that two values can be compared."""

    def __init__(self, store: LatentStore, mean, std, arguments):
        plain = argparse.Namespace(**{**vars(arguments), "batch": 8, "grey_share": 0.0, "prompt_dropout": 0.0})
        draws = Batches(store, mean, std, None, plain, 0)
        self.offset = (mean / std)[None, :, None, None, None]
        self.samples = [draws.sample(item, item["prompts"][0])
                        for items in store.buckets.values() for item in items if item["weight"].max() > 0.99]

    def plate(self, control, channels: int) -> torch.Tensor:
        """The plate's latents, nearly: the encoder began as a linear one, of which those of its two parts add up."""
        inactive, reactive = control[:, :channels], control[:, channels:2 * channels]
        return inactive + reactive + self.offset

    @torch.no_grad()
    def errors(self, velocity, channelWeight) -> dict[str, float]:
        """Mean squared error of the clean latent inside the matte, for each of HELD_SIGMAS, as a share of what keeping
        the plate would give: 1 is "nothing falls"."""
        made = {sigma: 0.0 for sigma in HELD_SIGMAS}
        kept = 0.0
        for number, sample in enumerate(self.samples):
            target, control, weight = (sample[k][None].float() for k in ("target", "control", "weight"))
            channels = target.shape[1]
            inside = (weight > 0.99).float()
            noise = torch.randn(target.shape, generator=torch.Generator().manual_seed(number))
            kept += float(((self.plate(control, channels) - target) ** 2 * channelWeight * inside).sum())
            for sigma in HELD_SIGMAS:
                v = velocity((1 - sigma) * target + sigma * noise, torch.tensor([sigma]), control, [sample["prompt"]])
                made[sigma] += float(((sigma * (v - (noise - target))) ** 2 * channelWeight * inside).sum())
        return {f"held_{sigma}": value / kept for sigma, value in made.items()}


def channelWeights(std: torch.Tensor) -> torch.Tensor:
    """Loss weight of each normalised channel, mean 1: what it carries of the picture. The spread of latents from
    linear_start.py is the root of the amplitude in the picture, so this is the amplitude: between squared error of the
    latents, which leaves blotches of brightness, and that of the picture, which is nearly brightness alone."""
    weight = std.clamp_min(1e-3) ** 2
    return (weight / weight.mean())[None, :, None, None, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--latents", type=Path, nargs="+", default=[])
    source.add_argument("--clips", type=Path, nargs="+", help="draw from clips while training; needs --start")
    parser.add_argument("--live-samples", type=int, default=4096, help="with --clips: draws that batches are made of")
    parser.add_argument("--renew", type=int, default=8, help="with --clips: a batch of new draws at most every so many steps")
    parser.add_argument("--vae", type=Path, required=True, help="the VAE checkpoint, or model folder, that made the latents")
    parser.add_argument("--start", type=Path, help="a model folder to go on from where the run has no checkpoint")
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60, help="trained time over all runs")
    parser.add_argument("--more", type=float, help="instead of --minutes: so many on top, with a schedule of their own")
    parser.add_argument("--follow-vae", type=Path, help="with --clips: the checkpoint of the VAE that is trained meanwhile")
    parser.add_argument("--grow-layers", type=int, help="with --start: go on with so many layers, a multiple of those there")
    parser.add_argument("--compile", action="store_true", help="compile the blocks (GPU)")
    parser.add_argument("--text-rows", type=int, default=1, help="pad prompts to at least so many rows: fewer shapes to compile")
    parser.add_argument("--least-files", type=int, default=24, help="wait for so many latents, or clips, before the first step")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--vace-layers", type=int, nargs="+", help="default: every second layer")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batch-tokens", type=int, default=4096, help="at most this many tokens a step")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--other-rate", type=float, help="of what Muon does not train (default: --rate)")
    parser.add_argument("--edge-rate", type=float, help="of the layers that copy the noise in and out (default: --other-rate)")
    parser.add_argument("--held", type=Path, help="latents (with --clips: clips) that are held out, measured on every --held-steps")
    parser.add_argument("--held-steps", type=int, default=200)
    parser.add_argument("--optimiser", choices=["muon", "adamw"], default="muon")
    parser.add_argument("--grey-share", type=float, default=0.3)
    parser.add_argument("--prompt-dropout", type=float, default=0.1)
    parser.add_argument("--outside-weight", type=float, default=0.15)
    parser.add_argument("--early-share", type=float, default=0.3,
                        help="share of the samples at the first steps of sampling (sigma above 0.94), where layout is decided")
    parser.add_argument("--shift", type=float, default=3.0)
    parser.add_argument("--decay", type=float, default=0.4, help="share of the time, the last, in which the rates fall to 0.05")
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-seconds", type=float, default=180)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    device = setDevice(arguments.device, arguments.threads)
    torch.manual_seed(arguments.seed)
    log = Log(arguments.run / "log.jsonl")
    checkpointPath = arguments.run / "transformer.pt"
    checkpoint = loadCheckpoint(checkpointPath)
    if arguments.clips and not checkpoint and not arguments.start:
        parser.error("--clips needs --start: the latents' statistics come from its model folder")
    store = LatentStore(arguments.latents)
    store.scan()
    while not arguments.clips and len(store) < arguments.least_files:
        time.sleep(5)
        store.scan()
    committed = arguments.start if not checkpoint else None
    if checkpoint:
        mean, std = checkpoint["latents_mean"], checkpoint["latents_std"]
    elif committed:
        mean, std = committedStatistics(committed)
    else:
        mean, std = latentStatistics(store)

    useFastConvolutions()
    vae = loadVae(arguments.vae, device)

    @torch.no_grad()
    def zeroLatents(shape) -> np.ndarray:
        """Of a grey (all zero) reactive clip: the same for every sample of a bucket."""
        video = torch.zeros(1, 3, 4 * shape[1] - 3, 8 * shape[2], 8 * shape[3], device=vae.device)
        with encoding:
            return encodeMean(vae, video)[0].cpu().numpy()

    tokens = Tokens(arguments.tokenizer)
    channels = len(mean)
    form = checkpoint["form"] if checkpoint else {
        "latentChannels": channels, "layers": arguments.layers, "vaceLayers": arguments.vace_layers}
    if committed:
        form, transformerWeights, textWeights = committedTransformer(committed)
        if arguments.grow_layers:
            form, transformerWeights = grownDeeper(form, transformerWeights, arguments.grow_layers)
    modules = makeModules(form, len(tokens), device)
    transformer, text = modules["transformer"], modules["text"]
    if committed:
        transformer.load_state_dict(transformerWeights)
        text.load_state_dict(textWeights)
    if arguments.compile:
        for block in [*transformer.blocks, *transformer.vace_blocks]:
            block.compile()
    matrices = [p for n, p in transformer.named_parameters() if p.ndim == 2 and "blocks" in n and "proj_in" not in n]
    chosen = set(map(id, matrices))
    edges = [*transformer.patch_embedding.parameters(), *transformer.proj_out.parameters(), transformer.scale_shift_table]
    chosen |= set(map(id, edges))
    others = [p for m in modules.values() for p in m.parameters() if id(p) not in chosen]
    otherRate = arguments.other_rate or arguments.rate
    groups = [{"params": others, "lr": otherRate}, {"params": edges, "lr": arguments.edge_rate or otherRate}]
    if arguments.optimiser == "muon":
        half = device.type == "cuda" or cpuHasBf16()
        optimisers = [Muon(matrices, lr=arguments.rate, dtype=torch.bfloat16 if half else torch.float32),
                      torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0)]
    else:
        optimisers = [torch.optim.AdamW([{"params": matrices, "lr": arguments.rate}, *groups], betas=(0.9, 0.98), weight_decay=0.0)]
    rates = [[group["lr"] for group in o.param_groups] for o in optimisers]
    ema = Ema(modules, arguments.ema)
    step, before, samples = 0, 0.0, 0
    if checkpoint:
        for name, module in modules.items():
            module.load_state_dict(checkpoint[name])
        for optimiser, state in zip(optimisers, checkpoint["optimisers"]):
            optimiser.load_state_dict(state)
        ema.load(checkpoint["ema"])
        step, before, samples = checkpoint["step"], checkpoint["seconds"], checkpoint["samples"]
    elif committed:
        trained = trainedBefore(committed)
        step, samples = trained["steps"]["transformer"], trained["samples"]
        before = 60 * trained["minutes"].get("transformer", 0)
    firstStep = step
    begin, length = (before, 60 * arguments.more) if arguments.more is not None else (0.0, 60 * arguments.minutes)
    batches = Batches(store, mean, std, zeroLatents, arguments, arguments.seed + step, device)
    channelWeight = channelWeights(std).to(device)
    generator = torch.Generator().manual_seed(arguments.seed + step)
    noiseGenerator = torch.Generator(device).manual_seed(arguments.seed + step)
    if arguments.clips:
        wakeResiduals(not encoderSleeps(vae))
        live = LiveLatents(arguments.clips, vae, mean, std, device, arguments.seed + step, arguments.follow_vae)
        live.watch(arguments.least_files)
        while len(store) < min(arguments.live_samples, 8 * arguments.batch):
            batches.renew(live.draw(arguments.batch))
        live.drawAhead(arguments.batch)
    else:
        live = None
        store.watch()
    log(event="start", step=step, seconds=before, files=len(live or store),
        buckets={str(k): len(v) for k, v in store.buckets.items()},
        parameters={n: sum(p.numel() for p in m.parameters()) for n, m in modules.items()})
    def velocity(noisy, sigma, control, prompts) -> torch.Tensor:
        return flowVelocity(modules, noisy, sigma, control, tokens(prompts, arguments.text_rows))

    def heldOut() -> HeldOut:
        return HeldOut(heldStore(arguments.held, mean, std, arguments, live), mean, std, arguments)

    held = heldOut() if arguments.held else None

    def heldErrors() -> dict[str, float]:
        """With the averaged weights, as they are exported, and the encoder as it is."""
        current = heldOut() if arguments.follow_vae else held
        trained = {n: {k: v.clone() for k, v in m.state_dict().items()} for n, m in modules.items()}
        for name, module in modules.items():
            module.load_state_dict(ema.of(name))
        with torch.compiler.set_stance("force_eager"):  # one sample at a time: not a shape to compile for
            result = current.errors(lambda *a: velocity(*(x.to(device) if torch.is_tensor(x) else x for x in a)).cpu(), channelWeight.cpu())
        for name, module in modules.items():
            module.load_state_dict(trained[name])
        return result

    clock = Clock(before, device.type)
    lastSave = time.monotonic()
    losses: list[torch.Tensor] = []

    def save() -> None:
        saveAtomic({**{n: m.state_dict() for n, m in modules.items()}, "optimisers": [o.state_dict() for o in optimisers],
                    "ema": ema.state(), "step": step, "seconds": clock.seconds(), "samples": samples,
                    "latents_mean": mean, "latents_std": std, "form": form}, checkpointPath)

    while (share := (clock.seconds() - begin) / length) < 1:
        if live and step % arguments.renew == 0 and (drawn := live.taken()):
            batches.renew(drawn)
        scale = min(1.0, (step - firstStep + 1) / 60) * max(0.05, min(1.0, (1 - share) / arguments.decay))
        for optimiser, groupRates in zip(optimisers, rates):
            for group, rate in zip(optimiser.param_groups, groupRates):
                group["lr"] = rate * scale
        batch = batches.draw()
        target, control, weight = (batch[k].to(device) for k in ("target", "control", "weight"))
        count = len(target)
        sigma = torch.sigmoid(torch.randn(count, generator=generator))
        sigma = arguments.shift * sigma / (1 + (arguments.shift - 1) * sigma)
        early = torch.rand(count, generator=generator) < arguments.early_share
        start = 1 - 0.06 * torch.rand(count, generator=generator)
        sigma = torch.where(early, start, sigma).to(device)
        noise = torch.randn(target.shape, generator=noiseGenerator, device=device)
        s = sigma[:, None, None, None, None]
        noisy = (1 - s) * target + s * noise
        made = velocity(noisy, sigma, control, batch["prompt"])
        square = (made - (noise - target)) ** 2 * channelWeight
        loss = (square * weight).sum() / (weight.sum() * square.shape[1])
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for m in modules.values() for p in m.parameters()], 1.0)
        for optimiser in optimisers:
            optimiser.step()
        step, samples = step + 1, samples + count
        ema.update(modules)
        # The error of the clean latent, sigma * error of v, is what shows progress: the raw loss is mostly noise level.
        clean = ((square * s**2 * weight).sum() / (weight.sum() * square.shape[1])).detach()
        losses.append(torch.stack([loss.detach(), clean]))  # read every 25 steps: a GPU must not wait for it
        if step % 25 == 0:
            a, b = torch.stack(losses).mean(0).tolist()
            log(step=step, seconds=clock.seconds(), samples=samples, loss=a, clean=b, rate=arguments.rate * scale,
                files=len(live or store))
            losses.clear()
        if held and (step % arguments.held_steps == 0 or step == firstStep + 1):
            log(step=step, seconds=clock.seconds(), **heldErrors())
        if time.monotonic() - lastSave > arguments.save_seconds:
            save()
            lastSave = time.monotonic()
    save()
    log(event="end", step=step, seconds=clock.seconds(), samples=samples)


if __name__ == "__main__":
    main()
