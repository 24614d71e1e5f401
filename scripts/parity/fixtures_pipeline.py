"""Makes tests/model/fixtures/pipeline_<n>: whole random model folders, each with one run of diffusers' WanVACEPipeline.

A folder is a model folder (model_index.json, transformer/, vae/, text_encoder/, tokenizer/, scheduler/, derrumbe.json), and
beside it pipeline.json {prompt, negative_prompt, scheduler, steps, guidance, shift, keep_reactive, and of a pair of experts
guidance_2} and io.safetensors: input_video [1,3,F,H,W] in [-1,1], input_mask [1,1,F,H,W], input_references [R,3,H,W] (in the order given), ids,
negative_ids, noise, prompt_embeds, negative_prompt_embeds (with guidance), conditioning, timesteps, latents, video.
"""

import shutil
from pathlib import Path

import sentencepiece as spm
import torch

from common import save_json, save_tensors
from random_model import make_model
from replay import load_pipeline, replay

PLAIN = dict(z_dim=4, num_res_blocks=1, attn_scales=[], is_residual=False, base_dim=4, dim_mult=[1, 1, 2, 2],
             temperal_downsample=[False, True, True], scale_factor_spatial=8, scale_factor_temporal=4)
RESIDUAL = dict(z_dim=6, num_res_blocks=1, attn_scales=[], is_residual=True, base_dim=8, decoder_base_dim=8,
                dim_mult=[1, 1, 1], temperal_downsample=[True, True], patch_size=2, in_channels=12, out_channels=12,
                scale_factor_spatial=8, scale_factor_temporal=4)
TEXT = dict(d_model=16, d_kv=4, num_heads=2, d_ff=24, num_layers=2, relative_attention_num_buckets=32,
            relative_attention_max_distance=128)


def transformer(channels: int, **changes) -> dict:
    return dict(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels,
                out_channels=channels, text_dim=16, freq_dim=32, ffn_dim=40, num_layers=2, vace_layers=[0, 1],
                vace_in_channels=2 * channels + 64, cross_attn_norm=True, eps=1e-6) | changes


CASES = [
    dict(model=dict(vae=RESIDUAL, transformer=transformer(6), shard="40KB", text_length=24, working=[48, 32]), frames=5,
         references=1, run=dict(scheduler="unipc", steps=4, guidance=5.0, shift=3.0, keep_reactive=True)),
    dict(model=dict(vae=PLAIN, transformer=transformer(4, num_layers=3, vace_layers=[0, 2]), shard=None, text_length=64,
                    working=[32, 48]), frames=9, references=2,
         run=dict(scheduler="euler", steps=3, guidance=2.5, shift=5.0, keep_reactive=False)),
    dict(model=dict(vae=PLAIN, transformer=transformer(4, patch_size=(1, 1, 1)), shard=None, text_length=512,
                    working=[40, 24]), frames=1, references=0,
         run=dict(scheduler="unipc", steps=6, guidance=1.0, shift=1.0, keep_reactive=True)),
    # A pair of experts: six steps with shift 3 are three on each side of 0.8.
    dict(model=dict(vae=PLAIN, transformer=transformer(4, num_layers=1, vace_layers=[0]), shard=None, text_length=24,
                    working=[32, 32], boundary=0.8), frames=5, references=0,
         run=dict(scheduler="unipc", steps=6, guidance=4.0, guidance_2=2.5, shift=3.0, keep_reactive=True)),
]
# Image-to-video: diffusers gives the first frame alone and holds nothing, so that the mask is 1 everywhere. The second
# sees it through an image encoder, too.
IMAGE_CASES = [
    dict(model=dict(vae=PLAIN, transformer=transformer(4, num_layers=2), shard=None, text_length=24, working=[32, 32],
                    image_to_video=True), frames=9, references=0,
         run=dict(scheduler="unipc", steps=4, guidance=3.0, shift=5.0, keep_reactive=True)),
    dict(model=dict(vae=PLAIN, transformer=transformer(4, num_layers=2), shard=None, text_length=512, working=[48, 32],
                    image_to_video=True, image_encoder=dict(
                        hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, image_size=28,
                        patch_size=7, hidden_act="gelu")), frames=5, references=0,
         run=dict(scheduler="unipc", steps=3, guidance=3.0, shift=3.0, keep_reactive=True)),
]
PROMPT = "the office tower falls to the left, windows bursting floor by floor"
NEGATIVE = "blurry, text"


def make_case(folder: Path, index: int, case: dict) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    model, run = case["model"], {"prompt": PROMPT, "negative_prompt": NEGATIVE, **case["run"]}
    make_model(folder, 5000 + index, {**model, "text": TEXT, "vocabulary": 300, "scheduler": {"flow_shift": run["shift"]}},
               normalizer="identity")
    generator = torch.Generator().manual_seed(6000 + index)
    channels, frames, references = model["vae"]["z_dim"], case["frames"], case["references"]
    width, height = model["working"]
    latent_frames = (frames + 3) // 4
    video = torch.nn.functional.interpolate(
        torch.rand(1, 3, frames, 4, 4, generator=generator), (frames, height, width), mode="trilinear") * 2 - 1
    mask = torch.zeros(1, 1, frames, height, width)
    mask[:, :, frames // 3 :, height // 4 : 3 * height // 4, width // 5 :] = 1
    if model.get("image_to_video"):
        mask.fill_(1)
    inputs = {
        "input_video": video, "input_mask": mask,
        "input_references": torch.rand(references, 3, height, width, generator=generator) * 2 - 1,
        "noise": torch.randn(1, channels, references + latent_frames, height // 8, width // 8, generator=generator),
    }
    if model.get("image_to_video"):
        inputs["conditioning"] = torch.zeros(1, channels + 1, latent_frames, height // 8, width // 8)
    shapes = {"latents": torch.empty(1, channels, latent_frames, height // 8, width // 8),
              "video": torch.empty(1, 3, frames, height, width),
              "prompt_embeds": torch.empty(1, model["text_length"], 1)}
    outputs = replay(load_pipeline(folder, run["scheduler"], run["shift"]), {**inputs, **shapes}, run)
    processor = spm.SentencePieceProcessor(model_file=str(folder / "tokenizer/spiece.model"))
    ids = {name: torch.tensor(processor.encode(text)[: model["text_length"] - 1] + [processor.eos_id()])
           for name, text in (("ids", PROMPT), ("negative_ids", NEGATIVE))}
    assert all(processor.unk_id() not in one.tolist() for one in ids.values())
    if references == 0:
        inputs.pop("input_references")
    save_json(folder / "pipeline.json", run)
    save_tensors(folder / "io.safetensors", {**inputs, **ids, **outputs})


def make(out_root: Path) -> None:
    for index, case in enumerate(CASES):
        make_case(Path(out_root) / f"pipeline_{index}", index, case)
    for index, case in enumerate(IMAGE_CASES):
        make_case(Path(out_root) / f"image_to_video_{index}", len(CASES) + index, case)


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
