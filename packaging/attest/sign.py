"""Sign the files of a release: say where they come from, and that no byte has changed.

    sign.py DIST COMMIT KEY

Writes dockcred-VERSION.intoto.jsonl, a statement of in-toto with SLSA's provenance of
every file, in DSSE's envelope; names it in SHA256SUMS too, and signs that in
SHA256SUMS.sig. KEY is what openssl takes as an ECDSA key of P-256: every openssl and
LibreSSL verifies that, and so does cosign. docs/verify.md is how.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
from pathlib import Path

TYPE = "application/vnd.in-toto+json"
TOOLS = ("build", "hatchling", "click", "rich", "tomlkit")
"""What build.sh takes of Python's packages, to build or to bundle."""


def statement(files: dict[str, str], version: str, commit: str) -> bytes:
    """Return the statement of files, by the SHA-256 of each."""
    tools = {name: importlib.metadata.version(name) for name in TOOLS}
    source = {
        "uri": f"git+urn:dockcred@v{version}",
        "digest": {"gitCommit": commit},
    }
    build = {
        "buildType": "urn:dockcred:packaging/build.sh",
        "externalParameters": {"version": version, "commit": commit},
        "internalParameters": {
            "python": platform.python_version(),
            "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        },
        "resolvedDependencies": [
            source,
            *({"uri": f"pkg:pypi/{name}@{tools[name]}"} for name in sorted(tools)),
        ],
    }
    whole = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": name, "digest": {"sha256": files[name]}} for name in sorted(files)
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": build,
            "runDetails": {"builder": {"id": "urn:dockcred:packaging/release.sh"}},
        },
    }
    return json.dumps(whole, separators=(",", ":")).encode()


def envelope(payload: bytes, key: Path) -> str:
    """Return DSSE's envelope of a statement, which signs its type as well."""
    head = f"DSSEv1 {len(TYPE)} {TYPE} {len(payload)} ".encode()
    public = _openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    signature = {
        "keyid": hashlib.sha256(public).hexdigest(),
        "sig": base64.b64encode(_sign(head + payload, key)).decode(),
    }
    whole = {
        "payloadType": TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [signature],
    }
    return json.dumps(whole) + "\n"


def _sign(content: bytes, key: Path) -> bytes:
    return _openssl("dgst", "-sha256", "-sign", key, stdin=content)


def _openssl(*words: object, stdin: bytes = b"") -> bytes:
    command = ["openssl", *map(str, words)]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"openssl {words[0]} failed, of {words[2]}")
    return done.stdout


def main(dist: Path, commit: str, key: Path) -> None:
    """Sign what SHA256SUMS names; exit where a file is another one, or is not named."""
    sums = dist / "SHA256SUMS"
    lines = sums.read_text(encoding="ascii").splitlines()
    named = {name: digest for digest, name in map(str.split, lines)}
    there = {path.name: path for path in dist.iterdir() if path != sums}
    found = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in there.items()}
    if found != named:
        wrong = sorted({name for name, _ in found.items() ^ named.items()})
        sys.exit(f"SHA256SUMS is not of {', '.join(wrong)}")
    (wheel,) = (name for name in found if name.endswith(".whl"))
    version = wheel.split("-")[1]
    text = envelope(statement(found, version, commit), key)
    name = f"dockcred-{version}.intoto.jsonl"
    (dist / name).write_text(text, encoding="ascii")
    lines.append(f"{hashlib.sha256(text.encode()).hexdigest()}  {name}")
    content = "".join(f"{line}\n" for line in lines).encode()
    sums.write_bytes(content)
    (dist / "SHA256SUMS.sig").write_bytes(_sign(content, key))


if __name__ == "__main__":
    if len(sys.argv) != 4:  # noqa: PLR2004 - the usage
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
