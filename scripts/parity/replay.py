"""Replays what `derrumbe render --dump-tensors` wrote in diffusers' WanVACEPipeline, in float32 on the CPU."""

from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler, WanVACEPipeline


def load_pipeline(folder: Path, scheduler: str, shift: float, dtype=torch.float32) -> WanVACEPipeline:
    """The folder as diffusers loads it; the one attribute set by hand is vae_scale_factor_spatial.

    diffusers takes it from the number of downsampling stages and so misses the patches of the VAE's residual form.
    """
    pipe = WanVACEPipeline.from_pretrained(str(folder), dtype=dtype)
    pipe.vae_scale_factor_spatial = pipe.vae.config.scale_factor_spatial
    if scheduler == "euler":
        pipe.scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    else:
        pipe.scheduler = UniPCMultistepScheduler.from_config(
            pipe.scheduler.config, prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def replay(pipe: WanVACEPipeline, dump: dict, shot: dict) -> dict:
    """The same tensors as in `dump`, by diffusers.

    `shot`: prompt, negative_prompt, steps, guidance, keep_reactive. Where the dump holds input_video [1,3,F,H,W] in
    [-1, 1] and input_mask [1,1,F,H,W] (and input_references, a tensor [R,3,H,W] in the order given), the conditioning is
    made from them, else the dump's own is taken and only what follows is compared.
    """
    noise = dump["noise"]
    references = noise.shape[2] - dump["latents"].shape[2]
    frames, height, width = dump["video"].shape[2:]
    dtype = pipe.transformer.dtype
    captured = {}

    if "input_video" in dump:
        video, mask = dump["input_video"], dump["input_mask"].expand(-1, 3, -1, -1, -1)
        if not shot["keep_reactive"]:
            video = video * (1 - (mask > 0.5).to(video.dtype))
        images = list(dump["input_references"]) if references else []
        # Pictures that are prepared already: diffusers would resize and normalise them, which the render has done.
        pipe.preprocess_conditions = lambda *_: (video, mask, [images])
        encode, masks = pipe.prepare_video_latents, pipe.prepare_masks

        def prepare_video_latents(*arguments):
            captured["latents"] = encode(*arguments)
            return captured["latents"]

        def prepare_masks(*arguments):
            made = masks(*arguments)
            captured["conditioning"] = torch.cat([captured.pop("latents"), made.to(dtype)], dim=1)
            return made
    else:
        conditioning = dump["conditioning"]
        mask_channels = pipe.vae_scale_factor_spatial**2
        pipe.preprocess_conditions = lambda *_: (None, None, [[None] * references])

        def prepare_video_latents(*_):
            return conditioning[:, :-mask_channels].to(dtype)

        def prepare_masks(*_):
            return conditioning[:, -mask_channels:].to(dtype)

    pipe.prepare_video_latents, pipe.prepare_masks = prepare_video_latents, prepare_masks

    def after_step(_pipe, _step, _timestep, tensors):
        captured.update({name: tensor.clone() for name, tensor in tensors.items() if tensor is not None})
        return {}

    names = ["latents", "prompt_embeds"] + (["negative_prompt_embeds"] if shot["guidance"] > 1 else [])
    with torch.inference_mode():
        video = pipe(
            prompt=shot["prompt"], negative_prompt=shot["negative_prompt"], height=height, width=width, num_frames=frames,
            num_inference_steps=shot["steps"], guidance_scale=shot["guidance"], latents=noise.to(dtype), output_type="pt",
            max_sequence_length=dump["prompt_embeds"].shape[1], callback_on_step_end=after_step,
            callback_on_step_end_tensor_inputs=names,
        ).frames
    captured["latents"] = captured["latents"][:, :, references:]
    captured["video"] = video.permute(0, 2, 1, 3, 4) * 2 - 1  # [1,F,3,H,W] in [0, 1] to [1,3,F,H,W] in [-1, 1]
    captured["timesteps"] = pipe.scheduler.timesteps
    return captured
