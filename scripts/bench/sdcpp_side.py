#!/usr/bin/env python3
"""stable-diffusion.cpp's half of bench.py, through the package stable-diffusion-cpp-python, built for this processor.

    sdcpp_side.py --model FOLDER --inputs FILE --threads N --type f16 --converted FOLDER ...

It knows Wan's VACE models of 1.3B's and 14B's dimensions alone. The transformer and the VAE of a diffusers folder are written
under Wan's own names into --converted, once for all runs; no text encoder is given to it (it then reads 256 empty tokens). Each
stage's time is the one that it logs itself. A stage can't be asked for alone: whenever one has no time left to tell, a clip is made
with one step, and its encode, step and decode are told one after the other. A whole run is its loading and a clip with --steps
steps. It shows the model the same clip, but all of it is mask.
"""

import argparse
import ctypes
import os
import re
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import stable_diffusion_cpp
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from side import peak_resident, serve

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "parity"))
from wan_names import wan_transformer_name, wan_vae_name  # noqa: E402

SAYS = {"encode": r"encode_first_stage completed, taking ([\d.]+) (ms|s)", "step": r"sampling completed, taking ([\d.]+)(s)",
        "decode": r"decode_first_stage completed, taking ([\d.]+)(s)"}


def written(folder, part, rename, prefix, out):
    """The part of a diffusers folder as one file under Wan's names, made where it is not there yet."""
    if out.exists():
        return str(out)
    state = {}
    for file in sorted((folder / part).glob("*.safetensors")):
        state |= {prefix + rename(name): tensor for name, tensor in load_file(file).items()}
    save_file(state, out)
    return str(out)


class Session:
    def __init__(self, options):
        work = Path(options.converted)
        inputs = load_file(options.inputs)
        video = ((inputs["video"][0].permute(1, 2, 3, 0).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        self.frames = [Image.fromarray(frame) for frame in video.contiguous().numpy()]
        self.guidance, self.shift, self.steps = options.guidance, options.shift, options.steps
        self.times, self.sum = defaultdict(list), 0
        model = Path(options.model)
        self.model = stable_diffusion_cpp.StableDiffusion(
            diffusion_model_path=written(model, "transformer", wan_transformer_name, "model.diffusion_model.", work / "wan.safetensors"),
            vae_path=written(model, "vae", wan_vae_name, "", work / "vae.safetensors"), wtype=options.type, n_threads=options.threads,
            diffusion_flash_attn=options.flash, vae_decode_only=False)
        self.listen()

    def listen(self):
        @stable_diffusion_cpp.sd_log_callback
        def heard(_level, text, _data):
            line = text.decode("utf-8", errors="replace")
            print(line, end="", file=sys.stderr)
            for stage, pattern in SAYS.items():
                if found := re.search(pattern, line):
                    self.times[stage].append(float(found[1]) / (1000 if found[2] == "ms" else 1))

        self.heard = heard  # the library keeps no reference
        stable_diffusion_cpp.sd_set_log_callback(heard, ctypes.c_void_p(0))

    def make(self, steps):
        size = self.frames[0].size
        clip = self.model.generate_video(
            prompt="", control_frames=self.frames, width=size[0], height=size[1], video_frames=len(self.frames), sample_steps=steps,
            sample_method="euler", cfg_scale=self.guidance, flow_shift=self.shift, seed=1)
        if len(clip) != len(self.frames) or any(not self.times[stage] for stage in SAYS):
            raise RuntimeError(f"stable-diffusion.cpp made {len(clip)} of {len(self.frames)} frames; said {dict(self.times)}")
        return sum(float(np.asarray(frame, dtype=np.float64).sum()) for frame in clip)

    def run(self, stage):
        if stage == "whole":
            return {"sum": self.make(self.steps)}
        if not self.times[stage]:
            self.sum = self.make(1)
        return {"seconds": self.times[stage].pop(0), "sum": self.sum}

    @staticmethod
    def memory():
        return {"resident": peak_resident(), "device": 0}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--guidance", type=float, default=5)
    parser.add_argument("--shift", type=float, default=3)
    parser.add_argument("--steps", type=int, default=10, help="of a whole run")
    parser.add_argument("--converted", required=True, help="a folder for the weights under Wan's names")
    parser.add_argument("--type", default="f16", help="of the weights: f32, f16, bf16, q8_0, ...")
    parser.add_argument("--flash", action="store_true", help="flash attention in the transformer")
    options, _ = parser.parse_known_args()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the library prints is no answer
    serve(Session(options), answers, stages=[*SAYS, "whole"])


if __name__ == "__main__":
    main()
