"""The interpreters that the machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

VERSIONS = ("3.9", "3.11", "3.12", "3.13", "3.14")


class Interpreters(dict[str, str]):
    """Interpreters by their version."""

    def __missing__(self, version: str) -> NoReturn:
        """Skip, wherever it is: no Debian has them all."""
        pytest.skip(f"Python {version} is not installed")


@pytest.fixture(scope="session")
def pythons() -> Interpreters:
    """The interpreters of this machine: on PATH, or of pyenv."""
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


def _runs(python: Path) -> bool:
    """Tell whether it starts: a shim of pyenv is there for versions that are not."""
    if not os.access(python, os.X_OK):
        return False
    return (
        subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode
        == 0
    )
