"""Fixtures: the installed program for Oracle's registries."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.program import Program

HOST = "fra.ocir.io"


@pytest.fixture(scope="session")
def ocir(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "docker-credential-ocir"))


@pytest.fixture
def get(ocir: Program):
    """Return a function: it runs a get, by default for the region of the sandbox."""
    return lambda environment, host=HOST: ocir.get(environment, host)
