"""The programs under test, installed from the built wheel, and a cloud to ask."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import Program
from support.release import ROOT, build

from dockcred.testing.sandbox import Sandbox

# Whoever starts us in the background has it ignored, as our programs then would.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files whose checksums a release publishes: DOCKCRED_DIST, or built here."""
    if named := os.environ.get("DOCKCRED_DIST"):
        return Path(named)
    target = tmp_path_factory.mktemp("release") / "dist"
    build(ROOT, target)
    return target


@pytest.fixture(scope="session")
def helper_bin(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The directory of the programs, from the wheel in a fresh venv.

    DOCKCRED_BIN names another one, for speed while developing and for mutations.
    """
    if named := os.environ.get("DOCKCRED_BIN"):
        return Path(named)
    (wheel,) = request.getfixturevalue("dist").glob("dockcred-*.whl")
    place = tmp_path_factory.mktemp("wheel")
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
