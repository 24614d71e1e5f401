"""Makes tests/model/fixtures/lora_0: LoRAs for the transformer of transformer_0, and what diffusers gives with each.

`io.safetensors` holds one output a file (for the inputs of transformer_0), and `two`: peft at 0.7 with wide at -0.4.

  peft.safetensors    diffusers' save_lora_weights: lora_alpha 6 of rank 4 stands in the metadata
  bare.safetensors    the same without the prefix and without metadata, so at strength 1 of its rank
  kohya.safetensors   the numbers of peft, named as kohya's trainers do, with alpha
  wan.safetensors     the same, named as Wan's own release, with alpha
  wide.safetensors    other modules (VACE blocks, embedders, a convolution), ranks that differ, bfloat16, no alpha
  wide_wan.safetensors  the same numbers in Wan's names
  diff.safetensors    .diff and .diff_b of weights, norms and modulations; added to the weights by this script, since
                      diffusers reads only some of them
"""

import json
from pathlib import Path

import torch
from diffusers import WanVACEPipeline, WanVACETransformer3DModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict
from safetensors.torch import load_file, save_file

from common import fresh_folder, save_tensors

RENAMES = [
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"),
    ("attn1", "self_attn"), ("attn2", "cross_attn"),
    ("to_q", "q"), ("to_k", "k"), ("to_v", "v"), ("to_out.0", "o"),
    ("ffn.net.0.proj", "ffn.0"), ("ffn.net.2", "ffn.2"), ("proj_in", "before_proj"),
]  # fmt: skip

MAIN = r"blocks\.\d+\.(attn[12]\.(to_[qkv]|to_out\.0)|ffn\.net\.(0\.proj|2))"
WIDE = (
    r"vace_blocks\.0\.(attn1\.to_q|attn2\.to_v|ffn\.net\.2|proj_in|proj_out)|blocks\.1\.attn1\.to_k|proj_out"
    r"|condition_embedder\.(time_proj|(time|text)_embedder\.linear_[12])|(vace_)?patch_embedding"
)


def wan_name(module: str) -> str:
    if module == "proj_out":
        return "head.head"
    for ours, theirs in RENAMES:
        module = module.replace(ours, theirs)
    return module.replace("proj_out", "after_proj")


def base_model(source: Path) -> WanVACETransformer3DModel:
    config = json.loads((source / "config.json").read_text())
    model = WanVACETransformer3DModel.from_config(config)
    model.load_state_dict(load_file(source / "tensors.safetensors"))
    return model.eval()


def trained(source: Path, seed: int, **config) -> tuple[dict, dict]:
    """A LoRA's state dict with random values of order 0.1 in its product, and its configuration."""
    model = base_model(source)
    model.add_adapter(LoraConfig(**config))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if "lora_" in name:
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))
    return get_peft_model_state_dict(model), model.peft_config["default"].to_dict()


def modules_of(state: dict) -> list[str]:
    return sorted({key.split(".lora_")[0] for key in state})


def renamed(state: dict, module_name, down: str, up: str, alpha: float | None) -> dict:
    out = {}
    for module in modules_of(state):
        name = module_name(module)
        out[f"{name}.{down}.weight"] = state[f"{module}.lora_A.weight"].clone()
        out[f"{name}.{up}.weight"] = state[f"{module}.lora_B.weight"].clone()
        if alpha is not None:
            out[f"{name}.alpha"] = torch.tensor(alpha)
    return out


def differences(source: Path, seed: int) -> tuple[dict, dict]:
    """The file's keys, and the base's state dict with them added."""
    state = load_file(source / "tensors.safetensors")
    generator = torch.Generator().manual_seed(seed)
    file = {}
    for module, wan, what in [
        ("blocks.0.attn1.to_q", "blocks.0.self_attn.q", ("weight", "bias")),
        ("blocks.1.norm2", "blocks.1.norm3", ("weight", "bias")),
        ("blocks.1.attn2.norm_k", "blocks.1.cross_attn.norm_k", ("weight",)),
        ("vace_blocks.0.ffn.net.0.proj", "vace_blocks.0.ffn.0", ("bias",)),
        ("condition_embedder.time_proj", "time_projection.1", ("bias",)),
        ("proj_out", "head.head", ("weight",)),
        ("blocks.0.scale_shift_table", "blocks.0.modulation", ("",)),
        ("scale_shift_table", "head.modulation", ("",)),
    ]:
        for part in what:
            name = f"{module}.{part}" if part else module
            change = 0.1 * torch.randn(state[name].shape, generator=generator)
            state[name] = state[name] + change
            file[f"diffusion_model.{wan}.{'diff_b' if part == 'bias' else 'diff'}"] = change
    return file, state


def make(out_root: Path) -> None:
    source, folder = Path(out_root) / "transformer_0", fresh_folder(Path(out_root) / "lora_0")
    inputs = {key: value for key, value in load_file(source / "io.safetensors").items() if key != "output"}

    @torch.inference_mode()
    def run(model) -> torch.Tensor:
        return model(**inputs, return_dict=False)[0]

    def with_loras(*files: tuple[str, float]) -> torch.Tensor:
        """By diffusers' own converter and loader."""
        model = base_model(source)
        for name, _ in files:
            state, metadata = WanVACEPipeline.lora_state_dict(
                str(folder), weight_name=f"{name}.safetensors", return_lora_metadata=True)  # fmt: skip
            WanVACEPipeline.load_lora_into_transformer(state, model, adapter_name=name, metadata=metadata)
        model.set_adapters([name for name, _ in files], [strength for _, strength in files])
        return run(model)

    main, config = trained(source, 1, r=4, lora_alpha=6, target_modules=MAIN)
    keep = {key: config[key] for key in ("r", "lora_alpha", "target_modules", "use_rslora", "use_dora")}
    WanVACEPipeline.save_lora_weights(
        str(folder), main, weight_name="peft.safetensors", transformer_lora_adapter_metadata=keep)  # fmt: skip
    save_tensors(folder / "bare.safetensors", main)
    save_tensors(folder / "kohya.safetensors", renamed(
        main, lambda m: "lora_unet_" + wan_name(m).replace(".", "_"), "lora_down", "lora_up", 6.0))  # fmt: skip
    save_tensors(folder / "wan.safetensors", renamed(
        main, lambda m: "diffusion_model." + wan_name(m), "lora_A", "lora_B", 6.0))  # fmt: skip
    wide, _ = trained(source, 2, r=3, lora_alpha=3, target_modules=WIDE,
                      rank_pattern={"time_proj": 5, "vace_blocks.0.proj_in": 1}, alpha_pattern={
                          "time_proj": 5, "vace_blocks.0.proj_in": 1})  # fmt: skip
    wide = {key: value.to(torch.bfloat16) for key, value in wide.items()}
    save_tensors(folder / "wide.safetensors", {f"transformer.{key}": value for key, value in wide.items()})
    save_file(renamed(wide, lambda m: "diffusion_model." + wan_name(m), "lora_down", "lora_up", None),
              str(folder / "wide_wan.safetensors"), metadata={"modelspec.license": "CC0-1.0"})  # fmt: skip
    diff, changed = differences(source, 3)
    save_tensors(folder / "diff.safetensors", diff)

    outputs = {name: with_loras((name, 1.0)) for name in ("peft", "kohya", "wan", "wide")}
    # The loader wants the prefix; the numbers are those of peft at 4 / 6 of its strength.
    outputs["bare"] = with_loras(("peft", 4 / 6))
    outputs["wide_wan"] = outputs["wide"]
    outputs["two"] = with_loras(("peft", 0.7), ("wide", -0.4))
    model = base_model(source)
    model.load_state_dict(changed)
    outputs["diff"] = run(model)
    plain = run(base_model(source))
    for name, output in outputs.items():
        print(f"{name}: differs from the base by up to {(output - plain).abs().max():.3f}")
    for name in ("kohya", "wan"):
        assert torch.allclose(outputs[name], outputs["peft"], atol=1e-5), name
    save_tensors(folder / "io.safetensors", outputs)


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
