"""What a release publishes, built once for all tests: DOCKCRED_DIST, or built here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMIT_TIME = "1764000000"


def build(source: Path, target: Path, **variables: str) -> None:
    """Build the sdist and the wheel of a source tree."""
    done = subprocess.run(
        [source / "packaging/build.sh", target],
        env={
            "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHON": sys.executable,
            "SOURCE_DATE_EPOCH": COMMIT_TIME,
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the files whose checksums are published."""
    if named := os.environ.get("DOCKCRED_DIST"):
        return Path(named)
    target = tmp_path_factory.mktemp("release") / "dist"
    build(ROOT, target)
    return target


@pytest.fixture(scope="session")
def pythons() -> dict[str, str]:
    """The interpreters of this machine by their version: on PATH, or of pyenv."""
    found: dict[str, str] = {}
    places = [Path(name) for name in os.environ["PATH"].split(":")]
    if pyenv := shutil.which("pyenv"):
        asked = subprocess.run(
            [pyenv, "root"], capture_output=True, text=True, check=True
        )
        places += sorted(Path(asked.stdout.strip()).glob("versions/3.*/bin"))
    for place in places:
        for version in ("3.9", "3.11", "3.12", "3.13"):
            python = place / f"python{version}"
            if version not in found and _runs(python):
                found[version] = str(python)
    return found


def _runs(python: Path) -> bool:
    """Tell whether it starts: a shim of pyenv is there for versions that are not."""
    if not os.access(python, os.X_OK):
        return False
    return (
        subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode
        == 0
    )
