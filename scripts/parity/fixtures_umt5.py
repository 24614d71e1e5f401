"""Makes tests/model/fixtures/umt5_<n>: random UMT5EncoderModel folders with one row of tokens each.

A folder holds config.json, tensors.safetensors (transformers' names) and io.safetensors: ids [n], embeddings
[1, n, width]. Padding is left out: the pipeline cuts its rows away.
"""

from pathlib import Path

import torch
from transformers import UMT5Config, UMT5EncoderModel

from common import fresh_folder, randomise, save_json, save_tensors

CASES = [
    dict(tokens=9, vocab_size=60, d_model=16, d_kv=8, d_ff=24, num_heads=2, num_layers=2),
    dict(tokens=1, vocab_size=31, d_model=12, d_kv=6, d_ff=40, num_heads=3, num_layers=3),
    # long enough for every bucket, and for distances that are powers of two
    dict(tokens=200, vocab_size=100, d_model=24, d_kv=4, d_ff=16, num_heads=5, num_layers=2),
    dict(tokens=70, vocab_size=77, d_model=20, d_kv=10, d_ff=30, num_heads=1, num_layers=4,
         relative_attention_num_buckets=16, relative_attention_max_distance=40, layer_norm_epsilon=1e-5),
]


def make_case(folder: Path, index: int, case: dict) -> None:
    fresh_folder(folder)
    tokens = case["tokens"]
    config = UMT5Config(**{key: value for key, value in case.items() if key != "tokens"})
    model = UMT5EncoderModel(config).eval()
    randomise(model, 5000 + index)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "relative_attention_bias" in name:
                parameter.mul_(4)  # a wrong bucket must show
    ids = torch.randint(0, case["vocab_size"], (tokens,), generator=torch.Generator().manual_seed(6000 + index))
    ids[-1] = 1
    with torch.inference_mode():
        mask = torch.ones((1, tokens), dtype=torch.long)
        embeddings = model(input_ids=ids[None], attention_mask=mask).last_hidden_state
    tensors = dict(model.state_dict())
    # A checkpoint holds the embedding once; one of the cases under the encoder's name.
    tensors.pop("shared.weight" if index == 1 else "encoder.embed_tokens.weight")
    save_json(folder / "config.json", config.to_dict())
    save_tensors(folder / "tensors.safetensors", tensors)
    save_tensors(folder / "io.safetensors", {"ids": ids, "embeddings": embeddings})


def make(out_root: Path) -> None:
    for index, case in enumerate(CASES):
        make_case(Path(out_root) / f"umt5_{index}", index, case)


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/model/fixtures")
