"""Replays what `derrumbe render --dump-tensors` wrote in diffusers' WanVACEPipeline or WanPipeline, in float32 on the CPU."""

import json
from pathlib import Path

import numpy as np
import torch
from diffusers import (FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler, WanImageToVideoPipeline, WanPipeline,
                       WanVACEPipeline)
from PIL import Image
from transformers import CLIPImageProcessor


def load_pipeline(folder: Path, scheduler: str, shift: float, dtype=torch.float32):
    """The folder as diffusers loads it; the one attribute set by hand is vae_scale_factor_spatial.

    diffusers takes it from the number of downsampling stages and so misses the patches of the VAE's residual form.
    """
    kind = json.loads((Path(folder) / "model_index.json").read_text())["_class_name"]
    kinds = {kind.__name__: kind for kind in (WanVACEPipeline, WanPipeline, WanImageToVideoPipeline)}
    pipe = kinds[kind].from_pretrained(str(folder), dtype=dtype)
    pipe.vae_scale_factor_spatial = pipe.vae.config.scale_factor_spatial
    if scheduler == "euler":
        pipe.scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    else:
        pipe.scheduler = UniPCMultistepScheduler.from_config(
            pipe.scheduler.config, prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)
    pipe.set_progress_bar_config(disable=True)
    return pipe


CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def clip_pixels(picture: torch.Tensor, size: int) -> torch.Tensor:
    """What CLIPImageProcessor makes of a picture [1,3,H,W] in [-1, 1], without its rounding to 8 bits.

    The processor itself, which takes 8 bits, has to agree but for that.
    """
    height, width = picture.shape[2:]
    resized = (size * width // min(height, width), size * height // min(height, width))
    left, top = (resized[0] - size) // 2, (resized[1] - size) // 2

    def resize(plane: np.ndarray) -> np.ndarray:
        for target in ((resized[0], height), resized):  # 8 bits are cut after each axis
            plane = np.asarray(Image.fromarray(plane).resize(target, Image.Resampling.BICUBIC)).clip(0, 1)
        return plane

    planes = [resize(plane.numpy()) for plane in (picture[0].float() + 1) / 2]
    square = torch.from_numpy(np.stack(planes))[:, top : top + size, left : left + size]
    pixels = (square - torch.tensor(CLIP_MEAN).view(3, 1, 1)) / torch.tensor(CLIP_STD).view(3, 1, 1)
    processor = CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
    eight = Image.fromarray(((picture[0].permute(1, 2, 0) + 1) * 127.5).round().byte().numpy())
    stated = processor(images=eight, return_tensors="pt").pixel_values[0]
    assert (stated - pixels).abs().max() < 1.6 / 255 / min(CLIP_STD), (stated - pixels).abs().max()
    return pixels.unsqueeze(0)


def show_image(pipe, captured: dict) -> None:
    """Makes a pipeline with an image encoder show it the picture as a render does; captures what it makes of it."""

    def encode_image(image, _device=None):
        pixels = clip_pixels(image, pipe.image_encoder.config.image_size).to(pipe.image_encoder.dtype)
        captured["image_embeds"] = pipe.image_encoder(pixels, output_hidden_states=True).hidden_states[-2]
        return captured["image_embeds"]

    pipe.encode_image = encode_image


def hold_plate(pipe, dump: dict, captured: dict) -> None:
    """Makes a pipeline without VACE layers hold the plate, as a render does; captures the conditioning in the dump's form.

    Where the mask is 0 the transformers' velocity becomes noise - plate, which leads through every noised plate.
    """
    channels = dump["noise"].shape[1]
    plate, mask = dump["conditioning"].split([channels, dump["conditioning"].shape[1] - channels], dim=1)
    mask = mask[:, :1]
    if "input_video" in dump:
        config = pipe.vae.config
        mean, std = (torch.tensor(values).view(1, -1, 1, 1, 1) for values in (config.latents_mean, config.latents_std))
        with torch.inference_mode():
            plate = (pipe.vae.encode(dump["input_video"]).latent_dist.mode() - mean) / std
        scale, pixels = pipe.vae_scale_factor_spatial, (dump["input_mask"] > 0).float()
        padded = torch.cat([pixels[:, :, :1].expand(-1, -1, 3, -1, -1), pixels], dim=2)
        mask = torch.nn.functional.max_pool3d(padded, (4, scale, scale))
    held = dump["noise"] - plate
    for transformer in filter(None, (pipe.transformer, pipe.transformer_2)):
        forward = transformer.forward

        def hold(*arguments, forward=forward, **named):
            return (torch.where(mask > 0, forward(*arguments, **named)[0], held),)

        transformer.forward = hold
    captured["conditioning"] = torch.cat([plate, mask], dim=1)
    if not isinstance(pipe, WanImageToVideoPipeline):
        return
    pipe.check_inputs = lambda *_: None  # wants multiples of 16, which patches of one latent do not
    prepare = pipe.prepare_latents
    known = [int(given) for given in (dump["input_mask"].amax(dim=(0, 1, 3, 4)) == 0)]
    given = 1 + (known[1:] + [0]).index(0)

    def prepare_latents(*arguments, **named):
        latents, condition = prepare(*arguments, **named)
        if given > 1:  # diffusers gives the first frame alone
            clip = torch.zeros_like(dump["input_video"])
            clip[:, :, :given] = dump["input_video"][:, :, :given]
            shown = torch.zeros(dump["input_video"].shape[2] + 3)
            shown[: given + 3] = 1
            condition[:, :4] = shown.view(-1, 4).T.reshape(1, 4, -1, 1, 1)
            condition[:, 4:] = (pipe.vae.encode(clip).latent_dist.mode() - mean) / std
        captured["conditioning"] = torch.cat([plate, mask, condition], dim=1)
        return latents, condition

    pipe.prepare_latents = prepare_latents


def replay(pipe, dump: dict, shot: dict) -> dict:
    """The same tensors as in `dump`, by diffusers.

    `shot`: prompt, negative_prompt, steps, guidance, keep_reactive, of a pair of experts guidance_2, and where guides are
    stronger than 1 conditioning_scale. Where the dump
    holds input_video [1,3,F,H,W] in [-1, 1] and input_mask [1,1,F,H,W] (and input_references, a tensor [R,3,H,W] in the order given), the conditioning is
    made from them, else the dump's own is taken and only what follows is compared.
    """
    noise = dump["noise"]
    references = noise.shape[2] - dump["latents"].shape[2]
    frames, height, width = dump["video"].shape[2:]
    dtype = pipe.transformer.dtype
    captured = {}

    vace = isinstance(pipe, WanVACEPipeline)
    if not vace:
        hold_plate(pipe, dump, captured)
        if getattr(pipe, "image_encoder", None) is not None:
            show_image(pipe, captured)
    elif "input_video" in dump:
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

    if vace:
        pipe.prepare_video_latents, pipe.prepare_masks = prepare_video_latents, prepare_masks

    def after_step(_pipe, _step, _timestep, tensors):
        captured.update({name: tensor.clone() for name, tensor in tensors.items() if tensor is not None})
        return {}

    names = ["latents", "prompt_embeds"] + (["negative_prompt_embeds"] if shot["guidance"] > 1 else [])
    # As the pipeline wants it: [1, 3, H, W] in [-1, 1], which it leaves as it is.
    image = {"image": dump["input_video"][:, :, 0]} if isinstance(pipe, WanImageToVideoPipeline) else {}
    hints = {"conditioning_scale": shot.get("conditioning_scale", 1.0)} if vace else {}
    with torch.inference_mode():
        video = pipe(
            **image, **hints,
            prompt=shot["prompt"], negative_prompt=shot["negative_prompt"], height=height, width=width, num_frames=frames,
            num_inference_steps=shot["steps"], guidance_scale=shot["guidance"], latents=noise.to(dtype), output_type="pt",
            guidance_scale_2=shot.get("guidance_2"), max_sequence_length=dump["prompt_embeds"].shape[1],
            callback_on_step_end=after_step,
            callback_on_step_end_tensor_inputs=names,
        ).frames
    captured["latents"] = captured["latents"][:, :, references:]
    captured["video"] = video.permute(0, 2, 1, 3, 4) * 2 - 1  # [1,F,3,H,W] in [0, 1] to [1,3,F,H,W] in [-1, 1]
    captured["timesteps"] = pipe.scheduler.timesteps
    return captured
