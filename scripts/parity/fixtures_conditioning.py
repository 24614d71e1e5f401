"""Makes tests/model/fixtures/conditioning_<n>: VACE conditioning as WanVACEPipeline prepares it, with a random VAE.

A folder holds the VAE (config.json, tensors.safetensors) and io.safetensors: video [1, 3, F, H, W], mask
[1, 1, F, H, W], references_<k> [1, 3, 1, H, W] in the order given to the pipeline, conditioning, keep_reactive [1].
"""

from pathlib import Path
from types import SimpleNamespace

import torch
from diffusers import WanVACEPipeline

from common import fresh_folder, save_tensors
from fixtures_vae import clip, make_vae, save_vae

FIRST_FORM = dict(base_dim=2, z_dim=4, dim_mult=[1, 1, 2, 2], num_res_blocks=1,
                  temperal_downsample=[False, True, True])
RESIDUAL = dict(base_dim=4, z_dim=3, dim_mult=[1, 2, 2], num_res_blocks=1, temperal_downsample=[True, True],
                is_residual=True, patch_size=2, in_channels=12, out_channels=12)
CASES = [
    dict(vae=FIRST_FORM, video=(9, 32, 48), references=0, mask="soft", onset=3),
    dict(vae=RESIDUAL, video=(9, 32, 32), references=2, mask="hard", onset=4),
    dict(vae=RESIDUAL, video=(5, 48, 16), references=1, mask="ones", onset=0),
    dict(vae=FIRST_FORM, video=(1, 16, 32), references=0, mask="hard", onset=0),
    dict(vae=RESIDUAL, video=(17, 16, 32), references=1, mask="soft", onset=1, keep_reactive=False),
]


def make_mask(case: dict, seed: int) -> torch.Tensor:
    frames, height, width = case["video"]
    if case["mask"] == "ones":
        return torch.ones((1, 1, frames, height, width))
    mask = torch.zeros((1, 1, frames, height, width))
    for frame in range(case["onset"], frames):
        left = (width // 4 + frame) % (width // 2)
        mask[0, 0, frame, height // 4 : height - 3, left : left + width // 3] = 1
    if case["mask"] == "soft":
        soft = torch.rand(mask.shape, generator=torch.Generator().manual_seed(seed))
        mask = torch.where(mask > 0, 0.4 + 0.6 * soft, 0.2 * soft)
    return mask.half().float()


def pipeline_conditioning(vae, video, mask, references):
    """What WanVACEPipeline.__call__ concatenates, from its own methods."""
    config = vae.config
    pipeline = SimpleNamespace(
        vae=vae, vae_scale_factor_spatial=config.scale_factor_spatial,
        vae_scale_factor_temporal=config.scale_factor_temporal, _execution_device=torch.device("cpu"),
        transformer=SimpleNamespace(config=SimpleNamespace(patch_size=(1, 2, 2))), transformer_2=None)
    images = [[reference[0, :, 0] for reference in references]]
    latents = WanVACEPipeline.prepare_video_latents(pipeline, video, mask, images, None, torch.device("cpu"))
    masks = WanVACEPipeline.prepare_masks(pipeline, mask.expand(-1, 3, -1, -1, -1), images, None)
    return torch.cat([latents, masks], dim=1)


def make_case(folder: Path, index: int, case: dict) -> None:
    fresh_folder(folder)
    vae = make_vae(case["vae"], 7000 + 10 * index)
    frames, height, width = case["video"]
    video, mask = clip(case["video"], 8000 + index), make_mask(case, 8100 + index)
    references = [clip((1, height, width), 8200 + 10 * index + k) for k in range(case["references"])]
    keep = case.get("keep_reactive", True)
    with torch.inference_mode():
        # A caller that hides the plate inside the matte passes a video that is grey there.
        seen = video if keep else torch.where(mask > 0.5, torch.zeros(()), video)
        conditioning = pipeline_conditioning(vae, seen, mask, references)
    save_vae(folder, vae)
    save_tensors(folder / "io.safetensors", {
        "video": video.half(), "mask": mask.half(), "conditioning": conditioning,
        "keep_reactive": torch.tensor([int(keep)]),
        **{f"references_{k}": reference.half() for k, reference in enumerate(references)}})


def make(out_root: Path) -> None:
    for index, case in enumerate(CASES):
        make_case(Path(out_root) / f"conditioning_{index}", index, case)


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
