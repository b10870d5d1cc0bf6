"""Fixtures: a launcher, and a home directory whose cache holds one fresh ticket."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import HOST
from support.real import program

from dockcred.testing.sandbox import Sandbox

from .launched import SHELLS, Launched


@pytest.fixture(scope="session")
def launched(helper_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Launched:
    return Launched(helper_bin, tmp_path_factory.mktemp("launcher"))


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    program(SHELLS[request.param][0])
    return request.param


class Primed:
    """An environment with a ticket in its cache, and the answer that it holds."""

    def __init__(self, launched: Launched, environment: dict[str, str]) -> None:
        self.environment = environment
        first = launched(HOST.encode(), environment)
        assert first.by_python, first
        assert first.status == 0, first
        self.answer = first.stdout
        cache = environment.get("DOCKCRED_CACHE_DIR") or (
            f"{environment['HOME']}/.cache/dockcred"
        )
        self.cache = Path(cache)

    @property
    def ticket(self) -> Path:
        (path,) = (p for p in self.cache.glob("front,*") if p.suffix != ".stamp")
        return path

    @property
    def stamp(self) -> Path:
        (path,) = self.cache.glob("front,*.stamp")
        return path

    def edit(self, old: str, new: str) -> None:
        """Replace text in the ticket; its mtime stays."""
        status = self.ticket.stat()
        text = self.ticket.read_text()
        assert old in text
        self.ticket.write_text(text.replace(old, new))
        os.utime(self.ticket, ns=(status.st_mtime_ns, status.st_mtime_ns))


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def primed(launched: Launched, cloud: Sandbox) -> Primed:
    return Primed(launched, dict(cloud.environment("env-keys")))
