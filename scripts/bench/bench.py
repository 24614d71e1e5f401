#!/usr/bin/env python3
"""Measures the model library beside other programs: same folder, inputs, dtype, threads and steps, run in turns.

    bench.py --binary build/release/bin/derrumbe_bench --model models/derrumbe-mini --size 128x128 --frames 49 --name mini_cpu

Writes NAME.json and NAME.md into --results after every stage, so that a run which is cut short leaves what it has.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
STAGES = {"text": "text encoder, both prompts", "encode": "VAE encode, both clips", "step": "denoising step",
          "decode": "VAE decode"}
PLAIN = "derrumbe plain"  # the side "derrumbe": without --products and --vae-dtype


class Side:
    """A program that answers stage names with seconds, a line each."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.stages = None  # all of them

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{shlex.join(self.process.args)} ended with {self.process.wait()}")
        return json.loads(line)

    def ready(self):
        self.stages = self.answer().get("stages")

    def can(self, stage):
        return self.stages is None or stage in self.stages

    def ask(self, question):
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def make_inputs(file, options, model):
    """A clip of smooth noise whose middle is to be generated, two prompts and the starting noise."""
    generator = torch.Generator().manual_seed(1)
    width, height = (int(number) for number in options.size.split("x"))
    vae = json.loads((model / "vae/config.json").read_text())
    scale, frames = vae.get("scale_factor_spatial", 8), options.frames
    coarse = torch.rand(1, 3, frames, height // scale, width // scale, generator=generator)
    video = torch.nn.functional.interpolate(coarse, (frames, height, width), mode="trilinear") * 2 - 1
    mask = torch.zeros(1, 1, frames, height, width)
    mask[..., height // 4: 3 * height // 4, width // 4: 3 * width // 4] = 1
    vocabulary = json.loads((model / "text_encoder/config.json").read_text())["vocab_size"]

    def ids(count):
        return torch.cat([torch.randint(4, vocabulary, (count - 1,), generator=generator), torch.ones(1, dtype=torch.long)])

    noise = torch.randn(1, vae["z_dim"], (frames - 1) // 4 + 1, height // scale, width // scale, generator=generator)
    save_file({"video": video, "mask": mask, "ids": ids(options.tokens), "negative_ids": ids(8), "noise": noise}, file)


def commands(options, inputs):
    """The sides by name, Derrumbe first."""
    common = ["--model", options.model, "--inputs", inputs, "--device", options.device, "--dtype", options.dtype,
              "--threads", options.threads, "--steps", options.steps, "--guidance", options.guidance]
    sides = {"derrumbe": [options.binary, *common, "--products", options.products, "--vae-dtype", options.vae_dtype]}
    for name in options.sides.split(","):
        program, _, kind = name.partition(":")
        if program == "derrumbe":
            sides[PLAIN] = [options.binary, *common]
        elif program == "diffusers":
            sides[name.replace(":", " ")] = [sys.executable, HERE / "diffusers_side.py", *common, *(["--compile"] if kind else [])]
        elif program == "sdcpp":
            number, _, flash = kind.partition("+")
            sides[f"sd.cpp {kind}"] = [sys.executable, HERE / "sdcpp_side.py", *common, "--converted", Path(inputs).parent,
                                       "--type", number, *(["--flash"] if flash else [])]
        else:
            sys.exit(f"bench.py: --sides: there is no '{program}'")
    return {name: [str(word) for word in command] for name, command in sides.items()}


def machine(options):
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    text = f"{model}, {os.cpu_count()} cores"
    return torch.cuda.get_device_name() + "; " + text if options.device.startswith("cuda") else text


def torch_of(binary):
    """The version of the LibTorch that the program runs with, from the folder that its library lies in."""
    for line in subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout.splitlines():
        if "libtorch_cpu.so" in line and "=>" in line:
            folder = Path(line.split("=>")[1].split()[0]).resolve().parents[1]
            for file in (folder / "version.py", folder / "build-version"):
                found = re.search(r"\d+\.\d+\.\d+[+.\w]*", file.read_text()) if file.exists() else None
                if found:
                    return found[0]
    return "unknown"


def measure(sides, stage, options, deadline):
    """Each side's runs of a stage, in turns; the first of each does not count. Sides that can't be asked for it are passed over."""
    sides = {name: side for name, side in sides.items() if side.can(stage)}
    runs = {name: [] for name in sides}
    first = {}
    for repeat in range(options.repeats + 1):
        for name, side in sides.items():
            reply = side.ask(stage)
            if repeat == 0:
                first[name] = reply
            else:
                runs[name].append(reply["seconds"])
        if time.monotonic() > deadline and repeat > 0:
            break
    result = {"flops": first["derrumbe"]["flops"]}
    for name in sides:
        result[name] = {"median": statistics.median(runs[name]), "runs": [round(run, 6) for run in runs[name]],
                        "first": first[name]["seconds"], "sum": first[name]["sum"]}
    return result


def measure_whole(sides, environment, options, deadline):
    """Everything from the program's start to the clip, in a new process each time: seconds and the most memory."""
    runs = {name: [] for name in sides}
    for repeat in range(options.whole):
        if time.monotonic() > deadline and repeat > 0:
            break
        for name, command in sides.items():
            start = time.perf_counter()
            side = Side(command, environment)
            try:
                side.ready()
                if not side.can("whole"):
                    continue
                ready = time.perf_counter() - start
                side.ask("whole")
                runs[name].append({"seconds": time.perf_counter() - start, "start": ready, **side.ask("memory")})
            finally:
                side.close()

    runs = {name: all_runs for name, all_runs in runs.items() if all_runs}

    def medians(key):
        return {name: statistics.median(run[key] for run in all_runs) for name, all_runs in runs.items()}

    seconds, start, resident, device = (medians(key) for key in ("seconds", "start", "resident", "device"))
    whole = {name: {"median": seconds[name], "start": start[name], "runs": [round(run["seconds"], 3) for run in runs[name]]}
             for name in runs}
    return whole, {name: {"resident": resident[name], "device": device[name]} for name in runs}


def relative_error(sides):
    """How far Derrumbe's last results lie from those with plain products, as a root mean square of these."""
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for name in ("derrumbe", PLAIN):
            file = Path(folder) / f"{len(results)}.safetensors"
            sides[name].ask(f"write {file}")
            results.append(load_file(file)["result"].double())
    return ((results[0] - results[1]).norm() / results[1].norm()).item()


def ratios(record, key):
    """Derrumbe over each other side that has the record."""
    return {name: record["derrumbe"][key] / record[name][key] for name in record
            if name != "derrumbe" and isinstance(record[name], dict)}


def table(results):
    sides = results["sides"]
    lines = ["| | " + " | ".join(sides) + " | " + " | ".join(f"derrumbe / {name}" for name in sides[1:]) + " |",
             "|" + "---|" * (2 * len(sides))]

    def line(title, record, key, shown):
        over = ratios(record, key)
        lines.append(f"| {title} | " + " | ".join(shown(record[name][key]) if name in record else "-" for name in sides) + " | "
                     + " | ".join(f"{over[name]:.2f}" if name in over else "-" for name in sides[1:]) + " |")

    for stage, record in results["stages"].items():
        line(STAGES[stage] + " (s)", record, "median", lambda value: f"{value:.4g}")
    memory = results.get("memory", {})
    if memory:
        line("peak resident (MiB)", memory, "resident", lambda value: f"{value / 2**20:.0f}")
        if memory["derrumbe"]["device"]:
            line("peak on the device (MiB)", memory, "device", lambda value: f"{value / 2**20:.0f}")
    if results.get("whole"):
        line("start until the model is open (s)", results["whole"], "start", lambda value: f"{value:.2f}")
        line("whole, from the start (s)", results["whole"], "median", lambda value: f"{value:.4g}")
    return "\n".join(lines)


def write(results, options):
    folder = Path(options.results)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{options.name}.json").write_text(json.dumps(results, indent=1) + "\n")
    text = [f"# {options.name}", "", f"{results['date']}; {results['machine']}; "
            + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".", "",
            f"    {results['command']}", "", table(results), ""]
    apart = [abs(record[name]["sum"] / record["derrumbe"]["sum"] - 1) for record in results["stages"].values()
             for name in results["sides"] if name.startswith("diffusers")]
    if apart:
        text += [f"Sums of the results' absolute values differ by {max(apart):.1e} of themselves at most.", ""]
    if "error" in results:
        text += [f"The latents after as many steps differ from those of {PLAIN} by {100 * results['error']:.3g} % as a root mean "
                 "square.", ""]
    if "step" in results["stages"] and "matmul" in results:
        record = results["stages"]["step"]
        rate = record["flops"] / record["derrumbe"]["median"]
        text += [f"The denoising step does {rate / 1e9:.4g} GFLOP/s, {100 * rate / results['matmul']:.0f} % of a plain "
                 f"{options.dtype} matrix product's {results['matmul'] / 1e9:.4g} in the same run.", ""]
    (folder / f"{options.name}.md").write_text("\n".join(text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="build/release/bin/derrumbe_bench")
    parser.add_argument("--model", default="models/derrumbe-mini")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--products", default="auto", help="auto, int8 or fp8: model.products of Derrumbe")
    parser.add_argument("--vae-dtype", default="float32", help="float32 or bfloat16: model.vae_dtype of Derrumbe")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--size", default="128x128", help="WIDTHxHEIGHT")
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--tokens", type=int, default=24, help="of the prompt")
    parser.add_argument("--steps", type=int, default=10, help="of a whole run")
    parser.add_argument("--guidance", type=float, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--stages", default="text,encode,step,decode", help="one by one, all sides open at once; '': none")
    parser.add_argument("--whole", type=int, default=5, help="runs from a program's start to the clip; 0: none")
    parser.add_argument("--sides", default="diffusers", help="beside Derrumbe: diffusers, diffusers:compiled, sdcpp:TYPE, "
                        "sdcpp:TYPE+flash (f32, f16, bf16, q8_0, ...) or derrumbe (without --products and --vae-dtype), with commas")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin nothing more after this long")
    parser.add_argument("--results", default=HERE / "results")
    parser.add_argument("--name", required=True)
    options = parser.parse_args()
    deadline = time.monotonic() + options.seconds
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads), "PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryDirectory() as folder:
        inputs = Path(folder) / "inputs.safetensors"
        make_inputs(inputs, options, Path(options.model))
        programs, sides = commands(options, inputs), {}
        results = describe(options, list(programs))
        if options.stages:
            try:
                for name, command in programs.items():
                    sides[name] = Side(command, environment)
                for side in sides.values():
                    side.ready()
                measure_stages(sides, results, options, deadline)
            finally:
                for side in sides.values():
                    side.close()
        if options.whole and time.monotonic() < deadline:
            results["whole"], memory = measure_whole(programs, environment, options, deadline)
            results["memory"] = results.get("memory", {}) | memory
            write(results, options)
    print(table(results))


def told(options):
    """The options that say what was measured, without the places of this machine."""
    places = {"binary", "results", "seconds"}
    for name, value in vars(options).items():
        if name not in places and value is not False:
            yield f"--{name.replace('_', '-')}" + ("" if value is True else f" {Path(value).name if name == 'model' else value}")


def describe(options, sides):
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "machine": machine(options),
        "versions": {"LibTorch": torch_of(options.binary)} | {
            name: importlib.metadata.version(name) for name in ["torch", "diffusers", "transformers"]
            + ["stable-diffusion-cpp-python"] * any(side.startswith("sd.cpp") for side in sides)}
        | {"python": platform.python_version()},
        "command": "bench.py " + " ".join(told(options)), "sides": sides, "stages": {}}


def measure_stages(sides, results, options, deadline):
    for stage in options.stages.split(","):
        if time.monotonic() > deadline:
            print(f"no time left for {stage}", file=sys.stderr)
            break
        # What else runs, such as a side that has just started, makes it slower and never faster: the fastest counts.
        rate = sides["derrumbe"].ask("matmul")["rate"]
        results["stages"][stage] = measure(sides, stage, options, deadline)
        results["matmul"] = max(rate, sides["derrumbe"].ask("matmul")["rate"], results.get("matmul", 0))
        if stage == "step" and PLAIN in sides:
            results["error"] = relative_error(sides)
        results["memory"] = {name: side.ask("memory") for name, side in sides.items()}
        write(results, options)
        print(table(results).splitlines()[1 + len(results["stages"])], flush=True)


if __name__ == "__main__":
    main()
