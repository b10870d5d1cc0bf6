"""Build test programs of Go and Rust, and install packages of Node.

These programs are a few lines of ours around other people's docker clients.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from support import real
from support.real import missing

_PATH = ":".join(
    (
        "/usr/local/go/bin",
        os.path.expanduser("~/.cargo/bin"),
        os.environ.get("PATH", ""),
    )
)
_GO = ("HOME", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "SSL_CERT_FILE")
_RUST = ("HOME", "CARGO_HOME", "RUSTUP_HOME", "SSL_CERT_FILE")
_NODE = ("HOME", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
_BUILD_S = 900


def go(source: Path, target: Path) -> None:
    """Build a Go program; Go's own cache makes the next build fast."""
    program = real.program("go", _PATH)
    command = [program, "build", "-trimpath", "-o", str(target), "."]
    _run(command, source, {"GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}, _GO)


def rust(source: Path, name: str) -> Path:
    """Build a Rust program in the cache directory, for the next run too; return it."""
    program = real.program("cargo", _PATH)
    place = _place(name)
    # Beside the sources Cargo would leave a Cargo.lock.
    shutil.copytree(source, place, dirs_exist_ok=True)
    _run([program, "build", "--quiet"], place, {}, _RUST)
    return place / "target/debug" / name


def node(package: str, version: str) -> Path:
    """Install a package of Node without running its scripts; return its directory."""
    program = real.program("npm", _PATH)
    place = _place(f"{package.replace('/', '-')}-{version}")
    installed = place / "node_modules" / package
    if not installed.exists():
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-update-notifier")
        _run([program, "install", *quiet, f"{package}@{version}"], place, {}, _NODE)
    return installed


def _place(name: str) -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    place = Path(caches) / "dockcred-tests" / name
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    return place


def _run(
    command: list[str], source: Path, variables: dict[str, str], kept: tuple[str, ...]
) -> None:
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    done = subprocess.run(
        command,
        cwd=source,
        env=environment | {"PATH": _PATH} | variables,
        capture_output=True,
        text=True,
        timeout=_BUILD_S,
        check=False,
    )
    if done.returncode:
        missing(f"{source.name} cannot be built: {done.stderr[-300:]}")
