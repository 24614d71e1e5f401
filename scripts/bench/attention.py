#!/usr/bin/env python3
"""The rate of a card's attentions at the size of a denoising step, each of LibTorch's ways alone and the one that it takes itself,
beside a plain matrix product: what a step can be made of.

    attention.py [--device cuda] [--tokens 32760] [--heads 12] [--width 128]
"""

import argparse
import time

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention


def seconds(work, device):
    """The median of five after two."""
    runs = []
    for _ in range(7):
        start = time.perf_counter()
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        runs.append(time.perf_counter() - start)
    return sorted(runs[2:])[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tokens", type=int, default=32760, help="81 frames of 832 x 480")
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--width", type=int, default=128, help="of a head")
    options = parser.parse_args()
    kind = dict(device=options.device, dtype=torch.bfloat16)
    q, k, v = (torch.randn(1, options.heads, options.tokens, options.width, **kind) for _ in range(3))
    flops = 4 * options.heads * options.tokens**2 * options.width
    reference = scaled_dot_product_attention(q, k, v)
    print(f"by itself: {flops / seconds(lambda: scaled_dot_product_attention(q, k, v), options.device) / 1e12:.1f} TFLOP/s")
    for backend in (SDPBackend.CUDNN_ATTENTION, SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION):
        try:
            with sdpa_kernel(backend):
                other = (scaled_dot_product_attention(q, k, v) - reference).abs().max().item()
                rate = flops / seconds(lambda: scaled_dot_product_attention(q, k, v), options.device) / 1e12
            print(f"{backend.name}: {rate:.1f} TFLOP/s, {other:.1e} from that at most")
        except RuntimeError as error:
            print(f"{backend.name}: {str(error).splitlines()[0]}")
    side = min(8192, options.tokens)
    a, b = (torch.randn(side, side, **kind) for _ in range(2))
    print(f"product: {2 * side**3 / seconds(lambda: a @ b, options.device) / 1e12:.1f} TFLOP/s; cuDNN {torch.backends.cudnn.version()}")


if __name__ == "__main__":
    main()
