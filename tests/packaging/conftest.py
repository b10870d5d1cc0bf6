"""Fixtures: the Pythons of this machine, and a release's files with their SBOMs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import NoReturn

import pytest
from support.once import make_once
from support.real import missing
from support.release import NODE, ROOT, WINDOWS_PYTHON, bill, build

VERSIONS = ("3.9", "3.11", "3.12", "3.13", "3.14")


class Interpreters(dict[str, str]):
    """Python interpreters by version."""

    def __missing__(self, version: str) -> NoReturn:
        """Skip the test, even with DOCKCRED_REQUIRE_REAL: no Debian has them all."""
        pytest.skip(f"Python {version} is not installed")


@pytest.fixture(scope="session")
def pythons() -> Interpreters:
    """Return the interpreters of this machine: on PATH, or pyenv's."""
    found = Interpreters()
    places = [Path(name) for name in os.environ["PATH"].split(":")]
    if pyenv := shutil.which("pyenv"):
        asked = subprocess.run(
            [pyenv, "root"], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            places += sorted(Path(asked.stdout.strip()).glob("versions/3.*/bin"))
    for place in places:
        for version in VERSIONS:
            python = place / f"python{version}"
            if version not in found and _runs(python):
                found[version] = str(python)
    return found


@pytest.fixture(scope="session")
def billed(dist: Path, directory: Path, tmp_path_factory) -> Path:
    """Return a folder with a release's files, bills of materials (SBOMs), checksums."""
    pytest.importorskip("cyclonedx", reason="not installed: the group `release`")
    if not list(dist.glob("*.deb")):
        missing("the dist has no Debian packages")
    if not WINDOWS_PYTHON.exists():
        missing(f"there is no Python for Windows in {WINDOWS_PYTHON}")

    def make(place: Path) -> None:
        place.rmdir()
        url = "https://example.com/v1"
        python = str(WINDOWS_PYTHON)
        build(ROOT, place, "windows", WINDOWS_PYTHON=python, RELEASE_URL=url)
        shutil.copytree(dist, place, dirs_exist_ok=True)
        with tarfile.open(place / NODE, "w:gz", compresslevel=1) as archive:
            archive.add(directory, "dockcred")
        done = bill(place)
        assert done.returncode == 0, done.stderr
        (place / "SHA256SUMS").unlink()
        names = sorted(path.name for path in place.iterdir())
        summed = subprocess.run(
            ["sha256sum", *names], cwd=place, capture_output=True, check=True
        )
        (place / "SHA256SUMS").write_bytes(summed.stdout)

    return make_once(tmp_path_factory, "billed", make)


def _runs(python: Path) -> bool:
    """Return whether a Python starts: pyenv has shims for versions not installed."""
    if not os.access(python, os.X_OK):
        return False
    return (
        subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode
        == 0
    )
