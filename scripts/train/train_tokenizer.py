"""Trains the small SentencePiece vocabulary on the prompt grammar, in English and Spanish.

python train_tokenizer.py --run RUN [--prompts 20000] [--pieces 2048]

The special ids are T5's (<pad> 0, </s> 1, <unk> 2), which SentencePiece, tokenizers and transformers all agree on.
Every printable Latin character is in the vocabulary, so a word the grammar never says falls into letters, not <unk>.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

from footage.prompts import EN, makePrompts, mirror_prompt

KINDS = ["down", "left", "right", "forward", "pancake", "shear", "facade", "explosion", "fire", "toxic_snow", "ash",
         "cracks", "nothing"]
# Words of the trade that artists type and the grammar may not: they get pieces longer than letters.
EXTRA = """collapse collapses collapsing collapsed demolition demolished implosion rubble debris dust smoke fire flames
explosion blast shockwave building tower facade apartment block balcony brick concrete glass window street avenue city
Buenos Aires cinematic photorealistic film plate camera handheld locked wide night day dusk dawn rain fog sunny overcast
ash snow toxic fallout crumbles crumbling topples falls leans cracks earthquake bomb slowly suddenly violently heavy thick
thin dense little no without with into towards behind before after while the and of in on a an to from
edificio derrumbe derrumba colapsa cae polvo humo fuego explosión escombros fachada torre calle ciudad nieve ceniza tóxica
grietas lentamente de golpe hacia la izquierda derecha adelante mucho poco sin con día noche lluvia niebla soleado
colapso demolición prédio desaba poeira fumaça blurry artifacts low quality watermark text cartoon deformed""".split()


def corpus(count: int, seed: int) -> list[str]:
    """Prompts of the grammar, both languages, mirrored ones too, and the extra words."""
    rng = random.Random(seed)
    draws = np.random.default_rng(seed)
    lines: list[str] = []
    while len(lines) < count:
        kind = rng.choice(KINDS)
        direction = kind if kind in ("left", "right", "forward") else "none"
        if kind == "shear":
            direction = rng.choice(["left", "right"])
        meta = {"kind": kind, "direction": direction, "dust": rng.random(), "speed": rng.choice(["slow", "normal", "fast"]),
                "fire": kind in ("fire", "explosion") or rng.random() < 0.2, "time_of_day": rng.choice(list(EN["time"])),
                "camera": rng.choice(list(EN["camera"])),
                "building": {"style": rng.choice(list(EN["style"])), "floors": rng.randint(2, 14)}}
        made = makePrompts(meta, draws)
        for line in made["en"] + made["es"]:
            lines += [line, mirror_prompt(line), line.capitalize() + "."]
    lines += [word for word in EXTRA for _ in range(20)]
    lines += [f"{a} {b} {c}" for a, b, c in (rng.sample(EXTRA, 3) for _ in range(3000))]
    return lines


def forgetPaths(path: Path) -> None:
    """Takes the folder names of the training machine out of a vocabulary; pieces and ids stay as they are."""
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto.FromString(path.read_bytes())
    model.trainer_spec.ClearField("input")
    model.trainer_spec.ClearField("model_prefix")
    path.write_bytes(model.SerializeToString())


def main() -> None:
    import sentencepiece

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--prompts", type=int, default=20000)
    parser.add_argument("--pieces", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.run.mkdir(parents=True, exist_ok=True)
    text = arguments.run / "corpus.txt"
    text.write_text("\n".join(corpus(arguments.prompts, arguments.seed)))
    characters = "".join(chr(c) for c in [*range(0x21, 0x7F), *range(0xA1, 0x180)] if chr(c).isprintable())
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(arguments.run / "spiece"), model_type="unigram",
        vocab_size=arguments.pieces, hard_vocab_limit=False, character_coverage=1.0, required_chars=characters,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>", eos_piece="</s>", unk_piece="<unk>",
        normalization_rule_name="nmt_nfkc", num_threads=1, byte_fallback=False, minloglevel=1,
        input_sentence_size=60000, shuffle_input_sentence=False)
    forgetPaths(arguments.run / "spiece.model")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(arguments.run / "spiece.model"))
    text.unlink()
    print(f"{processor.get_piece_size()} pieces; "
          f"{processor.encode('the building topples to the left in thick dust', out_type=str)}")


if __name__ == "__main__":
    main()
