"""Makes tests/model/fixtures/scheduler_<n>: whole trajectories of diffusers' flow samplers over given velocities.

A folder holds config.json {scheduler, steps, shift} and io.safetensors: sample (the first latents), velocities
[N, ...] (handed in at each step), outputs [N, ...] (the latents after each step), timesteps [N], sigmas [N + 1].
"""

from pathlib import Path

import torch
from diffusers import FlowMatchEulerDiscreteScheduler, UniPCMultistepScheduler

from common import fresh_folder, save_json, save_tensors

CASES = [
    dict(scheduler="unipc", steps=4, shift=3.0),
    dict(scheduler="unipc", steps=1, shift=3.0),
    dict(scheduler="unipc", steps=2, shift=5.0),
    dict(scheduler="unipc", steps=20, shift=3.0),
    dict(scheduler="unipc", steps=50, shift=16.0),
    dict(scheduler="unipc", steps=9, shift=1.0),
    dict(scheduler="euler", steps=4, shift=3.0),
    dict(scheduler="euler", steps=1, shift=5.0),
    dict(scheduler="euler", steps=17, shift=1.0),
    dict(scheduler="euler", steps=30, shift=8.0),
]


def scheduler_of(name: str, shift: float):
    """The scheduler as the published Wan-VACE folders configure it."""
    if name == "euler":
        return FlowMatchEulerDiscreteScheduler(shift=shift)
    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


def make_case(folder: Path, index: int, case: dict) -> None:
    fresh_folder(folder)
    scheduler = scheduler_of(case["scheduler"], case["shift"])
    scheduler.set_timesteps(case["steps"])
    generator = torch.Generator().manual_seed(3000 + index)
    shape = (1, 3, 2, 3, 2)
    sample = torch.randn(shape, generator=generator)
    latents, target = sample, torch.randn(shape, generator=generator)
    velocities, outputs = [], []
    for step, timestep in enumerate(scheduler.timesteps):
        # Near a straight flow to `target`, disturbed, so that every order's terms count.
        sigma = float(scheduler.sigmas[step])
        velocity = (latents - target) / max(sigma, 0.05) + 0.3 * torch.randn(shape, generator=generator)
        latents = scheduler.step(velocity, timestep, latents, return_dict=False)[0]
        velocities.append(velocity)
        outputs.append(latents)
    save_json(folder / "config.json", case)
    save_tensors(folder / "io.safetensors", {
        "sample": sample, "velocities": torch.stack(velocities), "outputs": torch.stack(outputs),
        "timesteps": scheduler.timesteps, "sigmas": scheduler.sigmas})


def make(out_root: Path) -> None:
    for index, case in enumerate(CASES):
        make_case(Path(out_root) / f"scheduler_{index}", index, case)


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
