"""The program for Oracle's registries, as installed."""

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
    """Ask for a registry's token; of the region of the sandbox's tenancy, if not said."""
    return lambda environment, host=HOST: ocir.get(environment, host)
