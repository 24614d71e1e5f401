#!/usr/bin/env python3
"""Writes a model folder of Wan-VACE 1.3B's dimensions with random weights in bfloat16, for bench.py.

    random_folder.py --out DIR [--device cuda] [--tiny]

Transformer and VAE have the published sizes (30 + 15 blocks of width 1536; base width 96); the text encoder is UMT5 of the
right width (4096) with two layers in place of 24, and a small vocabulary. --tiny: two blocks, for a try.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanVACETransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel


def randomise(module):
    """Every product keeps its input's variance, so that values neither vanish nor overflow; norms are near one."""
    for name, tensor in module.named_parameters():
        with torch.no_grad():
            if tensor.dim() > 1 and "scale_shift_table" not in name and "gamma" not in name:
                tensor.normal_(0, (tensor[0].numel()) ** -0.5)
            elif name.endswith("bias") or "scale_shift_table" in name:
                tensor.normal_(0, 0.02)
            else:
                tensor.normal_(1, 0.02)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    layers, vace = (2, [0]) if options.tiny else (30, list(range(0, 30, 2)))
    text = dict(d_model=4096, d_kv=64, num_heads=64, d_ff=10240, num_layers=1 if options.tiny else 2, vocab_size=1024)
    torch.manual_seed(0)
    parts = {}
    with torch.device("meta"):
        parts["transformer"] = WanVACETransformer3DModel(
            num_attention_heads=12, attention_head_dim=128, in_channels=16, out_channels=16, ffn_dim=8960,
            num_layers=layers, vace_layers=vace, vace_in_channels=96)
        parts["vae"] = AutoencoderKLWan()
        parts["text_encoder"] = UMT5EncoderModel(UMT5Config(
            **text, feed_forward_proj="gated-gelu", is_encoder_decoder=False, pad_token_id=0, eos_token_id=1))
    for name, part in parts.items():
        part = part.to(torch.bfloat16).to_empty(device=options.device)
        randomise(part)
        part.save_pretrained(options.out / name)
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    scheduler.save_pretrained(options.out / "scheduler")
    (options.out / "tokenizer").mkdir(exist_ok=True)
    (options.out / "tokenizer/spiece.model").write_text("ids are given\n")
    (options.out / "model_index.json").write_text(json.dumps({
        "_class_name": "WanVACEPipeline", "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"], "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "WanVACETransformer3DModel"], "transformer_2": [None, None],
        "vae": ["diffusers", "AutoencoderKLWan"]}, indent=1))


if __name__ == "__main__":
    main()
