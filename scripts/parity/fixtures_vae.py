"""Makes tests/model/fixtures/vae_<n>: random AutoencoderKLWan folders of both forms, with one clip each.

A folder holds config.json, tensors.safetensors (diffusers' names; float16 to keep it small, computed with in float32)
and io.safetensors: video [1, 3, F, H, W], latents (the distribution's mean, not normalised), decoded.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKLWan

from common import config_of, fresh_folder, plain, randomise, save_json, save_tensors

# omit: configuration keys left out of the file, as older ones do; the class' defaults must come in
CASES = [
    dict(video=(17, 12, 16), base_dim=4, z_dim=4, dim_mult=[1, 2, 2], temperal_downsample=[True, True],
         scale_factor_spatial=4),
    dict(video=(1, 16, 40), base_dim=2, z_dim=16, dim_mult=[1, 2, 4, 4], num_res_blocks=1,
         temperal_downsample=[False, True, True],
         omit=["is_residual", "patch_size", "scale_factor_spatial", "scale_factor_temporal", "in_channels",
               "out_channels", "decoder_base_dim", "latents_mean", "latents_std", "dim_mult", "temperal_downsample"]),
    dict(video=(5, 24, 16), base_dim=4, z_dim=3, dim_mult=[1, 1, 2], num_res_blocks=1,
         temperal_downsample=[False, True], scale_factor_spatial=4, scale_factor_temporal=2),
    dict(video=(25, 16, 8), base_dim=2, decoder_base_dim=4, z_dim=5, dim_mult=[1, 2, 3, 2], num_res_blocks=1,
         temperal_downsample=[True, False, True]),
    dict(video=(17, 16, 24), base_dim=4, decoder_base_dim=6, z_dim=6, dim_mult=[1, 2, 2], num_res_blocks=1,
         temperal_downsample=[True, True], is_residual=True, patch_size=2, in_channels=12, out_channels=12),
    dict(video=(5, 32, 48), base_dim=2, decoder_base_dim=3, z_dim=8, dim_mult=[1, 2, 4, 4], num_res_blocks=1,
         temperal_downsample=[False, True, True], is_residual=True, patch_size=2, in_channels=12, out_channels=12,
         scale_factor_spatial=16),
    dict(video=(25, 16, 8), base_dim=3, z_dim=4, dim_mult=[1, 4, 4], num_res_blocks=1,
         temperal_downsample=[True, True], is_residual=True, patch_size=2, in_channels=12, out_channels=12),
    dict(video=(1, 40, 24), base_dim=4, z_dim=7, dim_mult=[2, 1, 1], num_res_blocks=1,
         temperal_downsample=[True, True], is_residual=True, scale_factor_spatial=4),
    # sizes that no scale divides: the encoder rounds down at every stage
    dict(video=(9, 27, 22), base_dim=4, z_dim=4, dim_mult=[1, 2, 2], num_res_blocks=1,
         temperal_downsample=[False, True], scale_factor_spatial=4, scale_factor_temporal=2),
    # frames past 4k + 1 are dropped; a patch of 4
    dict(video=(7, 32, 16), base_dim=6, z_dim=2, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[True],
         is_residual=True, patch_size=4, in_channels=48, out_channels=48, scale_factor_temporal=2),
]


def make_vae(case: dict, seed: int) -> AutoencoderKLWan:
    """The class' own, with weights that float16 holds exactly and latent statistics from the seed."""
    options = {key: value for key, value in case.items() if key not in ("video", "omit")}
    if "latents_mean" not in case.get("omit", []):
        generator = torch.Generator().manual_seed(seed + 1)
        count = options["z_dim"]
        options["latents_mean"] = [round(x, 4) for x in torch.randn(count, generator=generator).tolist()]
        options["latents_std"] = [round(x, 4) for x in (0.5 + torch.rand(count, generator=generator)).tolist()]
    vae = AutoencoderKLWan(**options).eval()
    randomise(vae, seed)
    with torch.no_grad():
        for name, parameter in vae.named_parameters():
            if "conv" in name and "resnets" in name and parameter.dim() > 1:
                parameter.mul_(0.7)  # residual sums grow with depth; keep the picture inside [-1, 1]
            if name == "decoder.conv_out.weight":
                parameter.mul_(0.4)
            parameter.copy_(parameter.half().float())
    return vae


def save_vae(folder: Path, vae: AutoencoderKLWan, omit=()) -> None:
    config = {key: value for key, value in config_of(vae).items() if key not in omit}
    save_json(folder / "config.json", plain(config))
    save_tensors(folder / "tensors.safetensors", {name: t.half() for name, t in vae.state_dict().items()})


def clip(shape, seed: int) -> torch.Tensor:
    """Smooth moving gradients with noise, [1, 3, F, H, W] in [-1, 1], exact in float16."""
    frames, height, width = shape
    generator = torch.Generator().manual_seed(seed)
    t, y, x = (torch.linspace(0, 1, max(n, 2))[:n] for n in shape)
    waves = [torch.sin(6 * (x[None, None] + k * t[:, None, None]) + 4 * k * y[None, :, None]) for k in (1, 2, 3)]
    noise = torch.randn((3, frames, height, width), generator=generator)
    return (0.6 * torch.stack(waves) + 0.2 * noise).clamp(-1, 1)[None].half().float()


def make_case(folder: Path, index: int, case: dict) -> None:
    fresh_folder(folder)
    vae = make_vae(case, 3000 + 10 * index)
    video = clip(case["video"], 4000 + index)
    with torch.inference_mode():
        latents = vae.encode(video).latent_dist.mode()
        decoded = vae.decode(latents).sample
    assert (decoded.abs() >= 1).float().mean() < 0.5, "clamping would hide differences"
    save_vae(folder, vae, case.get("omit", ()))
    save_tensors(folder / "io.safetensors", {"video": video.half(), "latents": latents, "decoded": decoded})


def make(out_root: Path) -> None:
    for index, case in enumerate(CASES):
        make_case(Path(out_root) / f"vae_{index}", index, case)


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
