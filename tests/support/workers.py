"""Share one run of the tests between several workers of pytest-xdist.

Each worker gets a range of the files. A worker that has finished takes half of
another's rest (`--dist worksteal`). So fixtures of a file or package start once or
twice, and no worker waits for a long file. Each worker has its own session fixtures. No
test may rely on an earlier test. A test marked `alone` measures or loads the machine:
no other test runs at the same time.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.once import WORKER, run_directory

# Fixtures that build other people's programs: a test that uses one is marked `slow`.
BUILDERS = frozenset({"go_reader", "kubelet", "rust_reader"})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two processors: some tests only wait, by design."""
    processors = os.cpu_count() or 1
    return processors + (processors + 1) // 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that build other people's programs as `slow`."""
    for item in items:
        if not BUILDERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a test beside those of other workers, or alone."""
    if WORKER not in os.environ:
        return (yield)
    factory = item.config._tmp_path_factory
    with _room(run_directory(factory), alone=bool(item.get_closest_marker("alone"))):
        return (yield)


@contextmanager
def _room(directory: Path, *, alone: bool) -> Iterator[None]:
    """Hold a shared lock while a test runs, or an exclusive one if it must be alone.

    The lock on the door is held while waiting, so that no new test overtakes one that
    waits to be alone.
    """
    with (
        open(directory / "door.lock", "w", encoding="utf-8") as door,
        open(directory / "room.lock", "w", encoding="utf-8") as room,
    ):
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
