"""Makes tests/model/fixtures/transformer_<n>: random WanVACETransformer3DModel folders with one evaluation each; and
text_to_video_<n>: the same of WanTransformer3DModel, whose io.safetensors has no control.

A folder holds config.json and tensors.safetensors (diffusers' names, float32), and io.safetensors: hidden_states,
timestep, encoder_hidden_states, control_hidden_states, control_hidden_states_scale, output.
"""

from pathlib import Path

import torch
from diffusers import WanTransformer3DModel, WanVACETransformer3DModel

from common import config_of, fresh_folder, randomise, save_json, save_tensors

# latent: (T, h, w) of hidden_states; text: rows of the prompt; scale: None is all ones
CASES = [
    dict(heads=2, head=12, layers=2, vace=[0], channels=4, text_dim=16, freq=32, ffn=48, patch=(1, 2, 2),
         latent=(2, 4, 6), text=6, timestep=999, scale=None),
    dict(heads=1, head=16, layers=3, vace=[0, 2], channels=16, text_dim=24, freq=256, ffn=40, patch=(1, 2, 2),
         latent=(1, 6, 10), text=5, timestep=500, scale=[1.0, 0.6]),
    dict(heads=3, head=8, layers=4, vace=[0, 1, 3], channels=3, text_dim=8, freq=16, ffn=30, patch=(1, 1, 1),
         latent=(3, 5, 3), text=9, timestep=0, scale=[0.5, 0.0, 1.5]),
    dict(heads=2, head=18, layers=1, vace=[0], channels=8, text_dim=20, freq=64, ffn=64, patch=(1, 2, 2),
         latent=(5, 6, 6), text=1, timestep=857.6923, scale=[0.7]),
    dict(heads=3, head=10, layers=2, vace=[0, 1], channels=6, text_dim=12, freq=40, ffn=72, patch=(1, 4, 4),
         latent=(2, 12, 20), text=7, timestep=750, scale=None),
    dict(heads=3, head=8, layers=3, vace=[0, 1, 2], channels=5, text_dim=32, freq=48, ffn=56, patch=(2, 2, 2),
         latent=(4, 6, 14), text=16, timestep=1, scale=None),
    dict(heads=1, head=48, layers=1, vace=[0], channels=2, text_dim=6, freq=24, ffn=20, patch=(1, 2, 2),
         latent=(7, 10, 6), text=4, timestep=333, scale=None, control_extra=1),
    dict(heads=4, head=6, layers=4, vace=[0, 2, 3], channels=12, text_dim=10, freq=20, ffn=34, patch=(1, 2, 1),
         latent=(2, 6, 5), text=12, timestep=602.151, scale=[1.2, 0.9, 0.3], cross_attn_norm=False, eps=1e-5),
    dict(heads=1, head=22, layers=2, vace=[0, 1], channels=4, text_dim=16, freq=256, ffn=64, patch=(1, 2, 2),
         latent=(4, 2, 2), text=32, timestep=8.928571, scale=None),
    dict(heads=2, head=14, layers=2, vace=[0], channels=10, text_dim=14, freq=34, ffn=50, patch=(1, 3, 2),
         latent=(3, 9, 8), text=3, timestep=250, scale=[0.0]),
]


TEXT_TO_VIDEO = [
    dict(heads=2, head=12, layers=2, channels=4, text_dim=16, freq=32, ffn=48, patch=(1, 2, 2), latent=(2, 4, 6),
         text=6, timestep=999),
    dict(heads=3, head=8, layers=3, channels=6, text_dim=12, freq=256, ffn=30, patch=(1, 2, 2), latent=(5, 6, 4),
         text=12, timestep=437.5),
    dict(heads=1, head=22, layers=1, channels=16, text_dim=20, freq=64, ffn=50, patch=(1, 1, 1), latent=(1, 5, 3),
         text=3, timestep=1, cross_attn_norm=False, eps=1e-5),
]


def make_text_to_video(folder: Path, index: int, case: dict) -> None:
    fresh_folder(folder)
    channels = case["channels"]
    model = WanTransformer3DModel(
        patch_size=case["patch"], num_attention_heads=case["heads"], attention_head_dim=case["head"], in_channels=channels,
        out_channels=channels, text_dim=case["text_dim"], freq_dim=case["freq"], ffn_dim=case["ffn"],
        num_layers=case["layers"], cross_attn_norm=case.get("cross_attn_norm", True), eps=case.get("eps", 1e-6)).eval()
    randomise(model, 3000 + index)
    generator = torch.Generator().manual_seed(4000 + index)
    inputs = {
        "hidden_states": torch.randn((1, channels, *case["latent"]), generator=generator),
        "timestep": torch.tensor([float(case["timestep"])]),
        "encoder_hidden_states": torch.randn((1, case["text"], case["text_dim"]), generator=generator),
    }
    inputs["encoder_hidden_states"][:, (case["text"] + 1) // 2 :] = 0
    with torch.inference_mode():
        output = model(**inputs, return_dict=False)[0]
    save_json(folder / "config.json", config_of(model))
    save_tensors(folder / "tensors.safetensors", model.state_dict())
    save_tensors(folder / "io.safetensors", {**inputs, "output": output})


def make_case(folder: Path, index: int, case: dict) -> None:
    fresh_folder(folder)
    channels, patch = case["channels"], case["patch"]
    frames, height, width = case["latent"]
    # The mask's share of the control channels is (VAE scale)^2; any size must load.
    control_channels = 2 * channels + case.get("control_extra", 16)
    model = WanVACETransformer3DModel(
        patch_size=patch, num_attention_heads=case["heads"], attention_head_dim=case["head"], in_channels=channels,
        out_channels=channels, text_dim=case["text_dim"], freq_dim=case["freq"], ffn_dim=case["ffn"],
        num_layers=case["layers"], cross_attn_norm=case.get("cross_attn_norm", True), eps=case.get("eps", 1e-6),
        vace_layers=case["vace"], vace_in_channels=control_channels,
    ).eval()
    randomise(model, 1000 + index)
    generator = torch.Generator().manual_seed(2000 + index)

    def normal(*shape):
        return torch.randn(shape, generator=generator)

    timestep = case["timestep"]
    scale = torch.tensor(case["scale"] or [1.0] * len(case["vace"]))
    inputs = {
        "hidden_states": normal(1, channels, frames, height, width),
        "timestep": torch.tensor([timestep], dtype=torch.int64 if isinstance(timestep, int) else torch.float32),
        "encoder_hidden_states": normal(1, case["text"], case["text_dim"]),
        "control_hidden_states": normal(1, control_channels, frames, height, width),
        "control_hidden_states_scale": scale,
    }
    inputs["encoder_hidden_states"][:, (case["text"] + 1) // 2 :] = 0  # padding rows are zeros, and attended to
    with torch.inference_mode():
        output = model(**inputs, return_dict=False)[0]
    save_json(folder / "config.json", config_of(model))
    save_tensors(folder / "tensors.safetensors", model.state_dict())
    save_tensors(folder / "io.safetensors", {**inputs, "output": output})


def make(out_root: Path) -> None:
    for index, case in enumerate(CASES):
        make_case(Path(out_root) / f"transformer_{index}", index, case)
    for index, case in enumerate(TEXT_TO_VIDEO):
        make_text_to_video(Path(out_root) / f"text_to_video_{index}", index, case)


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
