#!/usr/bin/env python3
"""Writes a model folder of Wan-VACE's dimensions with random weights in bfloat16, for bench.py and memory.py.

    random_folder.py --out DIR [--size 1.3b|14b] [--whole-text] [--sparse] [--device cuda] [--tiny]

Transformer and VAE have the published sizes (1.3B: 30 + 15 blocks of width 1536; 14B: 40 + 8 of 5120; VAE: base width 96); the
text encoder is UMT5 of the right width (4096) with two layers in place of 24, and derrumbe-mini's vocabulary. --whole-text:
all of UMT5-XXL. --sparse: headers alone, in files as long as whole ones; for `derrumbe plan`. --tiny: two blocks, for a try.
"""

import argparse
import json
import math
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanVACETransformer3DModel
from transformers import UMT5Config, UMT5EncoderModel


MINI = Path(__file__).resolve().parents[2] / "models/derrumbe-mini"
SIZES = {"1.3b": dict(num_layers=30, num_attention_heads=12, ffn_dim=8960, vace_layers=list(range(0, 30, 2))),
         "14b": dict(num_layers=40, num_attention_heads=40, ffn_dim=13824, vace_layers=list(range(0, 40, 5)))}


def value(name, shape, device):
    """Random numbers for a tensor: every product keeps its input's variance, so that values neither vanish nor overflow; norms
    are near one."""
    tensor = torch.empty(shape, dtype=torch.bfloat16, device=device)
    if tensor.dim() > 1 and "scale_shift_table" not in name and "gamma" not in name:
        return tensor.normal_(0, tensor[0].numel() ** -0.5)
    if name.endswith("bias") or "scale_shift_table" in name:
        return tensor.normal_(0, 0.02)
    return tensor.normal_(1, 0.02)


def write(part, folder, file, device):
    """The part's configuration and a safetensors file of its names and shapes. One tensor is in memory at a time, since 14B's are
    34 GB; without a device there is a hole where the values would be."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    # UMT5's table has two names; published files have one of them.
    shapes = {name: list(tensor.shape) for name, tensor in part.state_dict().items() if name != "encoder.embed_tokens.weight"}
    for name, shape in shapes.items():
        begin, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    folder.mkdir(parents=True, exist_ok=True)
    part.config.save_pretrained(folder) if hasattr(part.config, "save_pretrained") else part.save_config(folder)
    with open(folder / file, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes.items() if device else ():
            out.write(value(name, shape, device).view(torch.uint8).cpu().numpy().data)
        out.truncate(8 + len(text) + end)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", choices=SIZES, default="1.3b")
    parser.add_argument("--whole-text", action="store_true")
    parser.add_argument("--sparse", action="store_true")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    sizes = SIZES[options.size] | (dict(num_layers=2, vace_layers=[0]) if options.tiny else {})
    vocabulary = json.loads((MINI / "text_encoder/config.json").read_text())["vocab_size"]
    text = dict(d_model=4096, d_kv=64, num_heads=64, d_ff=10240, num_layers=1 if options.tiny else 2, vocab_size=vocabulary)
    if options.whole_text:
        text |= dict(num_layers=24, vocab_size=256384)
    torch.manual_seed(0)
    parts = {}
    with torch.device("meta"):
        parts["transformer"] = WanVACETransformer3DModel(
            attention_head_dim=128, in_channels=16, out_channels=16, vace_in_channels=96, **sizes)
        parts["vae"] = AutoencoderKLWan()
        parts["text_encoder"] = UMT5EncoderModel(UMT5Config(
            **text, feed_forward_proj="gated-gelu", is_encoder_decoder=False, pad_token_id=0, eos_token_id=1))
    for name, part in parts.items():
        file = "model" if name == "text_encoder" else "diffusion_pytorch_model"
        write(part, options.out / name, f"{file}.safetensors", None if options.sparse else options.device)
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    scheduler.save_pretrained(options.out / "scheduler")
    (options.out / "tokenizer").mkdir(exist_ok=True)
    shutil.copy(MINI / "tokenizer/spiece.model", options.out / "tokenizer/spiece.model")
    (options.out / "model_index.json").write_text(json.dumps({
        "_class_name": "WanVACEPipeline", "scheduler": ["diffusers", "UniPCMultistepScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"], "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "WanVACETransformer3DModel"], "transformer_2": [None, None],
        "vae": ["diffusers", "AutoencoderKLWan"]}, indent=1))


if __name__ == "__main__":
    main()
