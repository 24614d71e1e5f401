"""Trains the VAE: small image crops first, then images and short clips mixed. Resumes where it stopped.

python train_vae.py --run RUN --clips FOLDER [FOLDER ...] --minutes 60
python train_vae.py --run RUN --clips FOLDER --start ../../models/derrumbe-mini --decoder-only --minutes 200

With --start the weights of a model folder go on being trained. --decoder-only leaves the encoder as it is, so that cached
latents and the transformer stay valid. --encoder-share 0.4 trains the encoder along for the first 0.4 of the time and then keeps it:
latents change, and a transformer has to be trained on with them.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F

from committed import vaeToGoOnFrom
from common import Clock, Ema, Log, halfPrecision, loadCheckpoint, saveAtomic, setDevice
from data import ClipStore, VaeSampler, loadPhotographs, panPhotograph, toModel
from linear_start import constantChannels, startLinear
from live_latents import LiveCrops
from vae import decodeLatent, encodeMean, encoderSleeps, makeVae, psnr, useFastConvolutions, wakeResiduals


def differences(x: torch.Tensor) -> list[torch.Tensor]:
    """First differences of a video [B,C,F,H,W] along width, height and (where there is any) time."""
    out = [x[..., 1:] - x[..., :-1], x[..., 1:, :] - x[..., :-1, :]]
    if x.shape[2] > 1:
        out.append(x[:, :, 1:] - x[:, :, :-1])
    return out


def colourLoss(made: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """L1 of red - blue and of green - (red + blue) / 2, as they are and at a quarter of the size. Colour differences are
    small numbers that carry much of the look: without a weight of their own the latents leave them out."""
    def chroma(x):
        red, green, blue = x.unbind(1)
        return torch.stack([red - blue, green - 0.5 * (red + blue)], 1)

    a, b = chroma(made), chroma(truth)
    return 0.5 * (a - b).abs().mean() + 2.0 * (F.avg_pool3d(a, (1, 4, 4)) - F.avg_pool3d(b, (1, 4, 4))).abs().mean()


def reconstructionLoss(made: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """L1, squared error (what PSNR counts), first differences (sharp edges) and L1 at a quarter of the size (tones)."""
    made = made.float()
    loss = (made - truth).abs().mean() + 2.0 * F.mse_loss(made, truth)
    loss = loss + 0.5 * sum((a - b).abs().mean() for a, b in zip(differences(made), differences(truth)))
    return loss + colourLoss(made, truth) + 0.25 * (F.avg_pool3d(made, (1, 4, 4)) - F.avg_pool3d(truth, (1, 4, 4))).abs().mean()


def linearLayersLearn(vae) -> None:
    """Leaves an encoder that began linear (linear_start.py) a linear one while it learns: it costs a seventh of one with residual
    blocks, and latents of a picture's parts add up. What reads the constant channel stays, since each step of it would move
    all latents at once."""
    vae.encoder.conv_out.weight.register_hook(lambda g, c=constantChannels(vae): g.index_fill(1, c, 0.0))
    for name, parameter in vae.encoder.named_parameters():
        if ".resnets." in name and ".conv_shortcut." not in name or name.startswith(("down_blocks.2.", "mid_block.", "norm_out.")):
            parameter.requires_grad_(False)


def heldOutSets(store: ClipStore, photographs, rng: random.Random) -> dict[str, torch.Tensor]:
    """Fixed test batches: frames and clips of held-out simulations, and clips panned over held-out photographs."""
    clips = [c for c in store.all() if min(c.clean.shape[1:3]) >= 128][:12]
    sets = {}
    frames = [c.destroyed[min(len(c.destroyed) - 1, 4 + 2 * i)][None] for i, c in enumerate(clips)]
    sets["image"] = torch.stack([torch.from_numpy(toModel(f[:, :128, :128])) for f in frames])
    sets["clip"] = torch.stack([torch.from_numpy(toModel(c.destroyed[8:17, :128, :128])) for c in clips[:4]])
    if photographs:
        photo = [panPhotograph(photographs[i % len(photographs)], 9, 128, rng) for i in range(3)]
        sets["photo"] = torch.stack([torch.from_numpy(toModel(p)) for p in photo])
    return sets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--clips", type=Path, nargs="+", required=True)
    parser.add_argument("--minutes", type=float, default=60, help="trained time over all runs")
    parser.add_argument("--more", type=float, help="instead of --minutes: so many on top, with a schedule of their own")
    parser.add_argument("--image-share", type=float, default=0.1, help="share of the time before clips come in")
    parser.add_argument("--sleep-share", type=float, default=0.2, help="share of the time without residual blocks")
    parser.add_argument("--base", type=int, default=36, help="width of encoder and decoder; --linear-start is made for 36")
    parser.add_argument("--blocks", type=int, default=1, help="residual blocks a level")
    parser.add_argument("--z", type=int, default=32)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--batch", type=int, default=4, help="images a step; clips a step are a quarter of it")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ema", type=float, default=0.998, help="decay of the average, every fourth step")
    parser.add_argument("--save-seconds", type=float, default=150)
    parser.add_argument("--live", action="store_true", help="keep the clips on the device and crop there (GPU); all of one size")
    parser.add_argument("--store", type=int, default=0, help="keep at most this many clips in memory")
    parser.add_argument("--start", type=Path, help="a model folder to go on from where the run has no checkpoint")
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--encoder-share", type=float, default=1.0, help="share of the time, the first, in which the encoder learns")
    parser.add_argument("--encoder-rate", type=float, help="default: --rate")
    parser.add_argument("--linear-start", action="store_true", help="fit the encoder to clips first: see linear_start.py")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    device = setDevice(arguments.device, arguments.threads)
    torch.manual_seed(arguments.seed)
    useFastConvolutions()
    log = Log(arguments.run / "log.jsonl")
    checkpointPath = arguments.run / "vae.pt"
    checkpoint = loadCheckpoint(checkpointPath)
    if checkpoint or arguments.start:
        form, weights, step, before = vaeToGoOnFrom(arguments.start, checkpoint)
    else:
        form, weights, step, before = {"latentChannels": arguments.z, "base_dim": arguments.base, "decoder_base_dim": arguments.base,
                                       "num_res_blocks": arguments.blocks}, None, 0, 0.0
    vae = makeVae(**form).to(device)
    if weights:
        vae.load_state_dict(weights)
    if arguments.linear_start and not weights:
        fitted = ClipStore(arguments.clips, heldEvery=20, limit=300)
        fitted.scan()
        startLinear(vae, [c.destroyed for c in fitted.all()], arguments.seed)
    linear = not arguments.decoder_only and encoderSleeps(vae) and len(constantChannels(vae)) > 0
    encoding = [*vae.encoder.parameters(), *vae.quant_conv.parameters()]
    decoding = [*vae.post_quant_conv.parameters(), *vae.decoder.parameters()]
    if arguments.decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    else:
        for parameter in (vae.quant_conv.weight, vae.quant_conv.bias):  # the variance half stays fixed
            parameter.register_hook(lambda g, z=vae.config.z_dim: torch.cat([g[:z], torch.zeros_like(g[z:])]))
        if linear:
            linearLayersLearn(vae)
    encoding = [p for p in encoding if p.requires_grad]
    groups = [{"params": decoding}] + ([{"params": encoding}] if encoding else [])
    trainable = [p for group in groups for p in group["params"]]
    optimiser = torch.optim.AdamW(groups, lr=arguments.rate, betas=(0.9, 0.99), weight_decay=0.0)
    ema = Ema({"vae": vae}, arguments.ema)
    if checkpoint:
        moments = checkpoint.get("optimiser")  # none from narrow_latents.py; another count: with or without --decoder-only
        if moments and [len(g["params"]) for g in groups] == [len(g["params"]) for g in moments["param_groups"]]:
            optimiser.load_state_dict(moments)
        ema.load(checkpoint["ema"])

    held = ClipStore(arguments.clips[:1], limit=24, held=True, heldEvery=20)
    held.scan()
    tests = heldOutSets(held, loadPhotographs(True), random.Random(7))
    if arguments.live:
        store = LiveCrops(arguments.clips, loadPhotographs(False), device, arguments.seed + step, heldEvery=20)
        store.watch(atLeast=40)
        crops = store.batch
    else:
        store = ClipStore(arguments.clips, heldEvery=20, limit=arguments.store or None)
        store.scan(atLeast=40)
        store.watch()
        sampler = VaeSampler(store, loadPhotographs(False), arguments.seed + step)

        def crops(*shape) -> torch.Tensor:
            return torch.from_numpy(sampler.batch(*shape)).to(device)
    rng = random.Random(arguments.seed + step)
    log(event="start", step=step, seconds=before, clips=len(store), z=vae.config.z_dim,
        parameters=sum(p.numel() for p in vae.parameters()))

    clock = Clock(before, device.type)
    lastSave = time.monotonic()
    sleptUntil: int | None = None
    losses: list[torch.Tensor] = []

    def save() -> None:
        saveAtomic({"vae": vae.state_dict(), "optimiser": optimiser.state_dict(), "ema": ema.state(), "step": step,
                    "seconds": clock.seconds(), "form": form}, checkpointPath)

    def evaluate() -> dict:
        trained = {k: v.clone() for k, v in vae.state_dict().items()}
        vae.load_state_dict(ema.of("vae"))
        result = {}
        with torch.no_grad(), halfPrecision(device):
            for name, batch in tests.items():
                batch = batch.to(device)
                made = decodeLatent(vae, encodeMean(vae, batch)).float().clamp(-1, 1)
                result["psnr_" + name] = psnr(made, batch)
                result["colour_" + name] = float(colourLoss(made, batch))
        vae.load_state_dict(trained)
        return result

    @torch.no_grad()
    def settle() -> None:
        """The encoder stays as it is on average, from now on."""
        averaged = ema.of("vae")
        for name, parameter in vae.named_parameters():
            if name.startswith(("encoder.", "quant_conv.")):
                parameter.copy_(averaged[name])
                parameter.requires_grad_(False)
                parameter.grad = None

    learning = not arguments.decoder_only
    begin, length = (before, 60 * arguments.more) if arguments.more is not None else (0.0, 60 * arguments.minutes)
    while (share := (clock.seconds() - begin) / length) < 1:
        awake = arguments.start is not None or share >= arguments.sleep_share  # a folder's residual blocks are trained
        wakeResiduals(awake)
        if awake and sleptUntil is None:
            sleptUntil = step
        warm = step - (sleptUntil or 0)
        rate = arguments.rate * min(1.0, (warm + 1) / 100) * (1.0 if share < 0.5 else max(0.05, 2 * (1 - share)))
        for group, full in zip(optimiser.param_groups, (arguments.rate, arguments.encoder_rate or arguments.rate)):
            group["lr"] = full * rate / arguments.rate
        if learning and share >= arguments.encoder_share:
            settle()
            learning = False
        clips = (arguments.start is not None or share > arguments.image_share) and rng.random() < 0.6
        if clips:
            frames, size = (9, arguments.size) if rng.random() < 0.7 else (5, arguments.size * 3 // 2)
            count = max(1, arguments.batch // 4)
        else:
            frames, size, count = 1, arguments.size, arguments.batch
        truth = crops(count, size, frames)
        wakeResiduals(awake and not linear)
        with torch.set_grad_enabled(learning):  # in full precision: half would lose what stands beside the constant channel
            mean = encodeMean(vae, truth)
        wakeResiduals(awake)
        with halfPrecision(device):
            # Noise on the latent keeps nearby latents decodable, as a sampled posterior would; its spread is held by
            # the pull on the mean, without which the latents would simply grow.
            latent = mean + torch.randn_like(mean) * 0.02
            made = decodeLatent(vae, latent)
        loss = reconstructionLoss(made, truth) + 2e-4 * mean.float().square().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimiser.step()
        step += 1
        if step % 4 == 0:
            ema.update({"vae": vae})
        losses.append(loss.detach())
        if step % 100 == 0:
            log(step=step, seconds=clock.seconds(), loss=float(torch.stack(losses).mean()), rate=rate, clips=len(store))
            losses.clear()
        if time.monotonic() - lastSave > arguments.save_seconds:
            save()
            log(step=step, seconds=clock.seconds(), latent_std=float(mean.detach().float().std()), **evaluate())
            lastSave = time.monotonic()
    save()
    log(event="end", step=step, seconds=clock.seconds(), **evaluate())


if __name__ == "__main__":
    main()
