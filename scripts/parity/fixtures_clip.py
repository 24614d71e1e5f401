"""Makes tests/model/fixtures/clip_<n>: random CLIPVisionModel folders, each with one picture.

A folder holds config.json and tensors.safetensors (transformers' names, float32), and io.safetensors: picture [1,3,H,W]
in [-1, 1], pixel_values [1,3,S,S] and tokens (hidden_states[-2]).
"""

from pathlib import Path

import torch
from transformers import CLIPVisionConfig, CLIPVisionModel

from common import fresh_folder, randomise, save_json, save_tensors
from replay import clip_pixels

CASES = [
    dict(hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, image_size=28, patch_size=7,
         hidden_act="gelu", picture=(48, 83)),
    dict(hidden_size=24, intermediate_size=40, num_hidden_layers=4, num_attention_heads=3, image_size=20, patch_size=4,
         hidden_act="quick_gelu", picture=(61, 34), layer_norm_eps=1e-3),
    # Enlarged, and a square; a tower of which no layer is worked with.
    dict(hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, image_size=36, patch_size=12,
         hidden_act="gelu", picture=(16, 16)),
]


def make_case(folder: Path, index: int, case: dict) -> None:
    fresh_folder(folder)
    height, width = case.pop("picture")
    config = CLIPVisionConfig(**case)
    model = CLIPVisionModel(config).eval()
    randomise(model, 7000 + index)
    generator = torch.Generator().manual_seed(7100 + index)
    # Black and white in hard steps: what bicubic weights throw beyond them is cut.
    picture = torch.rand((1, 3, height, width), generator=generator).mul(3).sub(1).clamp(0, 1) * 2 - 1
    pixels = clip_pixels(picture, case["image_size"])
    with torch.inference_mode():
        tokens = model(pixels, output_hidden_states=True).hidden_states[-2]
    save_json(folder / "config.json", config.to_dict())
    save_tensors(folder / "tensors.safetensors", model.state_dict())
    save_tensors(folder / "io.safetensors", {"picture": picture, "pixel_values": pixels, "tokens": tokens})


def make(out_root: Path) -> None:
    for index, case in enumerate(CASES):
        make_case(Path(out_root) / f"clip_{index}", index, dict(case))


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
