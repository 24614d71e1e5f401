#!/usr/bin/env python3
"""diffusers' half of bench.py: the stages of `derrumbe_bench` on the same folder and inputs, asked for line by line.

The VAE computes in float32, the rest in --dtype, as diffusers' own examples for Wan do. --compile passes the
transformer's blocks (diffusers' compile_repeated_blocks) and the text encoder through torch.compile.
"""

import argparse
import sys
import time
import warnings

import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanVACEPipeline
from safetensors.torch import load_file
from side import peak_resident, serve


class Session:
    def __init__(self, options):
        self.options = options
        self.device = torch.device(options.device)
        self.dtype = getattr(torch, options.dtype)
        vae = AutoencoderKLWan.from_pretrained(options.model, subfolder="vae", torch_dtype=torch.float32)
        # The tokenizer is not part of what is measured: ids are given.
        self.pipe = WanVACEPipeline.from_pretrained(options.model, vae=vae, tokenizer=None, torch_dtype=self.dtype)
        # What the constructor takes from the number of halvings does not count a VAE's patches.
        self.pipe.vae_scale_factor_spatial = vae.config.scale_factor_spatial
        self.pipe.to(self.device)
        if options.compile:
            self.pipe.transformer.compile_repeated_blocks()
            self.pipe.text_encoder.compile()
        self.scheduler = UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=options.shift)
        inputs = load_file(options.inputs)
        self.video, self.mask, self.noise = (inputs[name] for name in ("video", "mask", "noise"))
        self.noise = self.noise.to(self.device)
        self.ids = [inputs[name] for name in ("ids", "negative_ids")]
        self.prompts = self.conditioning = self.latents = None
        self.step_index = options.steps

    def embed(self, ids, length=512):
        """As the pipeline's _get_t5_prompt_embeds: padded with a mask, cut to the prompt, padded with zeros."""
        padded = torch.nn.functional.pad(ids, (0, length - ids.numel()))[None].to(self.device)
        mask = (torch.arange(length, device=self.device) < ids.numel()).long()[None]
        embeds = self.pipe.text_encoder(padded, mask).last_hidden_state.to(self.dtype)
        return torch.cat([embeds[:, :ids.numel()], embeds.new_zeros(1, length - ids.numel(), embeds.shape[2])], 1)

    def text(self):
        self.prompts = [self.embed(ids) for ids in self.ids]
        return self.prompts[0]

    def encode(self):
        video, mask = self.video.to(self.device), self.mask.to(self.device).expand(-1, 3, -1, -1, -1)
        latents = self.pipe.prepare_video_latents(video, mask, [[]], None, self.device)
        self.conditioning = torch.cat([latents, self.pipe.prepare_masks(mask, [[]])], 1).to(self.dtype)
        return self.conditioning

    def step(self):
        if self.step_index == self.options.steps:
            self.step_index, self.latents = 0, self.noise
            self.scheduler.set_timesteps(self.options.steps, device=self.device)
        t = self.scheduler.timesteps[self.step_index]
        scale = self.conditioning.new_ones(len(self.pipe.transformer.config.vace_layers))

        def velocity(prompt):
            return self.pipe.transformer(
                hidden_states=self.latents.to(self.dtype), timestep=t.expand(1), encoder_hidden_states=prompt,
                control_hidden_states=self.conditioning, control_hidden_states_scale=scale, return_dict=False)[0]

        noise = velocity(self.prompts[0])
        if self.options.guidance > 1:
            uncond = velocity(self.prompts[1])
            noise = uncond + self.options.guidance * (noise - uncond)
        self.latents = self.scheduler.step(noise, t, self.latents, return_dict=False)[0]
        self.step_index += 1
        return self.latents

    def decode(self):
        vae = self.pipe.vae
        shape = (1, -1, 1, 1, 1)
        mean = torch.tensor(vae.config.latents_mean, device=self.device).view(shape)
        std = torch.tensor(vae.config.latents_std, device=self.device).view(shape)
        latents = self.noise if self.latents is None else self.latents
        return vae.decode(latents.float() * std + mean, return_dict=False)[0].cpu()  # where a picture is wanted

    def whole(self):
        self.step_index = self.options.steps
        self.text()
        self.encode()
        for _ in range(self.options.steps):
            self.step()
        return self.decode()

    def synchronise(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def run(self, stage):
        if stage == "step" and self.prompts is None:
            self.text()
        if stage == "step" and self.conditioning is None:
            self.encode()
        self.synchronise()
        start = time.perf_counter()
        result = getattr(self, stage)()
        self.synchronise()
        seconds = time.perf_counter() - start
        return {"seconds": seconds, "sum": result.abs().sum(dtype=torch.float64).item()}

    def memory(self):
        device = torch.cuda.max_memory_allocated() if self.device.type == "cuda" else 0
        return {"resident": peak_resident(), "device": device}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=5)
    parser.add_argument("--shift", type=float, default=3)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    if options.threads > 0:
        torch.set_num_threads(options.threads)
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    warnings.simplefilter("ignore")
    with torch.inference_mode(mode=not options.compile), torch.no_grad():
        serve(Session(options), answers)


if __name__ == "__main__":
    main()
