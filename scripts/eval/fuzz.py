"""What fuzz.sh runs: every target under libFuzzer, and the table of what came of it."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import os
import platform
import re
import resource
import subprocess
import tempfile
from pathlib import Path

import measured

LONGEST = 1024  # bytes of an input; larger ones are slower and show little else
LIMITS = ["-timeout=30", "-malloc_limit_mb=1024", "-rss_limit_mb=3072"]  # a second of processor time is the program's own limit
# Libraries (LibTorch, OpenSSL) keep what they make for as long as the program runs.
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0:malloc_context_size=2",
               "UBSAN_OPTIONS": "print_stacktrace=1", "OMP_NUM_THREADS": "1"}


def run(program: Path, arguments: list[str], work: Path, log: Path) -> tuple[int, str]:
    """Runs it; what it says goes to `log` as it comes."""
    environment = {**os.environ, **ENVIRONMENT, "TMPDIR": str(work)}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as said:
        done = subprocess.run([program, *arguments], stdout=said, stderr=said, env=environment, check=False)
    return done.returncode, log.read_text(errors="replace")


def number(pattern: str, text: str) -> float:
    found = re.findall(pattern, text)
    return float(found[-1]) if found else 0.0


def campaign(target: str, options: argparse.Namespace, work: Path) -> dict:
    """Runs one target until it has had its inputs; a run that ends at a finding is gone on with, from another seed."""
    program = options.build / "bin" / f"fuzz_{target}"
    grown = options.build / "corpus" / target
    findings = options.build / "findings" / target
    for folder in (grown, findings):
        folder.mkdir(parents=True, exist_ok=True)
    dictionary = options.corpora.parent / "dictionaries" / f"{target}.dict"
    row = {"target": target, "inputs": 0, "seconds": 0.0, "coverage": 0, "slowest": 0.0, "memory": 0, "findings": []}
    known = set(findings.iterdir())
    for round_ in range(20):
        left = options.inputs - row["inputs"]
        if left <= 0:
            break
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        code, said = run(program, [f"-runs={left}", f"-seed={options.seed + round_}", f"-max_len={LONGEST}", "-entropic=0",
                                   f"-artifact_prefix={findings}/", "-print_final_stats=1", "-print_funcs=0", *LIMITS,
                                   *([f"-dict={dictionary}"] if dictionary.exists() else []),
                                   str(grown), str(options.corpora / target)],
                         work, options.build / "logs" / f"{target}.txt")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        row["seconds"] += after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        row["inputs"] += int(number(r"stat::number_of_executed_units:\s*(\d+)", said)) or int(number(r"#(\d+)\s", said))
        row["coverage"] = max(row["coverage"], int(number(r"cov: (\d+)", said)))
        row["slowest"] = max(row["slowest"], number(r"slowest input: ([\d.]+)", said))
        row["memory"] = max(row["memory"], int(number(r"stat::peak_rss_mb:\s*(\d+)", said)) or int(number(r"rss: (\d+)Mb", said)))
        if code == 0:
            continue
        new = sorted(set(findings.iterdir()) - known)
        known.update(new)
        why = re.findall(r"(?:ERROR: \w+: .*|SUMMARY: .*|runtime error: .*|what\(\): .*|an input of .* took .*)", said)
        row["findings"].append({"file": new[-1].name if new else "", "said": why[:3]})
        print(f"{target}: {row['findings'][-1]}", flush=True)
        if not new:
            print(said[-3000:])
            break
    return row


def merge(target: str, options: argparse.Namespace, work: Path) -> None:
    """Adds to the committed corpus what reaches code that it does not reach, edges alone, as few inputs as libFuzzer finds."""
    program = options.build / "bin" / f"fuzz_{target}"
    committed = options.corpora / target
    with tempfile.TemporaryDirectory(dir=work) as folder:
        named = [file for file in committed.iterdir() if not re.fullmatch(r"[0-9a-f]{16}", file.name)]
        for file in named:
            (Path(folder) / file.name).write_bytes(file.read_bytes())
        run(program, ["-merge=1", "-use_counters=0", "-max_len=2048", folder, str(options.build / "corpus" / target), str(committed)],
            work, options.build / "logs" / f"{target}.merge.txt")
        for file in set(committed.iterdir()) - set(named):
            file.unlink()
        for file in Path(folder).iterdir():
            if file.name not in {one.name for one in named}:
                data = file.read_bytes()
                (committed / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def version(program: str) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0].strip()


def commit(root: Path) -> str:
    done = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "not known"


def line(row: dict) -> str:
    rate = row["inputs"] / row["seconds"] if row["seconds"] else 0
    return (f"| {row['target']} | {row['inputs']} | {rate:.0f} | {row['coverage']} | {row['slowest']:.3f} s | {row['memory']} MiB "
            f"| {len(row['findings'])} |")


def report(rows: dict[str, dict], options: argparse.Namespace) -> None:
    dates = sorted({row["date"] for row in rows.values()})
    commits = sorted({row["commit"] for row in rows.values()})
    facts = {"date": dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}", "command": options.command, "machine": measured.machine(),
             "versions": f"derrumbe {', '.join(commits)}, {version(options.compiler)}, python {platform.python_version()}"}
    lines = ["# Hostile bytes, and what becomes of them", "",
             measured.sentence(facts), "",
             f"Inputs of up to {LONGEST} bytes, grown from `tests/fuzz/corpus` under AddressSanitizer and UndefinedBehaviorSanitizer. "
             "Inputs a second of processor time. Coverage: edges of our own code that were reached. Longest: processor time of one input. Memory: the process's most, "
             "sanitizers and libraries included. A finding is a crash, a report, an exception that is no refusal, a property that does "
             "not hold, more than 1 s, or an allocation above 1 GiB.", "",
             "| target | inputs | inputs a second | coverage | longest | memory | findings |", "|---|---|---|---|---|---|---|",
             *(line(row) for row in rows.values())]
    lines += [f"- {row['target']}: {finding['file']}: {'; '.join(finding['said'])}" for row in rows.values() for finding in row["findings"]]
    (options.out / "fuzz.md").write_text("\n".join(lines) + "\n")
    (options.out / "fuzz.json").write_text(json.dumps({**facts, "targets": list(rows.values())}, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("--build", "--corpora", "--out"):
        parser.add_argument(name, type=Path, required=True)
    for name in ("--inputs", "--seed"):
        parser.add_argument(name, type=int, required=True)
    for name in ("--compiler", "--command"):
        parser.add_argument(name, required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--merge", action="store_true")
    options = parser.parse_args()
    targets = sorted(folder.name for folder in options.corpora.iterdir() if folder.is_dir())
    if unknown := set(options.only) - set(targets):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(targets)}")
    kept = options.out / "fuzz.json"
    rows: dict[str, dict] = {}
    memory = Path("/dev/shm")
    built = commit(options.corpora)  # now: a campaign takes long, and the tree may go on
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None, prefix="derrumbe_fuzz_") as work:
        for target in options.only or targets:
            now = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC"
            row = {**campaign(target, options, Path(work)), "date": now, "commit": built, "seed": options.seed}
            if options.only and kept.exists():
                rows = {other["target"]: other for other in json.loads(kept.read_text())["targets"]}
            rows[target] = row
            report({name: rows[name] for name in targets if name in rows}, options)
            print(line(row), flush=True)
            if options.merge:
                merge(target, options, Path(work))
    print((options.out / "fuzz.md").read_text())
    return 1 if any(row["findings"] for row in rows.values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
