"""Fixtures: the program under test, and a sandbox with CI systems."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import Program

from dockcred.testing.sandbox import Sandbox

HOST = "registry.example.com"


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def oidc(helper_bin: Path) -> Program:
    """The installed docker-credential-oidc."""
    return Program(str(helper_bin / "docker-credential-oidc"))
