"""What every training script shares: paths, precision, checkpoints that survive a kill, logs, machine facts."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import platform
import sys
import threading
import time
from pathlib import Path

import torch


def setDevice(name: str, threads: int) -> torch.device:
    """The device by name ("auto" takes CUDA where there is one); sets the CPU threads."""
    if threads > 0:
        torch.set_num_threads(threads)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    return torch.device(name)


def halfPrecision(device: torch.device, enabled: bool = True):
    """bfloat16 autocast: on CUDA always, on CPU where the instruction set has bf16 products (else it is slower)."""
    if not enabled:
        return contextlib.nullcontext()
    if device.type == "cpu" and not cpuHasBf16():
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def cpuHasBf16() -> bool:
    """Whether this CPU multiplies bfloat16 natively (AVX512-BF16 or AMX)."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def saveAtomic(state: dict, path: Path) -> None:
    """torch.save into a temporary file beside `path`, then rename: a kill never leaves half a checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(path.suffix + ".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def loadCheckpoint(path: Path, device: torch.device | str = "cpu") -> dict | None:
    """The checkpoint at `path`, or None where there is none."""
    if not path.exists():
        return None
    return torch.load(path, map_location=device, weights_only=True)


def averaged(checkpoint: dict, name: str) -> dict[str, torch.Tensor]:
    """The averaged weights (Ema) of one module in a checkpoint."""
    prefix = name + "."
    return {k[len(prefix):]: v for k, v in checkpoint["ema"]["shadow"].items() if k.startswith(prefix)}


class Followed:
    """A checkpoint that another process goes on writing; `path` None: none."""

    def __init__(self, path: Path | None):
        self.path, self.seen = path, 0.0

    def newer(self, device: torch.device | str = "cpu") -> dict | None:
        """The checkpoint, if it was written since it was last asked for."""
        changed = self.path.stat().st_mtime if self.path and self.path.exists() else 0.0
        if changed <= self.seen:
            return None
        self.seen = changed
        return loadCheckpoint(self.path, device)


def repeatedly(scan, interval: float) -> None:
    """Calls `scan` every `interval` seconds in a thread, for folders that fill while they are read."""
    def loop():
        while True:
            try:
                scan()
            except (OSError, ValueError) as error:
                print(f"scan: {error}", flush=True)
            time.sleep(interval)

    threading.Thread(target=loop, daemon=True).start()


class Log:
    """Lines to standard output and to a file of the run, one JSON object each, so that curves can be drawn later."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(path, "a", buffering=1)

    def __call__(self, **values) -> None:
        values = {"time": datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M:%S"), **values}
        line = json.dumps({k: (round(v, 5) if isinstance(v, float) else v) for k, v in values.items()})
        self.file.write(line + "\n")
        print(line, flush=True)


class Ema:
    """Exponential moving average of parameters, with a warm-up so that early averages are not the initial weights."""

    def __init__(self, modules: dict[str, torch.nn.Module], decay: float):
        self.decay = decay
        self.steps = 0
        self.shadow = {
            f"{name}.{key}": value.detach().clone().float()
            for name, module in modules.items()
            for key, value in module.state_dict().items()
        }

    @torch.no_grad()
    def update(self, modules: dict[str, torch.nn.Module]) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        shadows, values = [], []
        for name, module in modules.items():
            for key, value in module.state_dict().items():
                shadows.append(self.shadow[f"{name}.{key}"])
                values.append(value.detach().float())
        torch._foreach_lerp_(shadows, values, 1 - decay)

    def of(self, name: str) -> dict[str, torch.Tensor]:
        prefix = name + "."
        return {k[len(prefix):]: v for k, v in self.shadow.items() if k.startswith(prefix)}

    def state(self) -> dict:
        return {"shadow": self.shadow, "steps": self.steps}

    def load(self, state: dict) -> None:
        self.steps = state["steps"]
        for key, value in state["shadow"].items():
            self.shadow[key].copy_(value)


class Clock:
    """Seconds trained, over all runs of a checkpoint: the schedules follow it, and the model card reports it. Wall time, or
    the process's processor time where that is less: waiting beside other work is not training."""

    def __init__(self, before: float = 0.0, device: str = "cpu"):
        self.before, self.device = before, device
        self.start = time.monotonic(), time.process_time()

    def seconds(self) -> float:
        wall, processor = time.monotonic() - self.start[0], time.process_time() - self.start[1]
        return self.before + (min(wall, processor) if self.device == "cpu" else wall)


def machineFacts() -> dict:
    """Date, processor, versions and command line, for every measured table."""
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    import diffusers
    import transformers

    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu}, {os.cpu_count()} cores"
        + (f", {torch.cuda.get_device_name(0)}" if torch.cuda.is_available() else ""),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        },
        "command": " ".join(Path(a).name if a.startswith("/") else a for a in sys.argv),
    }
