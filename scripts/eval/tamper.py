"""What tamper.sh asks: is a byte that was changed found, and is its file named? Runs in the shot's folder."""

from __future__ import annotations

import argparse
import base64
import json
import random
import subprocess
from pathlib import Path

import measured

LOG = Path("out/c.provenance.json")
FILES = {  # those of them that the log names are changed: a matte before the onset is never read
    "frame": sorted(Path("out").glob("c.*.exr")),
    "log": [LOG],
    "plate": sorted(Path("plates").iterdir()),
    "matte": sorted(Path("mattes").iterdir()),
    "weights": sorted(Path("model").rglob("*.safetensors")),
}
FOUND = 6  # the exit code of a verify that does not match


def logged() -> set[Path]:
    """The files that the log names, and the log itself."""
    statement = json.loads(base64.b64decode(json.loads(LOG.read_text())["payload"]))
    named = [subject["name"] for subject in statement["subject"]]
    named += [dependency["name"] for dependency in statement["predicate"]["buildDefinition"]["resolvedDependencies"]]
    return {(LOG.parent / name).resolve() for name in named} | {LOG.resolve()}


def ask(program: str) -> tuple[int, str]:
    answer = subprocess.run([program, "verify", LOG, "--key", "show.pub.pem"], capture_output=True, text=True, check=False)
    return answer.returncode, answer.stderr


def change(program: str, kind: str, file: Path, source: random.Random) -> dict:
    """Changes one byte of the file, asks, and puts the byte back."""
    good = file.read_bytes()
    at = source.randrange(len(good))
    value = good[at] ^ source.randrange(1, 256)
    file.write_bytes(good[:at] + bytes([value]) + good[at + 1:])
    code, said = ask(program)
    file.write_bytes(good)
    errors = [line for line in said.splitlines() if "error: " in line]
    named = [line for line in errors if file.name in line]
    return {"kind": kind, "file": str(file), "at": at, "was": good[at], "is": value, "code": code, "found": code == FOUND,
            "named": len(named) > 0, "only": len(named) == len(errors), "said": errors[:1]}


def row(name: str, files: list[Path], places: list[dict]) -> str:
    counts = [sum(place[key] for place in places) for key in ("found", "named", "only")]
    size = sum(file.stat().st_size for file in files)
    return f"| {name} | {len(files)} | {size} | {len(places)} | {' | '.join(map(str, counts))} |"


def table(kinds: dict[str, list[Path]], places: list[dict]) -> list[str]:
    lines = ["| changed in | files | bytes | places | found | named | nothing else named |", "|---|---|---|---|---|---|---|"]
    lines += [row(kind, files, [place for place in places if place["kind"] == kind]) for kind, files in kinds.items()]
    return lines + [row("all", sum(kinds.values(), []), places)]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--places", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--command", required=True)
    options = parser.parse_args()
    known = logged()
    kinds = {kind: [file for file in files if file.resolve() in known] for kind, files in FILES.items()}
    assert all(kinds.values()), f"the log does not name a file of each kind: {kinds}"
    source = random.Random(options.seed)
    places = []
    for index in range(options.places):
        kind = list(kinds)[index % len(kinds)]
        places.append(change(options.program, kind, source.choice(kinds[kind]), source))
    code, said = ask(options.program)
    assert code == 0, f"the files are not what they were: {said}"
    missed = [place for place in places if not (place["found"] and place["named"])]
    facts = {**measured.facts(options.program, options.command), "seed": options.seed}
    lines = ["# One byte changed, and what `verify` says", "",
             measured.sentence(facts), "",
             f"A shot of {len(kinds['frame'])} frames, its log signed with Ed25519 and checked with the key; a random byte of a random "
             f"file gets another value (seed {options.seed}), `derrumbe verify LOG --key PUB.pem` has to end with 6 and to name that file.",
             "", *table(kinds, places), ""]
    lines += [f"- not found or not named: byte {p['at']} of {p['file']}, {p['was']} became {p['is']}: exit {p['code']}, {p['said']}"
              for p in missed]
    print("\n".join(lines))
    (options.out / "tamper.md").write_text("\n".join(lines).rstrip() + "\n")
    (options.out / "tamper.json").write_text(json.dumps({**facts, "places": places}, indent=1) + "\n")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
