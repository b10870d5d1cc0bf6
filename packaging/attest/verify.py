"""Tell whether files are of a release, unchanged, and of which commit.

    python3 verify.py PUBLIC_KEY FILE...

Beside FILE must lie FILE.intoto.jsonl, which came with it (sign.py). It needs openssl,
Python 3.9 or newer, and nothing of dockcred; docs/verify.md is its page. The exit
status is 1 where a file is not shown to be ours.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SUFFIX = ".intoto.jsonl"
TYPE = "application/vnd.in-toto+json"
PROVENANCE = "https://slsa.dev/provenance/v1"


class Refused(Exception):  # noqa: N818 - it is the answer, not a fault
    """A file cannot be shown to be ours; the message says why."""


def commit_of(file: Path, key: Path) -> str:
    """Return the commit that a file was built from; raise Refused, or OSError."""
    payload = _signed(file.with_name(file.name + SUFFIX), key)
    statement = json.loads(payload)
    if statement["predicateType"] != PROVENANCE:
        raise Refused("what is signed is no provenance")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    if statement["subject"] != [{"name": file.name, "digest": {"sha256": digest}}]:
        raise Refused("the file, or its name, is not the one that was signed")
    build = statement["predicate"]["buildDefinition"]
    return str(build["externalParameters"]["commit"])


def _signed(paper: Path, key: Path) -> bytes:
    """Return the payload of an envelope after its signature was verified with the key.

    Raises Refused if the envelope is damaged or the signature is wrong.
    """
    text = paper.read_bytes()
    try:
        envelope = json.loads(text)
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
    except (ValueError, LookupError, TypeError):
        raise Refused(f"{paper.name} is damaged") from None
    # Compare every byte: the envelope may have nothing that is not signed.
    if text != written(payload, signature, key):
        raise Refused(f"{paper.name} is damaged, or of another key")
    with tempfile.TemporaryDirectory() as place:
        (kept := Path(place, "signature")).write_bytes(signature)
        words = ("dgst", "-sha256", "-verify", str(key), "-signature", str(kept))
        if _openssl(*words, stdin=encoded(payload)) is None:
            raise Refused(f"{paper.name} is not signed with this key, or was changed")
    return payload


def encoded(payload: bytes) -> bytes:
    """Return the bytes that are signed: DSSE's encoding of a payload with its type."""
    return f"DSSEv1 {len(TYPE)} {TYPE} {len(payload)} ".encode() + payload


def written(payload: bytes, signature: bytes, key: Path) -> bytes:
    """Return the envelope as sign.py writes it; `key` is the public key.

    Raises Refused if openssl cannot read the key.
    """
    public = _openssl("pkey", "-pubin", "-in", str(key), "-outform", "DER")
    if public is None:
        raise Refused(f"{key} is no public key")
    whole: dict[str, Any] = {
        "payloadType": TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {
                "keyid": hashlib.sha256(public).hexdigest(),
                "sig": base64.b64encode(signature).decode(),
            }
        ],
    }
    return json.dumps(whole).encode() + b"\n"


def _openssl(*words: str, stdin: bytes = b"") -> bytes | None:
    """Return openssl's stdout, None if it fails."""
    done = subprocess.run(
        ["openssl", *words],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return None if done.returncode else done.stdout


def main(key: Path, files: list[Path]) -> int:
    """Print a line for each file; return 1 if one is not shown to be ours, else 0."""
    wrong = 0
    for file in files:
        try:
            said = f"OK, of commit {commit_of(file, key)}"
        except Refused as why:
            said, wrong = f"NOT OURS: {why}", 1
        except OSError as error:
            said, wrong = f"NOT SHOWN: {error.filename}: {error.strerror}", 1
        sys.stdout.write(f"{file.name}: {said}\n")
    return wrong


if __name__ == "__main__":
    if len(sys.argv) < 3:  # noqa: PLR2004 - the usage
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
