"""Fixtures: environments with a config.toml that a test writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.program import Program

from dockcred.testing.sandbox import Sandbox


@pytest.fixture
def oidc(helper_bin: Path) -> Program:
    """The installed docker-credential-oidc."""
    return Program(str(helper_bin / "docker-credential-oidc"))


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def configured(tmp_path: Path) -> Callable[[dict[str, str], str], dict[str, str]]:
    """Return a function: it returns an environment whose config.toml has this text."""

    def write(environment: dict[str, str], text: str) -> dict[str, str]:
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(0o600)
        return {**environment, "DOCKCRED_CONFIG": str(path)}

    return write
