"""The interpreters that the machine has."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


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
