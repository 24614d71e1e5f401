#!/usr/bin/env python3
"""Converts weights that torch.save wrote (.pth, .pt, .bin) to .safetensors, which Derrumbe opens.

    .venv/bin/python scripts/pth_to_safetensors.py Wan2.1_VAE.pth models_t5_umt5-xxl-enc-bf16.pth

Each FILE.pth becomes FILE.safetensors beside it. Reading is limited to tensors (weights_only), so that a file cannot run
code; names, types and values stay as they are. Needs torch and safetensors.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file


def convert(source: Path) -> Path:
    state = torch.load(source, map_location="cpu", weights_only=True, mmap=True)
    for key in ("state_dict", "model"):
        if isinstance(state.get(key), dict):
            state = state[key]
    tensors = {name: value.contiguous().clone() for name, value in state.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise SystemExit(f"{source}: no tensors")
    target = source.with_suffix(".safetensors")
    save_file(tensors, str(target), metadata={"format": "pt"})
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    for file in parser.parse_args().files:
        print(convert(file))
