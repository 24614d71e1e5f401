"""Makes tests/model/fixtures/layouts_0: one model in every layout that studios download, and structures_0.

The weights are numbers that 8 bits hold under a scale that is a power of two, so that float32, bfloat16, float16 and
scaled fp8 files hold the same values to the bit:

  diffusers/   WanVACEPipeline's folder, bfloat16 and float32, the transformer in two shards
  original/    Wan's and VACE's repository: Wan's names, config.json of VaceWanModel; checked with diffusers' converters
  comfy/       repackaged single files in float16, names behind model.diffusion_model., vocabulary inside
  comfy_fp8/   scaled fp8: the older scheme for the transformer, the newer for the text encoder
  gguf/        transformer and text encoder by the gguf package; K-quants hold random blocks

layouts_expected_0/gguf.safetensors is what the gguf package reads of the quantised ones, under diffusers' names.

image_layouts_0: the same of Wan2.1's image-to-video transformer and its CLIP image encoder, beside the VAE and the text
encoder of layouts_0: diffusers/ (transformer/ and image_encoder/), and single files: wan.safetensors (Wan's names),
clip_vision.safetensors (repackaged, as transformers 4 named it), clip_wan.safetensors and clip_open.safetensors
(Wan's and OpenCLIP's, a text tower's tensors beside it).

structures_0: names and shapes of the published sizes, `ours original count dimensions...` a line; * stands for
0..count-1. The UMT5 file has GGUF's name between original and count.
"""

import re
import shutil
import zlib
from pathlib import Path

import gguf
import numpy as np
import torch
from common import config_of, fresh_folder, save_json
from diffusers import AutoencoderKLWan, WanTransformer3DModel, WanVACETransformer3DModel
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers, convert_wan_vae_to_diffusers
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2
from transformers import CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel
from wan_names import clip_state, gguf_text_name, wan_text_name, wan_transformer_name, wan_vae_name

FP8 = torch.float8_e4m3fn


def scale_of(name: str) -> float:
    return 2.0 ** -(5 + zlib.crc32(name.encode()) % 3)


def values(module: torch.nn.Module, seed: int) -> dict:
    """A state dict of random values of the scales that `common.randomise` gives, rounded to scaled fp8."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, parameter in sorted(module.state_dict().items()):
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith(("gamma", "norm.weight")) or re.search(r"norm(_[qk]|\d)\.weight$", name):
            noise = 1 + 0.2 * noise
        elif parameter.dim() >= 2:
            noise = noise / max(1, parameter[0].numel()) ** 0.5
        else:
            noise = 0.1 * noise
        scale = scale_of(name)
        state[name] = (noise / scale).to(FP8).float() * scale
        assert state[name].isfinite().all(), name
    return state


def same(converted: dict, state: dict) -> None:
    assert sorted(converted) == sorted(state), set(converted) ^ set(state)
    for name, tensor in state.items():
        assert torch.equal(converted[name].float(), tensor), name


def save(path: Path, state: dict, dtype=None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: (tensor if dtype is None else tensor.to(dtype)).contiguous() for name, tensor in state.items()},
              str(path))  # fmt: skip


def is_linear(name: str, tensor: torch.Tensor) -> bool:
    return name.endswith(".weight") and tensor.dim() == 2 and "embedding" not in name


def save_diffusers(folder: Path, models: dict, states: dict, text_config: dict, vocabulary: bytes) -> None:
    for part in ("transformer", "vae"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        save_json(folder / part / "config.json", config_of(models[part]))
    names = sorted(states["transformer"])
    weight_map = {}
    for index, shard in enumerate((names[: len(names) // 2], names[len(names) // 2 :])):
        file = f"diffusion_pytorch_model-0000{index + 1}-of-00002.safetensors"
        # As in the published 1.3B model, shards are of different types.
        save(folder / "transformer" / file, {n: states["transformer"][n] for n in shard}, [torch.bfloat16, torch.float16][index])
        weight_map |= dict.fromkeys(shard, file)
    save_json(folder / "transformer/diffusion_pytorch_model.safetensors.index.json",
              {"metadata": {"total_size": 0}, "weight_map": weight_map})  # fmt: skip
    save(folder / "vae/diffusion_pytorch_model.safetensors", states["vae"])
    save(folder / "text_encoder/model.safetensors", states["text_encoder"], torch.bfloat16)
    save_json(folder / "text_encoder/config.json", text_config)
    save_json(folder / "model_index.json", {"_class_name": "WanVACEPipeline"})
    (folder / "scheduler").mkdir(exist_ok=True)
    save_json(folder / "scheduler/scheduler_config.json", {
        "_class_name": "UniPCMultistepScheduler", "flow_shift": 3.0, "prediction_type": "flow_prediction",
        "use_flow_sigmas": True})  # fmt: skip
    (folder / "tokenizer").mkdir(exist_ok=True)
    (folder / "tokenizer/spiece.model").write_bytes(vocabulary)


def save_fp8(path: Path, state: dict, prefix: str, newer: bool, scales: dict) -> None:
    """ComfyUI's scaled files; `scales` by our names."""
    out = {}
    for ours, name, tensor in state:
        if not is_linear(ours, tensor):
            out[prefix + name] = tensor.to(torch.bfloat16)
            continue
        module, scale = prefix + name.removesuffix(".weight"), scales(ours)
        out[f"{module}.weight"] = (tensor / scale).to(FP8)
        assert torch.equal(out[f"{module}.weight"].float() * scale, tensor), name
        if newer:
            out[f"{module}.weight_scale"] = torch.tensor(scale)
            out[f"{module}.comfy_quant"] = torch.tensor(list(b'{"format": "float8_e4m3fn"}'), dtype=torch.uint8)
        else:
            out[f"{module}.scale_weight"] = torch.tensor([scale])
            out[f"{module}.scale_input"] = torch.tensor([1.0])
    if not newer:
        out[f"{prefix}scaled_fp8"] = torch.empty(2, dtype=FP8)
    save(path, out)


K_QUANTS = {"Q4_K": (144, (0, 2)), "Q5_K": (176, (0, 2)), "Q6_K": (210, (208,))}


def quantised(tensor: torch.Tensor, kind: str, random: np.random.Generator) -> np.ndarray:
    """Rows of a type's blocks. The package quantises no K types: theirs are random bits under small scales."""
    if kind not in K_QUANTS:
        return gguf.quants.quantize(tensor.numpy(), gguf.GGMLQuantizationType[kind])
    size, halves = K_QUANTS[kind]
    blocks = random.integers(0, 256, (tensor.numel() // 256, size), dtype=np.uint8)
    for at in halves:
        scale = random.uniform(0.2, 1, len(blocks)).astype(np.float32) / (64 * 32)
        blocks[:, at : at + 2] = scale.astype(np.float16).view(np.uint8).reshape(-1, 2)
    return blocks.reshape(tensor.shape[0], -1)


def add_vocabulary(writer: gguf.GGUFWriter, vocabulary: bytes) -> bytes:
    """As llama.cpp's converter keeps a T5 vocabulary; returns the SentencePiece model of just that."""
    model, kept = sentencepiece_model_pb2.ModelProto(), sentencepiece_model_pb2.ModelProto()
    model.ParseFromString(vocabulary)
    writer.add_tokenizer_model("t5")
    writer.add_token_list([piece.piece for piece in model.pieces])
    writer.add_token_scores([piece.score for piece in model.pieces])
    writer.add_token_types([piece.type for piece in model.pieces])
    writer.add_add_space_prefix(model.normalizer_spec.add_dummy_prefix)
    writer.add_remove_extra_whitespaces(model.normalizer_spec.remove_extra_whitespaces)
    charsmap = model.normalizer_spec.precompiled_charsmap
    if charsmap:
        writer.add_precompiled_charsmap(charsmap)
        kept.normalizer_spec.precompiled_charsmap = charsmap
    for piece in model.pieces:
        kept.pieces.add(piece=piece.piece, score=piece.score, type=piece.type)
    spec = kept.normalizer_spec
    spec.add_dummy_prefix = model.normalizer_spec.add_dummy_prefix
    spec.remove_extra_whitespaces = model.normalizer_spec.remove_extra_whitespaces
    bytes_kept = kept.SerializeToString()
    whole, part = (SentencePieceProcessor(model_proto=proto) for proto in (vocabulary, bytes_kept))
    for text in ("", "the tower falls into a cloud of dust", "  two  spaces, \u00e9\u4e2d \u2460"):
        assert whole.encode(text) == part.encode(text), text
    return bytes_kept


def save_gguf(path: Path, arch: str, state: list, kind_of, seed: int, vocabulary: bytes = b"") -> dict:
    """Writes (ours, theirs, tensor) and returns what the package reads of the quantised ones."""
    random, expected = np.random.default_rng(seed), {}
    writer = gguf.GGUFWriter(str(path), arch)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    if vocabulary:
        expected["spiece_model"] = torch.tensor(list(add_vocabulary(writer, vocabulary)), dtype=torch.uint8)
    for index, (ours, name, tensor) in enumerate(state):
        kind = kind_of(ours, tensor, index)
        if kind in ("F32", "F16"):
            data = tensor.numpy().astype(np.float32 if kind == "F32" else np.float16)
            if name == "patch_embedding.weight":  # as converters that know four dimensions at most
                writer.add_array(f"comfy.gguf.orig_shape.{name}", list(tensor.shape))
                data = data.reshape(-1, *tensor.shape[2:])
            if name == "blocks.1.modulation":  # as ggml's own writers, which drop leading ones
                data = data[0]
            writer.add_tensor(name, np.ascontiguousarray(data))
            continue
        data, type_of = quantised(tensor, kind, random), gguf.GGMLQuantizationType[kind]
        writer.add_tensor(name, data, raw_dtype=type_of)
        if kind != "BF16":
            expected[ours] = torch.from_numpy(gguf.quants.dequantize(data, type_of).copy()).view(tensor.shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return expected


def transformer_kind(ours: str, tensor: torch.Tensor, index: int) -> str:
    if tensor.dim() != 2:
        return "F16" if ours == "patch_embedding.weight" else "F32"
    if tensor.shape[1] % 256 == 0:
        return ["Q4_K", "Q5_K", "Q6_K"][index % 3]
    return ["Q8_0", "BF16", "Q5_1", "Q4_0", "F16", "Q5_0", "Q4_1"][index % 7]


def text_kind(ours: str, tensor: torch.Tensor, index: int) -> str:
    if tensor.dim() != 2 or "bias" in ours:
        return "F32"
    if tensor.shape[1] % 256 == 0:
        return ["Q6_K", "Q4_K", "Q5_K"][index % 3]
    return "Q8_0" if tensor.shape[1] % 32 == 0 else "F16"


def check_with_diffusers(folder: Path, states: dict) -> None:
    """diffusers' converters read the original and the repackaged files as the same state dicts."""
    for layout in ("original", "comfy"):
        same(convert_wan_transformer_to_diffusers(load_file(folder / layout / "diffusion_pytorch_model.safetensors")),
             states["transformer"])  # fmt: skip
        same(convert_wan_vae_to_diffusers(load_file(folder / layout / "Wan2.1_VAE.safetensors")), states["vae"])
    model = WanVACETransformer3DModel.from_single_file(
        str(folder / "comfy/diffusion_pytorch_model.safetensors"), config=str(folder / "diffusers"), subfolder="transformer",
        torch_dtype=torch.float32)  # fmt: skip
    same(model.state_dict(), states["transformer"])


def make_layouts(folder: Path, vocabulary: bytes) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    models = {
        "transformer": WanVACETransformer3DModel(
            num_attention_heads=2, attention_head_dim=16, text_dim=256, freq_dim=32, ffn_dim=256, num_layers=2,
            vace_layers=[0], vace_in_channels=96),
        "vae": AutoencoderKLWan(base_dim=2),
    }  # fmt: skip
    text_config = UMT5Config(vocab_size=64, d_model=256, d_kv=8, num_heads=2, d_ff=32, num_layers=2)
    text = UMT5EncoderModel(text_config)
    states = {part: values(model, seed) for seed, (part, model) in enumerate(models.items())}
    states["text_encoder"] = values(text, 2)
    states["text_encoder"].pop("encoder.embed_tokens.weight", None)
    save_diffusers(folder / "diffusers", models, states, {
        "model_type": "umt5", "vocab_size": 64, "d_model": 256, "d_kv": 8, "num_heads": 2, "d_ff": 32, "num_layers": 2,
        "feed_forward_proj": "gated-gelu"}, vocabulary)  # fmt: skip
    rename = {"transformer": wan_transformer_name, "vae": wan_vae_name, "text_encoder": wan_text_name}
    both = {part: [(name, rename[part](name), tensor) for name, tensor in state.items()] for part, state in states.items()}
    original = {part: {theirs: tensor for _, theirs, tensor in items} for part, items in both.items()}

    def config_beside(layout: str) -> None:
        save_json(folder / layout / "config.json", {
            "_class_name": "VaceWanModel", "model_type": "vace", "dim": 32, "num_heads": 2, "num_layers": 2,
            "vace_layers": [0], "vace_in_dim": 96, "in_dim": 16, "out_dim": 16, "ffn_dim": 256, "freq_dim": 32,
            "text_len": 512, "eps": 1e-6})  # fmt: skip

    for layout, dtypes in {"original": (torch.float32, torch.bfloat16), "comfy": (torch.float16, torch.float16)}.items():
        prefix = "model.diffusion_model." if layout == "comfy" else ""
        save(folder / layout / "diffusion_pytorch_model.safetensors",
             {prefix + name: tensor for name, tensor in original["transformer"].items()}, dtypes[1])  # fmt: skip
        save(folder / layout / "Wan2.1_VAE.safetensors", original["vae"], dtypes[0])
        config_beside(layout)
    spiece = torch.tensor(list(vocabulary), dtype=torch.uint8)
    save(folder / "original/models_t5.safetensors", original["text_encoder"], torch.bfloat16)
    (folder / "original/google/umt5-xxl").mkdir(parents=True)
    (folder / "original/google/umt5-xxl/spiece.model").write_bytes(vocabulary)
    halves = {name: tensor.half() for name, tensor in states["text_encoder"].items()}
    save(folder / "comfy/text_encoders/umt5_xxl.safetensors", {**halves, "spiece_model": spiece})

    save_fp8(folder / "comfy_fp8/transformer.safetensors", both["transformer"], "", False, scale_of)
    config_beside("comfy_fp8")
    save(folder / "comfy_fp8/vae.safetensors", original["vae"], torch.bfloat16)
    save_fp8(folder / "comfy_fp8/text.safetensors", [(n, n, t) for n, t in states["text_encoder"].items()], "", True, scale_of)
    (folder / "comfy_fp8/spiece.model").write_bytes(vocabulary)

    (folder / "gguf").mkdir()
    config_beside("gguf")
    save(folder / "gguf/vae.safetensors", {f"vae.{name}": tensor for name, tensor in original["vae"].items()}, torch.bfloat16)
    expected = save_gguf(folder / "gguf/transformer.gguf", "wan", both["transformer"], transformer_kind, 5)
    text_items = [(name, gguf_text_name(name), tensor) for name, tensor in states["text_encoder"].items()]
    expected |= save_gguf(folder / "gguf/text.gguf", "t5encoder", text_items, text_kind, 6, vocabulary)
    save(fresh_folder(folder.parent / "layouts_expected_0") / "gguf.safetensors", expected)
    check_with_diffusers(folder, states)


def make_image_layouts(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    config = CLIPVisionConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=16, image_size=28,
                              patch_size=7, hidden_act="gelu")  # fmt: skip
    models = {
        "transformer": WanTransformer3DModel(
            num_attention_heads=2, attention_head_dim=16, in_channels=36, out_channels=16, text_dim=256, freq_dim=32, ffn_dim=64,
            num_layers=2, image_dim=32, added_kv_proj_dim=32),
        "image_encoder": CLIPVisionModel(config),
    }  # fmt: skip
    transformer, encoder = (values(model, 10 + seed) for seed, model in enumerate(models.values()))
    save(folder / "diffusers/transformer/diffusion_pytorch_model.safetensors", transformer, torch.bfloat16)
    save_json(folder / "diffusers/transformer/config.json", config_of(models["transformer"]))
    save(folder / "diffusers/image_encoder/model.safetensors", encoder)
    save_json(folder / "diffusers/image_encoder/config.json", config.to_dict())
    wan = {wan_transformer_name(name): tensor for name, tensor in transformer.items()}
    save(folder / "wan.safetensors", wan, torch.float16)
    same(convert_wan_transformer_to_diffusers(load_file(folder / "wan.safetensors")), transformer)
    more = {"visual_projection.weight": torch.zeros(8, 32), "vision_model.embeddings.position_ids": torch.zeros(1, 17)}
    save(folder / "clip_vision.safetensors", {**{f"vision_model.{n}": t for n, t in encoder.items()}, **more}, torch.float16)
    text = {"token_embedding.weight": torch.zeros(5, 4), "blocks.0.attn.q.weight": torch.zeros(4, 4)}
    for style in ("wan", "open"):
        beside = {f"textual.{name}": tensor for name, tensor in text.items()} | {"visual.head": torch.zeros(32, 8)}
        save(folder / f"clip_{style}.safetensors", {**clip_state(encoder, style), **beside}, torch.float16)


def structure(path: Path, module: torch.nn.Module, *renames) -> None:
    """One line a tensor; blocks that are all alike share one."""
    state = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items() if "embed_tokens" not in name}
    groups: dict = {}
    for name, shape in state.items():
        key = re.sub(r"^(blocks|vace_blocks|encoder\.block|encoder\.layers)\.\d+\.", r"\1.*.", name)
        groups.setdefault(key, []).append((name, shape))
    lines = []
    for key, members in groups.items():
        scope = key.split(".*.")[0]
        blocks = len({name.split(".")[scope.count(".") + 1] for name in state if name.startswith(scope + ".")})
        together = "*" in key and len(members) == blocks and len({shape for _, shape in members}) == 1
        for name, shape in [(key, members[0][1])] if together else members:
            count = len(members) if together else 1
            lines.append(" ".join([name, *(rename(name) for rename in renames), str(count), *map(str, shape)]))
    path.write_text("\n".join(lines) + "\n")
    print(f"{path.name}: {len(state)} tensors in {len(lines)} lines")


def make_structures(folder: Path) -> None:
    fresh_folder(folder)
    sizes = {
        "transformer_1.3b": dict(num_attention_heads=12, ffn_dim=8960, num_layers=30, vace_layers=list(range(0, 30, 2))),
        "transformer_14b": dict(num_attention_heads=40, ffn_dim=13824, num_layers=40, vace_layers=list(range(0, 40, 5))),
    }
    with torch.device("meta"):
        for name, size in sizes.items():
            model = WanVACETransformer3DModel(vace_in_channels=96, **size)
            state = model.state_dict()
            back = convert_wan_transformer_to_diffusers({wan_transformer_name(n): t for n, t in state.items()})
            assert {n: t.shape for n, t in back.items()} == {n: t.shape for n, t in state.items()}
            structure(folder / f"{name}.txt", model, wan_transformer_name)
        image = WanTransformer3DModel(in_channels=36, out_channels=16, image_dim=1280, added_kv_proj_dim=5120)
        state = image.state_dict()
        back = convert_wan_transformer_to_diffusers({wan_transformer_name(n): t for n, t in state.items()})
        assert {n: t.shape for n, t in back.items()} == {n: t.shape for n, t in state.items()}
        structure(folder / "transformer_i2v_14b.txt", image, wan_transformer_name)
        clip = CLIPVisionModel(CLIPVisionConfig(
            hidden_size=1280, intermediate_size=5120, num_hidden_layers=32, num_attention_heads=16, image_size=224,
            patch_size=14, hidden_act="gelu"))  # fmt: skip
        structure(folder / "image_encoder.txt", clip, lambda name: "vision_model." + name)
        structure(folder / "vae.txt", AutoencoderKLWan(), wan_vae_name)
        text = UMT5EncoderModel(UMT5Config(vocab_size=256384, d_model=4096, d_kv=64, num_heads=64, d_ff=10240, num_layers=24))
        structure(folder / "text_encoder.txt", text, wan_text_name,
                  lambda name: gguf_text_name(name.replace("*", "0")).replace(".0.", ".*.", 1) if "*" in name
                  else gguf_text_name(name))  # fmt: skip


def make(out_root: Path) -> None:
    out_root = Path(out_root)
    vocabulary = (out_root / "pipeline_0/tokenizer/spiece.model").read_bytes()
    make_layouts(out_root / "layouts_0", vocabulary)
    make_image_layouts(out_root / "image_layouts_0")
    make_structures(out_root / "structures_0")


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
