"""Trains the VAE's decoder to make firm pictures of what the transformer answers, with a critic. Resumes where it stopped.

python sharpen_decoder.py --run RUN --model ../../models/derrumbe-mini --clips FOLDER [...] --minutes 30

A squared error answers what it cannot know with a mean: rubble becomes fog. So a critic tells made crops from true ones, beside
the plate's, and the decoder learns to leave it no difference; the gradient of reconstruction begins as large as the critic's.
Half of the latents are the clip's own, the others the transformer's answer at the noise where its sampler ends: what a render
decodes, softer than any latents that an encoder gives. The encoder stays, so latents and transformer stay valid.

The critic's loss is that of pairs in "The GAN is dead; long live the GAN!", Huang et al. 2024 (arXiv 2501.05441), section 2.1; its
slope is held down at true and made crops by differences under small noise, as in "Diffusion Adversarial Post-Training", Lin et al.
2025 (arXiv 2501.08316), section 3.3. The two gradients are balanced as in "Taming Transformers", Esser et al. 2021 (arXiv
2012.09841), equation 7, at the picture instead of the last layer, and once.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from committed import committedStatistics, committedTransformer, trainedBefore, vaeToGoOnFrom
from common import Clock, Ema, Followed, Log, averaged, halfPrecision, loadCheckpoint, saveAtomic, setDevice
from conditioning import packMask
from live_latents import LiveLatents
from train_vae import differences, reconstructionLoss
from transformer import Tokens, flowVelocity, makeModules
from vae import decodeLatent, encoderSleeps, makeVae, useFastConvolutions, wakeResiduals

LAST_SIGMA = 0.6  # where the last of three steps with flow shift 3 begins
SLOPE_NOISE = 0.05  # of the pictures in [-1,1], at which the critic's slope is measured


class Critic(nn.Module):
    """Scores of patches of about 20 and 50 pixels of a video [B,3,F,H,W] in [-1,1], beside the plate's of the same form."""

    def __init__(self, width: int = 32):
        super().__init__()
        def layer(a: int, b: int, stride: tuple[int, int, int]) -> nn.Sequential:
            return nn.Sequential(nn.Conv3d(a, b, (3, 4, 4), stride, 1), nn.LeakyReLU(0.2))

        self.near = nn.Sequential(layer(6, width, (1, 2, 2)), layer(width, 2 * width, (1, 2, 2)))
        self.far = layer(2 * width, 4 * width, (2, 2, 2))
        self.nearScore = nn.Conv3d(2 * width, 1, 3, padding=1)
        self.farScore = nn.Sequential(nn.Conv3d(4 * width, 4 * width, 3, padding=1), nn.LeakyReLU(0.2),
                                      nn.Conv3d(4 * width, 1, 3, padding=1))

    def forward(self, video: torch.Tensor, plate: torch.Tensor) -> list[torch.Tensor]:
        near = self.near(torch.cat([video, plate], 1))
        return [self.nearScore(near), self.farScore(self.far(near))]


def paired(winner: list[torch.Tensor], loser: list[torch.Tensor]) -> torch.Tensor:
    """How little the winner's scores stand above the loser's, of the same places."""
    return torch.stack([F.softplus(b - a).mean() for a, b in zip(winner, loser)]).mean()


def apart(a: list[torch.Tensor], b: list[torch.Tensor]) -> torch.Tensor:
    """Mean squared difference of scores."""
    return torch.stack([(x - y).square().mean() for x, y in zip(a, b)]).mean()


class Balance:
    """Weighs the critic's gradient for a picture against that of its reconstruction: `share` of its size over the first steps.

    The weight then stays. Weighed anew at each step, a critic that cannot tell any more, and answers with next to
    nothing, would go on pulling as hard as before, anywhere: on the first run it had fallen silent after a third of the steps.
    """

    FIRST = 20

    def __init__(self):
        self.held, self.seen, self.steps = 0.0, 0.0, 0

    def __call__(self, held: torch.Tensor, seen: torch.Tensor, share: float) -> torch.Tensor:
        if self.steps < self.FIRST:
            self.held, self.seen, self.steps = self.held + float(held.norm()), self.seen + float(seen.norm()), self.steps + 1
        return held + share * self.held / max(self.seen, 1e-12) * seen


class Answers:
    """The transformer's one-step answers; its weights are the folder's, or those of a run's checkpoint as it changes."""

    def __init__(self, folder: Path, follow: Path | None, device: torch.device):
        self.device, self.follow = device, Followed(follow)
        self.tokens = Tokens(folder / "tokenizer" / "spiece.model")
        self.take(*committedTransformer(folder))

    def take(self, form: dict, transformer: dict[str, torch.Tensor], text: dict[str, torch.Tensor]) -> None:
        """Answers with these weights from now on."""
        self.modules = makeModules(form, len(self.tokens), self.device)
        for name, weights in (("transformer", transformer), ("text", text)):
            self.modules[name].load_state_dict(weights)
            self.modules[name].eval().requires_grad_(False)

    def renew(self) -> None:
        """Takes over the followed checkpoint's averages, if it is newer than those that are here."""
        if checkpoint := self.follow.newer():
            self.take(checkpoint["form"], averaged(checkpoint, "transformer"), averaged(checkpoint, "text"))

    @torch.no_grad()
    def of(self, drawn: list[dict], sigma: torch.Tensor, rng: random.Random) -> torch.Tensor:
        """Clean latents [B,z,T,h,w], normalised, as answered from the draws' with noise `sigma` [B]."""
        target = torch.stack([d["target"] for d in drawn]).float()
        control = torch.stack([torch.cat([d["inactive"], d["reactive"], packMask(d["mask"])]) for d in drawn]).float()
        s = sigma[:, None, None, None, None]
        noisy = (1 - s) * target + s * torch.randn_like(target)
        return noisy - s * flowVelocity(self.modules, noisy, sigma, control, self.tokens([rng.choice(d["prompts"]) for d in drawn]))


def window(mask: torch.Tensor, side: int, rng: random.Random) -> tuple[slice, slice]:
    """Rows and columns, in latents, of a crop with `side` latents: mostly around a place of the mask [F,H,W]."""
    height, width = (n // 8 for n in mask.shape[1:])
    y, x = rng.randint(0, height - 1), rng.randint(0, width - 1)
    places = (mask[-1] > 0.5).nonzero()
    if len(places) and rng.random() < 0.85:
        y, x = (int(n) // 8 for n in places[rng.randrange(len(places))])
    y, x = (min(max(0, n - side // 2), size - side) for n, size in ((y, height), (x, width)))
    return slice(y, y + side), slice(x, x + side)


def cropped(drawn: list[dict], latents: torch.Tensor, side: int, rng: random.Random) -> tuple[torch.Tensor, ...]:
    """Crops of latents [B,z,T,side,side] and of the draws' truth and plate [B,3,F,8 side,8 side]."""
    parts = []
    for item, latent in zip(drawn, latents):
        rows, columns = window(item["mask"], side, rng)
        pixels = (slice(8 * rows.start, 8 * rows.stop), slice(8 * columns.start, 8 * columns.stop))
        parts.append((latent[..., rows, columns], item["truth"][(..., *pixels)], item["plate"][(..., *pixels)]))
    return tuple(torch.stack(p) for p in zip(*parts))


@torch.no_grad()
def figures(made: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Squared error, and how large the made picture's differences between neighbours are over the truth's."""
    sharp = [torch.stack([d.abs().mean() for d in differences(x)[:2]]).mean() for x in (made, truth)]
    return torch.stack([F.mse_loss(made, truth), sharp[0] / sharp[1].clamp_min(1e-6)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="the model folder to go on from")
    parser.add_argument("--clips", type=Path, nargs="+", required=True)
    parser.add_argument("--follow", type=Path, help="the checkpoint of a transformer that is trained meanwhile")
    parser.add_argument("--minutes", type=float, default=30, help="trained time of this run")
    parser.add_argument("--least-files", type=int, default=24)
    parser.add_argument("--batch", type=int, default=12, help="crops a step")
    parser.add_argument("--side", type=int, default=10, help="of a crop, in latents")
    parser.add_argument("--answers", type=float, default=0.5, help="share of the steps that decode the transformer's answers")
    parser.add_argument("--share", type=float, default=0.4, help="size of the critic's gradient, over reconstruction's")
    parser.add_argument("--answers-share", type=float, default=1.0, help="the same where answers are decoded")
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--critic-rate", type=float, default=4e-4)
    parser.add_argument("--critic-first", type=int, default=100, help="steps in which the critic alone learns")
    parser.add_argument("--slope-weight", type=float, default=50.0)
    parser.add_argument("--ema", type=float, default=0.995)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--save-seconds", type=float, default=150)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    device = setDevice(arguments.device, arguments.threads)
    torch.manual_seed(arguments.seed)
    useFastConvolutions()
    log = Log(arguments.run / "log.jsonl")
    path = arguments.run / "vae.pt"
    checkpoint = loadCheckpoint(path)
    form, weights, step, before = vaeToGoOnFrom(arguments.model, checkpoint)
    vae, critic = makeVae(**form), Critic().to(device)
    vae.load_state_dict(weights)
    vae.to(device).encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    asleep = encoderSleeps(vae)
    decoding = [*vae.post_quant_conv.parameters(), *vae.decoder.parameters()]
    optimisers = {"decoder": torch.optim.AdamW(decoding, lr=arguments.rate, betas=(0.5, 0.99), weight_decay=0.0),
                  "critic": torch.optim.AdamW(critic.parameters(), lr=arguments.critic_rate, betas=(0.5, 0.99), weight_decay=0.01)}
    ema, balance = Ema({"vae": vae}, arguments.ema), Balance()
    trained = trainedBefore(arguments.model)
    first, begin = trained["steps"]["vae"], 60 * trained["minutes"].get("vae", 0)
    if checkpoint:
        critic.load_state_dict(checkpoint["critic"])
        for name, optimiser in optimisers.items():
            optimiser.load_state_dict(checkpoint["optimisers"][name])
        ema.load(checkpoint["ema"])
        vars(balance).update(checkpoint["balance"])
    mean, std = committedStatistics(arguments.model)
    raw = [x.to(device)[:, None, None, None] for x in (mean, std)]
    rng = random.Random(arguments.seed + step)
    answers = Answers(arguments.model, arguments.follow, device)
    wakeResiduals(not asleep)
    live = LiveLatents(arguments.clips, vae, mean, std, device, arguments.seed + step, pictures=True)
    live.watch(arguments.least_files)
    log(event="start", step=step, seconds=before, clips=len(live), critic=sum(p.numel() for p in critic.parameters()))
    clock = Clock(before, device.type)
    lastSave = time.monotonic()
    sums: dict[str, list[torch.Tensor]] = {"own": [], "answered": [], "critic": []}

    def save() -> None:
        saveAtomic({"vae": vae.state_dict(), "critic": critic.state_dict(), "ema": ema.state(), "step": step, "form": form,
                    "optimisers": {n: o.state_dict() for n, o in optimisers.items()}, "seconds": clock.seconds(),
                    "balance": vars(balance)}, path)

    while (share := (clock.seconds() - begin) / (60 * arguments.minutes)) < 1:
        learning = step - first >= arguments.critic_first
        scale = min(1.0, (step - first - arguments.critic_first + 1) / 50) * max(0.05, min(1.0, 2 * (1 - share)))
        optimisers["decoder"].param_groups[0]["lr"] = arguments.rate * scale
        answers.renew()
        wakeResiduals(not asleep)
        drawn = live.draw(arguments.batch)
        kind = "answered" if rng.random() < arguments.answers else "own"
        latents = torch.stack([d["target"] for d in drawn]).float()
        if kind == "answered":
            sigma = [LAST_SIGMA if rng.random() < 0.5 else rng.uniform(0.3, 0.9) for _ in drawn]
            latents = answers.of(drawn, torch.tensor(sigma, device=device), rng)
        latents, truth, plate = cropped(drawn, latents, arguments.side, rng)
        latents = latents * raw[1] + raw[0]
        wakeResiduals(True)
        with halfPrecision(device), torch.set_grad_enabled(learning):
            made = decodeLatent(vae, latents + 0.02 * torch.randn_like(latents)).float()
        shown = made.detach().requires_grad_(learning)

        critic.requires_grad_(True)
        real, fake = critic(truth, plate), critic(shown.detach(), plate)
        moved = [x + SLOPE_NOISE * torch.randn_like(x) for x in (truth, shown.detach())]
        slope = apart(real, critic(moved[0], plate)) + apart(fake, critic(moved[1], plate))
        criticLoss = paired(real, fake)
        optimisers["critic"].zero_grad(set_to_none=True)
        (criticLoss + arguments.slope_weight * slope).backward()
        optimisers["critic"].step()
        if learning:
            critic.requires_grad_(False)
            with torch.no_grad():
                real = critic(truth, plate)
            seen, = torch.autograd.grad(paired(critic(shown, plate), real), shown)
            held, = torch.autograd.grad(reconstructionLoss(shown, truth), shown)
            optimisers["decoder"].zero_grad(set_to_none=True)
            made.backward(balance(held, seen, arguments.answers_share if kind == "answered" else arguments.share))
            torch.nn.utils.clip_grad_norm_(decoding, 1.0)
            optimisers["decoder"].step()
            ema.update({"vae": vae})
        step += 1
        sums[kind].append(figures(shown.detach(), truth))
        sums["critic"].append(torch.stack([criticLoss.detach(), slope.detach()]))
        if step % 25 == 0:
            values = {n: torch.stack(v).mean(0).tolist() for n, v in sums.items() if v}
            named = {f"{name}_{n}": x for n, v in values.items()
                     for name, x in zip(("loss", "slope") if n == "critic" else ("square", "sharp"), v)}
            log(step=step, seconds=clock.seconds(), **named, clips=len(live))
            sums = {n: [] for n in sums}
        if time.monotonic() - lastSave > arguments.save_seconds:
            save()
            lastSave = time.monotonic()
    save()
    log(event="end", step=step, seconds=clock.seconds())


if __name__ == "__main__":
    main()
