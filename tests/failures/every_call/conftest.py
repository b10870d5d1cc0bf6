"""A process table, worlds in memory, a cloud, and the count of all points."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.starting import Table, process_table

from dockcred.testing.sandbox import Sandbox

from .trial import Result

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
    """A directory in memory, whose path leaves room for the socket of gpg's agent."""
    place = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    path = tempfile.mkdtemp(prefix="dc-", dir=place)
    try:
        yield Path(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def tally(request: pytest.FixtureRequest) -> Iterator[list[Result]]:
    """Every writer's result; they are told when the last has run."""
    results: list[Result] = []
    yield results
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    if reporter and results:
        reporter.ensure_newline()
        for line in told(results):
            reporter.write_line(line)


def told(results: list[Result]) -> list[str]:
    """Say of each writer how many of its points were met, and how."""
    lines = []
    for result in results:
        counts = ", ".join(f"{how} {n}" for how, n in sorted(result.counts.items()))
        lines.append(
            f"{result.writer}: {result.held} of {result.found} points ({counts}), "
            f"{len(result.problems)} problems, {result.missed} runs came elsewhere"
        )
    held = sum(result.held for result in results)
    problems = sum(len(result.problems) for result in results)
    return [*lines, f"{len(results)} writers, {held} points, {problems} problems"]
