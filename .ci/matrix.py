#!/usr/bin/env python3
"""Test what touches other people's libraries with each Python, oldest and newest.

    .ci/matrix.py [VERSION...]

The Pythons are those of pyenv and PATH; what is not there is taken from Debian testing,
as root, in a folder of its own. For the oldest libraries uv makes constraints of the
lower bounds in pyproject.toml; the newest are what is published today. A table of what
ran is printed at the end.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build/matrix"
DEBIAN = Path("/usr/local/lib/dockcred-ci/python-testing")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LIBRARIES = {"oldest": "lowest-direct", "newest": "highest"}
SHOWN = (
    "boto3",
    "botocore",
    "azure-identity",
    "google-auth",
    "alibabacloud-credentials",
    "keyring",
    "jeepney",
    "cryptography",
    "PyJWT",
    "kubernetes",
    "starlette",
    "click",
    "rich",
    "tomlkit",
)
# The contract of every provider, the roads of the SDKs, and who else calls a library:
# GitHub's App and the token service by PyJWT, the vault by cryptography.
TESTS = (
    "tests/providers/test_contract.py",
    "tests/providers/ecr/test_roads.py",
    "tests/providers/acr/test_roads.py",
    "tests/providers/google/test_sources.py",
    "tests/providers/github/test_app.py",
    "tests/stores/test_vault.py",
    "tests/commands/token_service/test_id_token.py",
    "tests/transport/test_extras.py",
)
_FILES = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
# The rest of this machine is not seen in there, but for this tree.
_ENTER = """
root=$1 tree=$2
shift 2
mkdir -p "$root$tree"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$tree" "$root$tree"
exec chroot "$root" sh -c 'cd "$0" && exec "$@"' "$tree" "$@"
"""


class Cell:
    """One Python with the oldest or the newest libraries."""

    def __init__(self, version: str, python: list[str], libraries: str) -> None:
        self.version = version
        self.libraries = libraries
        self._enter, self._python = python[:-1], python[-1]
        self._place = BUILD / f"{version}-{libraries}"
        self.said = self.python = ""
        self.versions: dict[str, str] = {}

    def run(self) -> bool:
        """Install and test; return whether all that ran passed."""
        began = time.monotonic()
        try:
            self._install()
        except subprocess.CalledProcessError as error:
            self.said = f"not installed: {error.cmd[-1]}"
            return False
        tests = [
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-header"),
            *("-m", "not slow", *TESTS),
        ]
        log = BUILD / f"{self.version}-{self.libraries}.log"
        with log.open("w") as file:
            ended = subprocess.run(
                [*self._enter, str(self._place / "bin/python"), *tests],
                cwd=ROOT,
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=_environment() | {"DOCKCRED_BIN": str(self._place / "bin")},
                check=False,
            )
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        found = re.findall(r"[0-9]+ (?:passed|failed|errors?|skipped)", "".join(last))
        self.said = ", ".join(found) or f"ended with {ended.returncode}"
        took = time.monotonic() - began
        print(f"{self}: {self.said}; {took:.0f} s; {log}", flush=True)
        return ended.returncode == 0

    def _install(self) -> None:
        """Make the virtual environment, and note what is in it."""
        shutil.rmtree(self._place, ignore_errors=True)
        python = str(self._place / "bin/python")
        self._call(self._python, "-m", "venv", str(self._place))
        self._call(python, "-m", "pip", "install", "--quiet", "uv")
        uv = [python, "-m", "uv", "--quiet", "pip"]
        bounds = f"{self._place}/constraints.txt"
        self._call(
            *(*uv, "compile", "--resolution", LIBRARIES[self.libraries]),
            *("--extra", "all", "--group", "test", "--output-file", bounds),
            "pyproject.toml",
        )
        self._call(
            *(*uv, "install", "--python", python, "--constraints", bounds),
            *("--editable", ".[all]", "--group", "test"),
        )
        listed = self._call(*uv, "freeze", "--python", python)
        what = "import platform; print(platform.python_version(), end='')"
        self.python = self._call(python, "-c", what)
        named = (line.partition("==") for line in listed.splitlines())
        self.versions = {name.lower(): version for name, _, version in named}

    def _call(self, *command: str) -> str:
        return subprocess.run(
            [*self._enter, *command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            env=_environment(),
            text=True,
            check=True,
        ).stdout

    def __str__(self) -> str:
        """Return what a row is called."""
        return f"Python {self.version}, {self.libraries} libraries"


def _environment() -> dict[str, str]:
    """Return this process's, with one cache for all, where the tests may not look."""
    left = {"DOCKCRED_REQUIRE_REAL", "DOCKCRED_NIGHT", "PIP_FIND_LINKS"}
    kept = {name: value for name, value in os.environ.items() if name not in left}
    return kept | {"UV_CACHE_DIR": str(BUILD / "uv"), "PIP_NO_CACHE_DIR": "1"}


def find(version: str) -> list[str]:
    """Return the command of a Python; nothing where it cannot be had."""
    places = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python3"))
    for place in (*map(str, places), shutil.which(f"python{version}")):
        if place and _says(place, version):
            return [place]
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        return []
    if not DEBIAN.exists():
        _make_debian()
    for path in _FILES:
        if os.path.exists(path):
            shutil.copy(path, f"{DEBIAN}{path}")
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-euc"]
    inside = [*enter, _ENTER, "bash", str(DEBIAN), str(ROOT)]
    python = [*inside, "/usr/bin/python3"]
    return python if _says(*python, version) else []


def _says(*command: str) -> bool:
    *python, version = command
    code = "import ensurepip, sys; print('%d.%d' % sys.version_info[:2])"
    said = subprocess.run(
        [*python, "-c", code], capture_output=True, text=True, check=False
    )
    return said.stdout.strip() == version


def _make_debian() -> None:
    mirror = subprocess.run(
        [ROOT / ".ci/mirror.sh"], capture_output=True, text=True, check=True
    ).stdout.strip()
    new = DEBIAN.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    include = "--include=python3,python3-venv,ca-certificates"
    subprocess.run(
        ["debootstrap", "--variant=minbase", include, "testing", new, mirror],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    new.rename(DEBIAN)


def table(cells: list[Cell]) -> str:
    """Return what ran, and when, as Markdown: docs/policy.md has it.

    The libraries are those of the last Python.
    """
    rows = [f"`.ci/matrix.py` ran on {time.strftime('%Y-%m-%d', time.gmtime())}:", ""]
    rows += ["| Python | oldest libraries | newest libraries |", "|---|---|---|"]
    for version in dict.fromkeys(cell.version for cell in cells):
        row = [cell for cell in cells if cell.version == version]
        said = {cell.libraries: cell.said for cell in row}
        python = row[0].python or version
        rows.append(f"| {python} | {said['oldest']} | {said['newest']} |")
    rows += ["", "| Library | oldest | newest |", "|---|---|---|"]
    for name in SHOWN:
        found = [
            cell.versions.get(name.lower(), "")
            for libraries in LIBRARIES
            for cell in cells[-2:]
            if cell.libraries == libraries
        ]
        rows.append(f"| {name} | {' | '.join(found)} |")
    return "\n".join(rows) + "\n"


def main() -> int:
    """Run all cells; return 1 where one failed, or a Python that is asked for lacks."""
    asked = sys.argv[1:] or PYTHONS
    BUILD.mkdir(parents=True, exist_ok=True)
    cells, failed = [], 0
    for version in asked:
        python = find(version)
        if not python:
            print(f"Python {version} cannot be had here")
            failed = 1
            continue
        for libraries in LIBRARIES:
            cells.append(Cell(version, python, libraries))
            failed |= not cells[-1].run()
    text = table(cells)
    print(f"\n{text}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
