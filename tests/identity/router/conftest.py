"""Fixtures: docker-credential-auto, a sandbox, and a vault for other registries."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import Program

from dockcred.testing.sandbox import Sandbox


@pytest.fixture(scope="session")
def auto(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "docker-credential-auto"))


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def vault(helper_bin: Path, tmp_path: Path) -> dict[str, str]:
    """The variables of an existing vault."""
    variables = {
        "DOCKCRED_STORE": "vault",
        "DOCKCRED_VAULT_FILE": str(tmp_path / "vault"),
        "DOCKCRED_VAULT_KEY_FILE": str(tmp_path / "key"),
    }
    subprocess.run(
        [helper_bin / "dockcred", "vault", "create", "--key-file", tmp_path / "key"],
        env={"HOME": str(tmp_path), **variables},
        check=True,
        capture_output=True,
    )
    return variables
