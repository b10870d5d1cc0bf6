"""Fixtures: a pid namespace, a directory in memory, and a sandbox."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.starting import Table, process_table

from dockcred.testing.sandbox import Sandbox

_MEMORY = "/dev/shm"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    with process_table(tmp_path_factory.mktemp("table")) as found:
        yield found


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as cloud:
        yield cloud


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """Yield a directory in memory with a short path, for the socket of gpg-agent."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    path = tempfile.mkdtemp(prefix="dc-", dir=place)
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)
