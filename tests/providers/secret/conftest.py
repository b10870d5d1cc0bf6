"""docker-credential-auto, in a home directory whose config.toml names a secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.program import Answer, Program

HOST = "registry.corp.example"


class Desk:
    """One person's home: its files, its programs, its config.toml."""

    def __init__(self, home: Path, program: Program) -> None:
        self.home = home
        self.program = program
        (home / "bin").mkdir()
        self.variables = {
            "HOME": str(home),
            "PATH": f"{home}/bin:/usr/bin:/bin",
            "DOCKCRED_CACHE_DIR": str(home / "cache"),
            "DOCKCRED_CONFIG": str(home / "config.toml"),
        }

    def configure(self, text: str, host: str = HOST) -> None:
        """Write a config.toml with one entry."""
        path = self.home / "config.toml"
        path.write_text(f'[[registry]]\nmatch = "{host}"\n{text}\n')
        path.chmod(0o600)

    def script(self, text: str, name: str = "print-it") -> Path:
        """Put a program on PATH."""
        path = self.home / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def file(self, text: str | bytes, mode: int = 0o600, name: str = "secret") -> Path:
        """Write a file with a secret."""
        path = self.home / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return path

    def get(self, host: str = HOST, **variables: str) -> Answer:
        """Run a get for a registry, with more variables."""
        return self.program.get(self.variables | variables, host)


@pytest.fixture
def desk(tmp_path: Path, helper_bin: Path) -> Desk:
    os.chmod(tmp_path, 0o700)
    return Desk(tmp_path, Program(str(helper_bin / "docker-credential-auto")))
