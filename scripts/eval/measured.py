"""Under what something was measured: date, machine, versions, command. For the results of this folder."""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path


def machine() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")] \
        if info.exists() else []
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def facts(program: str, command: str) -> dict[str, str]:
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return {"date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC", "command": command, "machine": machine(),
            "versions": f"{version}, python {platform.python_version()}"}


def sentence(told: dict[str, str]) -> str:
    return f"Measured {told['date']} by `{told['command']}` on {told['machine']}; {told['versions']}."


if __name__ == "__main__":
    print(sentence(facts(*sys.argv[1:3])))
