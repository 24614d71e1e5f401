"""What both of bench.py's Python sides do: they answer stage names, a line each, with what a session measured."""

import json
import sys


def peak_resident():
    """The highest resident memory of this process so far, in bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def serve(session, answers, **ready):
    """Says that the session is ready (and what else of it is to be known), then answers until no question comes."""
    print(json.dumps({"ready": True} | ready), file=answers, flush=True)
    for line in sys.stdin:
        question = line.strip()
        reply = session.memory() if question == "memory" else session.run(question)
        print(json.dumps(reply), file=answers, flush=True)
