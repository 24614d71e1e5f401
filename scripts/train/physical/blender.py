"""Finds Blender and runs the scripts of `inside/` in it."""

import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys

INSIDE = pathlib.Path(__file__).parent / "inside"
MISSING = (
    "no Blender found: install the program (Debian: apt-get install blender python3-numpy python3-openvdb), name it with "
    "--blender, or name a Python that has the module bpy (3.4 or newer either way)"
)


def findBlender(named=None):
    """The command that takes a script's path: a program, a Python with bpy, or None where there is neither.

    named: what the user says: a `blender` or a `python` with bpy; None looks for one.
    """
    if named:
        path = shutil.which(named)
        if not path:
            return None
        isPython = os.path.basename(path).startswith("python")
        return [path] if isPython else _program(path)
    if shutil.which("blender"):
        return _program(shutil.which("blender"))
    return [sys.executable] if importlib.util.find_spec("bpy") else None


def _program(path):
    return [path, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]


def run(command, script, *arguments, threads=0):
    """Runs inside/SCRIPT; raises RuntimeError with the end of what it said where it fails. threads: 0, as many as cores."""
    if "--background" in command and threads:
        command = [command[0], "--threads", str(threads), *command[1:]]
    command = [*command, str(INSIDE / script), "--", *map(str, arguments)]
    # Blender brings its own numpy and must not meet this environment's.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise RuntimeError(f"{script} failed in Blender:\n" + "\n".join(said[-25:]))
    return done.stdout
