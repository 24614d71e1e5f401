#!/usr/bin/env python3
"""Puts Content Credentials (a signed C2PA manifest) into a preview of a render, with what its provenance log says.

    sign_preview.py PREVIEW.png|mp4 --log LOG.json --cert CHAIN.pem --key KEY.pem [--out OUT] [--timestamp URL]

The manifest says that the picture is a composite with trained media, which model made it, and the SHA-256 of the log, which
names every delivered frame and every input. CHAIN.pem is the production's certificate and those that vouch for it, KEY.pem
its private key (PKCS#8). Needs `pip install c2pa-python`. Nothing is fetched or sent unless --timestamp names an authority.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

FORMATS = {".png": "image/png", ".mp4": "video/mp4"}
# Of a key's kind as PKCS#8 names it, the algorithm of C2PA.
ALGORITHMS = {"es256": "ES256", "es384": "ES384", "es512": "ES512", "ps256": "PS256", "ed25519": "ED25519"}


def read_log(file: Path) -> dict:
    """The statement of a log, signed or not."""
    try:
        log = json.loads(file.read_bytes())
        return json.loads(base64.b64decode(log["payload"])) if "payload" in log else log
    except (ValueError, KeyError, OSError) as error:
        raise SystemExit(f"{file}: error: no provenance log of a render: {error}") from error


def manifest(title: str, log: Path, statement: dict) -> dict:
    predicate = statement["predicate"]
    disclosure, model = predicate["derrumbe_disclosure"], predicate["derrumbe_model"]
    build = predicate["runDetails"]["builder"]["version"]
    agent = {"name": "derrumbe", "version": build.get("derrumbe", "")}
    shot = predicate["buildDefinition"]["externalParameters"]["shot"]
    made = {
        "action": "c2pa.created",
        "digitalSourceType": disclosure["digitalSourceType"]["RGBA"],
        "softwareAgent": agent,
        "when": predicate["runDetails"]["metadata"]["finishedOn"],
        "description": f"Preview of a plate in which {model['name']} changed frames {disclosure.get('framesChanged') or 'none'}",
    }
    render = {
        "log": {"name": log.name, "sha256": hashlib.sha256(log.read_bytes()).hexdigest()},
        "shot": shot.get("shot", {}),
        "frames": [{"name": frame["name"], "sha256": frame["digest"]["sha256"]} for frame in statement["subject"]],
        "model": {key: model[key] for key in ("name", "version", "license") if key in model},
        "disclosure": disclosure,
    }
    return {
        "claim_generator_info": [agent],
        "title": title,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [made]}},
            {"label": "org.derrumbe.render", "data": render},
        ],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preview", type=Path)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--cert", type=Path, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--algorithm", choices=sorted(ALGORITHMS), default="es256", help="the key's (default es256)")
    parser.add_argument("--out", type=Path, help="default: NAME.c2pa.EXTENSION beside the preview")
    parser.add_argument("--timestamp", help="URL of an RFC 3161 authority")
    options = parser.parse_args()
    if options.preview.suffix.lower() not in FORMATS:
        raise SystemExit(f"{options.preview}: error: only {', '.join(FORMATS)} are previews that can be signed")
    missing = [str(file) for file in (options.preview, options.log, options.cert, options.key) if not file.is_file()]
    if missing:
        raise SystemExit("\n".join(f"{file}: error: there is no such file" for file in missing))
    try:
        import c2pa
    except ImportError:
        raise SystemExit("error: c2pa-python is not installed; pip install c2pa-python") from None
    out = options.out or options.preview.with_suffix(f".c2pa{options.preview.suffix}")
    told = manifest(out.name, options.log, read_log(options.log))
    info = c2pa.C2paSignerInfo(ALGORITHMS[options.algorithm].lower().encode(), options.cert.read_bytes(), options.key.read_bytes(),
                               options.timestamp.encode() if options.timestamp else None)
    partial = out.with_name(f".{out.stem}.partial{out.suffix}")
    try:
        with c2pa.Builder(told) as builder, c2pa.Signer.from_info(info) as signer:
            partial.unlink(missing_ok=True)
            builder.sign_file(options.preview, partial, signer)
    except c2pa.C2paError as error:
        partial.unlink(missing_ok=True)
        raise SystemExit(f"{options.preview}: error: cannot be signed: {error}") from error
    partial.replace(out)
    print(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
