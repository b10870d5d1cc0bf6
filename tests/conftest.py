"""The programs under test, installed from the built wheel, and a cloud to ask."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import Program

from dockcred.testing.sandbox import Sandbox

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def helper_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the programs, from the wheel in a fresh venv.

    DOCKCRED_BIN names another one, for speed while developing and for mutations.
    """
    if named := os.environ.get("DOCKCRED_BIN"):
        return Path(named)
    place = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip")
    _run(*pip, "wheel", "-q", "--no-deps", "-w", str(place), str(ROOT))
    (wheel,) = place.glob("dockcred-*.whl")
    _run(sys.executable, "-m", "venv", str(place / "venv"))
    inside = place / "venv/bin/python"
    _run(str(inside), "-m", "pip", "install", "-q", f"{wheel}[all]")
    return place / "venv/bin"


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}", returncode=1)


@pytest.fixture(scope="session")
def ecr(helper_bin: Path) -> Program:
    """docker-credential-ecr-login as installed."""
    return Program(str(helper_bin / "docker-credential-ecr-login"))


@pytest.fixture(scope="session")
def acr(helper_bin: Path) -> Program:
    """docker-credential-acr-login as installed."""
    return Program(str(helper_bin / "docker-credential-acr-login"))


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """A cloud under its real host names, over TLS through its own proxy."""
    with Sandbox(tls=True) as sandbox:
        yield sandbox
