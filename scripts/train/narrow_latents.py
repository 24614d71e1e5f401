"""Narrows a VAE to its latent channels of the largest spread, and a folder of cached latents with it.

python narrow_latents.py --vae ../../models/derrumbe-mini --latents FOLDER --keep 16 --out RUN/vae.pt --latents-out FOLDER

A small transformer copies noise and plate through its width; half the channels leave it twice the room for what falls. The
encoder loses rows, so its remaining channels are as they were; the decoder loses the columns that read the others (their
mean is zero) and is trained on from there (train_vae.py --decoder-only).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from committed import committedVae, trainedBefore
from common import loadCheckpoint, saveAtomic
from encode_latents import loadVae
from vae import makeVae

LATENT_ARRAYS = ("target", "inactive", "reactive")


def largestSpread(latents: Path, keep: int) -> np.ndarray:
    """The `keep` channels of the largest standard deviation over the targets in the folder, in their old order."""
    files = sorted(latents.glob("*.npz"))[:300]
    values = []
    for path in files:
        with np.load(path, allow_pickle=False) as z:
            target = z["target"].astype(np.float32)
        values.append(target.reshape(len(target), -1)[:, ::7])
    return np.sort(np.argsort(-np.concatenate(values, 1).std(axis=1))[:keep])


@torch.no_grad()
def narrowed(vae, channels: np.ndarray, form: dict):
    """A VAE of the same weights that has only these latent channels; its quant_conv and post_quant_conv are the identity."""
    keep = torch.from_numpy(channels)
    made = makeVae(**{**form, "latentChannels": len(keep)})
    weights = {k: v for k, v in vae.state_dict().items()}
    mix, shift = weights["quant_conv.weight"][keep][:, :, 0, 0, 0], weights["quant_conv.bias"][keep]
    last = weights["encoder.conv_out.weight"]
    weights["encoder.conv_out.weight"] = torch.cat([torch.einsum("kj,jithw->kithw", mix, last), torch.zeros_like(last[:len(keep)])])
    weights["encoder.conv_out.bias"] = torch.cat([mix @ weights["encoder.conv_out.bias"] + shift, torch.zeros(len(keep))])
    weights["quant_conv.weight"] = torch.eye(2 * len(keep))[:, :, None, None, None]
    weights["quant_conv.weight"][len(keep):] = 0
    weights["quant_conv.bias"] = made.state_dict()["quant_conv.bias"]  # the variance half's
    weights["quant_conv.bias"][:len(keep)] = 0
    mix, shift = weights["post_quant_conv.weight"][:, :, 0, 0, 0], weights["post_quant_conv.bias"]
    first = weights["decoder.conv_in.weight"]
    weights["decoder.conv_in.bias"] = weights["decoder.conv_in.bias"] + torch.einsum("oithw,i->o", first, shift)
    weights["decoder.conv_in.weight"] = torch.einsum("oithw,ik->okthw", first, mix[:, keep])
    weights["post_quant_conv.weight"] = torch.eye(len(keep))[:, :, None, None, None]
    weights["post_quant_conv.bias"] = torch.zeros(len(keep))
    made.load_state_dict(weights)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vae", type=Path, required=True, help="a VAE checkpoint, or a model folder")
    parser.add_argument("--latents", type=Path, required=True, help="latents of this VAE")
    parser.add_argument("--keep", type=int, default=16)
    parser.add_argument("--out", type=Path, required=True, help="the checkpoint to write")
    parser.add_argument("--latents-out", type=Path, help="the same latents, narrowed")
    arguments = parser.parse_args()
    vae = loadVae(arguments.vae, "cpu")
    if arguments.vae.is_dir():
        form, trained = committedVae(arguments.vae)[0], trainedBefore(arguments.vae)
        step, seconds = trained["steps"]["vae"], 60 * trained["minutes"].get("vae", 0)
    else:
        checkpoint = loadCheckpoint(arguments.vae)
        form, step, seconds = checkpoint["form"], checkpoint["step"], checkpoint["seconds"]
    channels = largestSpread(arguments.latents, arguments.keep)
    print("channels kept:", *channels)
    made = narrowed(vae, channels, form)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    state = made.state_dict()
    saveAtomic({"vae": state, "ema": {"shadow": {f"vae.{k}": v for k, v in state.items()}, "steps": 0}, "step": step,
                "seconds": seconds, "form": {**form, "latentChannels": len(channels)}}, arguments.out)
    if arguments.latents_out:
        arguments.latents_out.mkdir(parents=True, exist_ok=True)
        for path in sorted(arguments.latents.glob("*.npz")):
            with np.load(path, allow_pickle=False) as z:
                arrays = {k: z[k][channels] if k in LATENT_ARRAYS else z[k] for k in z.files}
            np.savez(arguments.latents_out / path.name, **arrays)


if __name__ == "__main__":
    main()
