"""Sign the files of a release: say where they come from, and that no byte has changed.

    sign.py DIST COMMIT KEY

Writes beside each FILE, SHA256SUMS too, FILE.intoto.jsonl: a statement of in-toto with
SLSA's provenance of that file alone, in DSSE's envelope, which signs it. KEY is what
openssl takes as an ECDSA key of P-256: every openssl and LibreSSL verifies that.
verify.py is how, and docs/verify.md says it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import verify

TOOLS = ("build", "hatchling", "click", "rich", "tomlkit")
"""The Python packages that build.sh uses to build, or bundles."""


def statement(name: str, digest: str, version: str, commit: str) -> bytes:
    """Return the in-toto statement about a file with this SHA-256, as JSON."""
    tools = {tool: importlib.metadata.version(tool) for tool in TOOLS}
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
            *({"uri": f"pkg:pypi/{tool}@{tools[tool]}"} for tool in sorted(tools)),
        ],
    }
    whole = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}}],
        "predicateType": verify.PROVENANCE,
        "predicate": {
            "buildDefinition": build,
            "runDetails": {"builder": {"id": "urn:dockcred:packaging/release.sh"}},
        },
    }
    return json.dumps(whole, separators=(",", ":")).encode()


def _openssl(*words: object, stdin: bytes = b"") -> bytes:
    command = ["openssl", *map(str, words)]
    done = subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        sys.exit(f"openssl {words[0]} failed, of {words[2]}")
    return done.stdout


def main(dist: Path, commit: str, key: Path) -> None:
    """Sign the files of SHA256SUMS; exit if a file differs from it or is not in it."""
    sums = dist / "SHA256SUMS"
    lines = sums.read_text(encoding="ascii").splitlines()
    named = {name: digest for digest, name in map(str.split, lines)}
    there = {path.name: path for path in dist.iterdir() if path != sums}
    found = {name: _sha256(path) for name, path in there.items()}
    if found != named:
        wrong = sorted({name for name, _ in found.items() ^ named.items()})
        sys.exit(f"SHA256SUMS is not of {', '.join(wrong)}")
    (wheel,) = (name for name in found if name.endswith(".whl"))
    version = wheel.split("-")[1]
    with tempfile.TemporaryDirectory() as place:
        (public := Path(place, "public")).write_bytes(
            _openssl("pkey", "-in", key, "-pubout")
        )
        for name, digest in {**found, sums.name: _sha256(sums)}.items():
            payload = statement(name, digest, version, commit)
            signed = verify.encoded(payload)
            signature = _openssl("dgst", "-sha256", "-sign", key, stdin=signed)
            text = verify.written(payload, signature, public)
            (dist / f"{name}{verify.SUFFIX}").write_bytes(text)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    if len(sys.argv) != 4:  # noqa: PLR2004 - the usage
        sys.exit(__doc__)
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
