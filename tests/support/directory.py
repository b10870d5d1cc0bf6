"""Build the node directory, which runs on any Linux, and chroots to run it in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from support.once import make_once
from support.program import Program
from support.real import missing, program, require_own_mounts
from support.release import ROOT

PYTHON = "/usr/bin/python3"
BUILD = ROOT / "packaging/directory/build.py"
PLACE = "/opt/dockcred"
PLUGIN = "dockcred-credential-provider"
MACHINE = Path("/usr/local/lib/dockcred-ci")
"""Where .ci/run puts what is made once per machine."""
_IN_ROOT = """
root=$1 directory=$2 place=$3
shift 3
mount -t proc proc "$root/proc"
mount --bind "$directory" "$root$place"
mount -o remount,ro,bind "$root$place"
exec /usr/sbin/chroot "$root" "$@"
"""


def build(target: Path, *more: object, **variables: str) -> None:
    """Build the directory from this machine's Debian; skip the test without the tools.

    `more` are further arguments of build.py (--root ROOT, to build for arm64).
    """
    program(PYTHON)
    tools = ("aarch64-linux-gnu-gcc", "readelf") if more else ("gcc", "readelf")
    for tool in tools:
        program(tool)
    if not list(Path("/usr/lib").glob("python3.*/lib-dynload/_ssl.*")):
        missing("Debian's Python 3.11 or newer is not installed")
    done = subprocess.run(
        [PYTHON, BUILD, target, *more],
        env={"PATH": "/usr/bin:/bin"} | variables,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def build_once(factory: pytest.TempPathFactory) -> Path:
    """Return the directory built from this machine's Debian, once per test run."""
    make = lambda place: build(place / "dockcred")  # noqa: E731
    return make_once(factory, "node-directory", make) / "dockcred"


class Root:
    """A root for chroot that has only the node directory, read-only, and /proc."""

    def __init__(self, path: Path, directory: Path, place: str = PLACE) -> None:
        require_own_mounts()
        self.path, self.directory, self.place = path, directory, place

    def make(self) -> Root:
        """Make the root, with empty mount points only."""
        for place in ("proc", self.place[1:]):
            (self.path / place).mkdir(parents=True)
        return self

    def __call__(self, name: str, *arguments: str, environment, stdin: bytes = b""):
        """Run a program of the directory in the root; `name` is its path there."""
        places = (str(self.path), str(self.directory), self.place)
        return Program("/usr/bin/unshare")(
            *("--mount", "/bin/sh", "-euc", _IN_ROOT, "sh", *places),
            *(f"{self.place}/{name}", *arguments),
            environment=environment,
            stdin=stdin,
        )


def tree(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return mode, mtime and bytes of everything below a directory, by its path."""
    found = {}
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        name = os.fspath(path.relative_to(directory))
        found[name] = (status.st_mode, int(status.st_mtime), content)
    return found
