"""What the fixture makers share: seeded weights and files that read the same on every machine."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file


def randomise(module: torch.nn.Module, seed: int) -> None:
    """Fills every parameter from `seed`, with scales that keep activations of order one.

    Freshly constructed modules hold zero biases and unit norms, which would hide a port that forgets one.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if "scale_shift_table" in name:
                parameter.copy_(0.3 * noise)
            elif "norm" in name and name.endswith(("weight", "gamma")):
                parameter.copy_(1 + 0.2 * noise)
            elif name.endswith("gamma"):
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() >= 2:
                fan_in = parameter[0].numel()
                parameter.copy_(noise / fan_in**0.5)
            else:
                parameter.copy_(0.1 * noise)


def fresh_folder(path: Path) -> Path:
    """An empty folder at `path`: what an earlier run left there is removed."""
    path.mkdir(parents=True, exist_ok=True)
    for old in path.iterdir():
        if old.is_file():
            old.unlink()
    return path


def save_tensors(path: Path, tensors: dict) -> None:
    """Contiguous tensors under their names, in safetensors."""
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in tensors.items()}, str(path))


def save_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def plain(value):
    """Tuples as lists, so that a config compares equal after a trip through JSON."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def config_of(module) -> dict:
    """A diffusers module's configuration as its config.json holds it."""
    config = {key: plain(value) for key, value in module.config.items() if key != "_name_or_path"}
    return {"_class_name": type(module).__name__, "_diffusers_version": "0.42.1", **config}
