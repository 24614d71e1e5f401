#!/usr/bin/env python3
"""Makes a whole WanVACEPipeline, WanPipeline or WanImageToVideoPipeline folder with random weights, of sizes drawn from a seed.

    random_model.py --seed 7 --out DIR

diffusers' layout (model_index.json and a folder a component), float32, sometimes in shards, with a vocabulary
trained on the spot. `derrumbe.json` beside it gives working sizes small enough for a check.
"""

import argparse
import io
import random
from pathlib import Path

import sentencepiece as spm
import torch
from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel, WanVACETransformer3DModel
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel

from common import randomise, save_json
from prompts import corpus


def sizes(seed: int) -> dict:
    """Everything that may differ between models of the family, drawn from `seed`."""
    draw = random.Random(seed)
    residual = draw.random() < 0.6
    text_dim = draw.choice([16, 24, 32])
    layers = draw.randint(1, 4)
    vace = sorted({0} | {layer for layer in range(layers) if draw.random() < 0.5})
    channels = draw.choice([4, 8, 16])
    patch = draw.choice([1, 2, 2])
    vae = dict(z_dim=channels, num_res_blocks=draw.choice([1, 2]), attn_scales=[])
    if residual:
        # Two halvings and patches of 2 make 8, three make 16, as in Wan2.2.
        stages, temporal, scale = draw.choice([([1, 2, 2], [True, True], 8), ([1, 1, 1], [True, True], 8),
                                               ([1, 1, 2, 2], [False, True, True], 16)])
        vae |= dict(is_residual=True, base_dim=8, decoder_base_dim=draw.choice([8, 16]), dim_mult=stages,
                    temperal_downsample=temporal, patch_size=2, in_channels=12, out_channels=12)
    else:
        scale = 8
        vae |= dict(is_residual=False, base_dim=draw.choice([6, 8, 12]),
                    dim_mult=draw.choice([[1, 2, 4, 4], [1, 1, 2, 2], [1, 2, 2, 2]]),
                    temperal_downsample=draw.choice([[False, True, True], [True, True, False], [True, False, True]]))
    multiple = scale * patch
    vae |= dict(scale_factor_spatial=scale, scale_factor_temporal=4)
    return dict(
        vae=vae,
        transformer=dict(
            patch_size=(1, patch, patch), num_attention_heads=draw.randint(1, 4),
            attention_head_dim=draw.choice([8, 12, 16, 24]), in_channels=channels, out_channels=channels,
            text_dim=text_dim, freq_dim=draw.choice([32, 64, 256]), ffn_dim=draw.choice([32, 48, 72]),
            num_layers=layers, vace_layers=vace, vace_in_channels=2 * channels + scale * scale,
            cross_attn_norm=draw.random() < 0.8, eps=1e-6),
        text=dict(
            d_model=text_dim, d_kv=draw.choice([4, 8]), num_heads=draw.randint(1, 4), d_ff=draw.choice([24, 40]),
            num_layers=draw.randint(1, 3), relative_attention_num_buckets=draw.choice([16, 32]),
            relative_attention_max_distance=draw.choice([32, 128])),
        vocabulary=draw.choice([400, 500, 560]), text_length=draw.choice([24, 64, 512]),
        working=[multiple * max(1, draw.choice([48, 64, 80]) // multiple) for _ in range(2)],
        shard=draw.choice([None, "40KB"]), scheduler=dict(flow_shift=draw.choice([1.0, 3.0, 5.0])),
        boundary=draw.choice([None, None, 0.5, 0.875]),  # a pair of experts where there is one
        # without VACE layers
        **draw.choice([{}, {}, {}, {"text_to_video": True}, {"image_to_video": True}]),
        # of an image-to-video model, as Wan2.1 has one
        image_encoder=draw.choice([None, dict(
            hidden_size=32, intermediate_size=draw.choice([40, 64]), num_hidden_layers=draw.randint(1, 4),
            num_attention_heads=draw.choice([2, 4]), image_size=28, patch_size=draw.choice([7, 14]),
            hidden_act=draw.choice(["gelu", "quick_gelu"]))]),
    )


def write_tokenizer(folder: Path, vocabulary: int, normalizer: str) -> int:
    """A small unigram vocabulary with UMT5's special tokens; its size. UMT5's normaliser is nmt_nfkc (240 KB)."""
    folder.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, model_type="unigram", vocab_size=vocabulary,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="</s>", bos_piece="<s>", unk_piece="<unk>",
        normalization_rule_name=normalizer, character_coverage=0.9995, num_threads=1, hard_vocab_limit=False,
        minloglevel=2)
    (folder / "spiece.model").write_bytes(model.getvalue())
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    save_json(folder / "special_tokens_map.json", special)
    save_json(folder / "tokenizer_config.json", {
        **special, "tokenizer_class": "T5Tokenizer", "extra_ids": 0, "legacy": True, "model_max_length": 512})
    return len(spm.SentencePieceProcessor(model_proto=model.getvalue()))


def make_model(folder: Path, seed: int, chosen: dict | None = None, normalizer: str = "nmt_nfkc") -> dict:
    """Writes the folder, of the sizes given or drawn; returns them."""
    folder = Path(folder)
    chosen = chosen or sizes(seed)
    generator = torch.Generator().manual_seed(seed)
    pieces = write_tokenizer(folder / "tokenizer", chosen["vocabulary"], normalizer)

    channels = chosen["vae"]["z_dim"]
    mean = (0.3 * torch.randn(channels, generator=generator)).tolist()
    std = (1 + torch.rand(channels, generator=generator)).tolist()
    vae = AutoencoderKLWan(**chosen["vae"], latents_mean=mean, latents_std=std)
    randomise(vae, seed)
    with torch.no_grad():  # away from the clamp at +-1, which would hide differences
        vae.decoder.conv_out.weight.mul_(0.6)
    boundary = chosen.get("boundary")
    transformers = {"transformer": seed + 1} | ({"transformer_2": seed + 3} if boundary else {})
    shard = {"max_shard_size": chosen["shard"]} if chosen["shard"] else {}
    image = chosen.get("image_to_video", False)  # reads a mask of 4 frames and the given frames' latents, too
    plain = chosen.get("text_to_video", False) or image
    kind = WanTransformer3DModel if plain else WanVACETransformer3DModel
    config = {key: value for key, value in chosen["transformer"].items() if not (plain and key.startswith("vace_"))}
    if image:
        config["in_channels"] = 2 * channels + 4
    seen = chosen.get("image_encoder") if image else None
    if seen:
        config["image_dim"] = seen["hidden_size"]
        config["added_kv_proj_dim"] = config["num_attention_heads"] * config["attention_head_dim"]
        # diffusers' attention takes all but the last 512 rows for the image's.
        chosen["text_length"] = 512
        encoder = CLIPVisionModel(CLIPVisionConfig(**seen))
        randomise(encoder, seed + 4)
        encoder.save_pretrained(folder / "image_encoder", **shard)
        side = seen["image_size"]
        CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side}).save_pretrained(
            folder / "image_processor")
    for name, transformer_seed in transformers.items():
        transformer = kind(**config)
        randomise(transformer, transformer_seed)
        transformer.save_pretrained(folder / name, **shard)
    text = UMT5EncoderModel(UMT5Config(
        **chosen["text"], vocab_size=pieces + 128, feed_forward_proj="gated-gelu", dropout_rate=0.0, is_encoder_decoder=False,
        layer_norm_epsilon=1e-6, pad_token_id=0, eos_token_id=1))
    randomise(text, seed + 2)
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, **chosen["scheduler"])

    vae.save_pretrained(folder / "vae")
    text.save_pretrained(folder / "text_encoder", **shard)
    scheduler.save_pretrained(folder / "scheduler")
    pipeline = "WanImageToVideoPipeline" if image else "WanPipeline" if plain else "WanVACEPipeline"
    classes = {"image_encoder": "CLIPVisionModel", "image_processor": "CLIPImageProcessor"}
    shown = {name: ["transformers", kind] if seen else [None, None] for name, kind in classes.items()} if image else {}
    save_json(folder / "model_index.json", {
        "_class_name": pipeline, "_diffusers_version": "0.42.1", "boundary_ratio": boundary,
        "scheduler": ["diffusers", "UniPCMultistepScheduler"], "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"], "transformer": ["diffusers", kind.__name__],
        "transformer_2": ["diffusers", kind.__name__] if boundary else [None, None],
        "vae": ["diffusers", "AutoencoderKLWan"], **shown})
    save_json(folder / "derrumbe.json", {
        "name": f"random-{seed}", "version": "0", "license": "none", "encoding": "srgb", "encoding_space": "lin_rec709",
        "matte_fill": "plate", "working_size": chosen["working"], "window": {"length": 81, "overlap": 17},
        "text_length": chosen["text_length"],
        "sampler": {"scheduler": "unipc", "steps": 4, "guidance": 3.0, "shift": chosen["scheduler"]["flow_shift"]}})
    return chosen


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    print(make_model(arguments.out, arguments.seed))
