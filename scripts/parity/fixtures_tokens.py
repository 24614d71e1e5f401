"""Makes tests/text/fixtures: a small SentencePiece vocabulary, and what 300 prompts become.

tokenizer/spiece.model: unigram with UMT5's conventions (<pad> 0, </s> 1, <s> 2, <unk> 3) and normaliser (nmt_nfkc), no
byte pieces. prompts.json: for each prompt the text that diffusers' prompt_clean (ftfy, html) makes of it, and its ids by
the sentencepiece package for 64 tokens. byte_fallback/tokenizer/spiece.model: the same with byte pieces, which must not
be used; its expected ids come from the pieces, bytes read as <unk>.

Where nothing is unknown, the ids are also compared with transformers' T5Tokenizer here, and a difference ends the run.
"""

import html
import io
import json
import re
from pathlib import Path

import ftfy
import sentencepiece as spm

from prompts import corpus, prompts

FOLDER = "text"
MAX_LENGTH = 64


def prompt_clean(text: str) -> str:
    """diffusers 0.42.1, pipelines/wan/pipeline_wan_vace.py: basic_clean and whitespace_clean."""
    text = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
    return re.sub(r"\s+", " ", text).strip()


def train(path: Path, lines: list, vocabulary: int, byte_fallback: bool, normalizer: str) -> None:
    model = io.BytesIO()
    spm.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, model_type="unigram", vocab_size=vocabulary,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="</s>", bos_piece="<s>", unk_piece="<unk>",
        normalization_rule_name=normalizer, byte_fallback=byte_fallback, character_coverage=0.9995, num_threads=1,
        hard_vocab_limit=False, minloglevel=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.getvalue())


def truncated(ids: list, end: int) -> list:
    return ids[: MAX_LENGTH - 1] + [end]


def fused(processor, text: str) -> list:
    """Ids with every run of unknowns and byte pieces as one <unk>."""
    out = []
    for piece in processor.encode(text):
        unknown = processor.is_unknown(piece) or processor.is_byte(piece)
        if not (unknown and out and out[-1] == processor.unk_id()):
            out.append(processor.unk_id() if unknown else piece)
    return out


def compare_with_transformers(folder: Path, rows: list, processor) -> int:
    from transformers import T5TokenizerFast

    tokenizer = T5TokenizerFast.from_pretrained(str(folder), extra_ids=0)
    compared = 0
    for row in rows:
        if processor.unk_id() in row["ids"]:
            continue
        theirs = tokenizer(row["clean"], truncation=True, max_length=MAX_LENGTH).input_ids
        if theirs != row["ids"]:
            raise SystemExit(f"transformers disagrees on {row['clean']!r}:\n{theirs}\n{row['ids']}")
        compared += 1
    return compared


def make(out_root: Path) -> None:
    out_root = Path(out_root)
    lines = corpus()
    train(out_root / "tokenizer/spiece.model", lines, 900, False, "nmt_nfkc")
    train(out_root / "byte_fallback/tokenizer/spiece.model", lines, 700, True, "identity")
    plain = spm.SentencePieceProcessor(model_file=str(out_root / "tokenizer/spiece.model"))
    bytes_too = spm.SentencePieceProcessor(model_file=str(out_root / "byte_fallback/tokenizer/spiece.model"))
    rows = []
    for prompt in prompts():
        clean = prompt_clean(prompt)
        rows.append({"prompt": prompt, "clean": clean, "ids": truncated(plain.encode(clean), plain.eos_id()),
                     "byte_fallback_ids": truncated(fused(bytes_too, clean), bytes_too.eos_id())})
    compared = compare_with_transformers(out_root / "tokenizer", rows, plain)
    unknown = sum(plain.unk_id() in row["ids"] for row in rows)
    print(f"{len(rows)} prompts, {unknown} with unknowns, {compared} equal in transformers, vocabulary {len(plain)}")
    # ASCII, one row a line; surrogates cannot occur.
    text = "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n"
    (out_root / "prompts.json").write_text(text, encoding="ascii")


if __name__ == "__main__":
    make(Path(__file__).resolve().parents[2] / "tests/text/fixtures")
