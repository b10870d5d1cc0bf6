"""Fixtures: the program under test, run as docker runs it, and a sandbox."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox

PROGRAM = "docker-credential-gcr"
NOT_FOUND = "credentials not found in native keychain"


@dataclass(frozen=True)
class Result:
    status: int
    output: str
    errors: str

    @property
    def username(self) -> str:
        return json.loads(self.output)["Username"]

    @property
    def secret(self) -> str:
        return json.loads(self.output)["Secret"]


Run = Callable[..., Result]


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def run(helper_bin: Path) -> Run:
    """Run the helper with exactly these environment variables."""

    def call(
        environment: dict[str, str],
        verb: str = "get",
        text: str = "gcr.io",
        *flags: str,
    ) -> Result:
        done = subprocess.run(
            [helper_bin / PROGRAM, verb, *flags],
            env=environment,
            input=text,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )
        return Result(done.returncode, done.stdout.strip(), done.stderr.strip())

    return call
