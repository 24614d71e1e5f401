"""Training that goes on from a model folder (models/derrumbe-mini): weights, forms and the time trained so far.

A run's own checkpoint holds optimiser and averages too and always wins; the folder is what is left when only the
repository is at hand.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch


def trainedBefore(folder: Path) -> dict:
    """Steps and minutes of each stage, and samples, as export.py wrote them."""
    about = json.loads((folder / "derrumbe.json").read_text())["training"]
    return {"steps": about["steps"], "minutes": about.get("minutes", {}), "samples": about.get("samples", 0)}


def committedVae(folder: Path) -> tuple[dict, dict[str, torch.Tensor]]:
    """Form (arguments of vae.makeVae) and float32 weights of the folder's VAE."""
    from diffusers import AutoencoderKLWan

    vae = AutoencoderKLWan.from_pretrained(folder / "vae", torch_dtype=torch.float32)
    config = vae.config
    form = {"latentChannels": config.z_dim, "base_dim": config.base_dim, "decoder_base_dim": config.decoder_base_dim,
            "num_res_blocks": config.num_res_blocks}
    return form, vae.state_dict()


def vaeToGoOnFrom(folder: Path, checkpoint: dict | None) -> tuple[dict, dict[str, torch.Tensor], int, float]:
    """Form, weights, steps and seconds trained of a run's checkpoint, or, without one, of the folder's VAE."""
    if checkpoint:
        return checkpoint["form"], checkpoint["vae"], checkpoint["step"], checkpoint["seconds"]
    trained = trainedBefore(folder)
    return (*committedVae(folder), trained["steps"]["vae"], 60 * trained["minutes"].get("vae", 0))


def committedStatistics(folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation of the latent channels that the folder's transformer was trained with."""
    config = json.loads((folder / "vae" / "config.json").read_text())
    return torch.tensor(config["latents_mean"]), torch.tensor(config["latents_std"])


def committedTransformer(folder: Path) -> tuple[dict, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Form (arguments of transformer.makeTransformer), float32 weights of the transformer and of the text encoder."""
    from diffusers import WanVACETransformer3DModel
    from transformers import UMT5EncoderModel

    transformer = WanVACETransformer3DModel.from_pretrained(folder / "transformer", torch_dtype=torch.float32)
    text = UMT5EncoderModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    config = transformer.config
    form = {"latentChannels": config.in_channels, "layers": config.num_layers, "heads": config.num_attention_heads,
            "headSize": config.attention_head_dim, "ffn": config.ffn_dim, "textWidth": config.text_dim,
            "vaceLayers": list(config.vace_layers)}
    return form, transformer.state_dict(), text.state_dict()
