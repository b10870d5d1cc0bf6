"""How several workers of pytest-xdist share one run of the tests.

Each worker takes a stretch of the files, and who has none left takes half of another's
rest (`--dist worksteal`): what a file or a room starts is started once or twice, and no
long file is waited for. What a session starts, each worker has for itself; nothing may
count on a test before it. A test marked `alone` measures, or fills the machine: while
it runs, no other does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.once import WORKER, run_directory

# Fixtures that build a foreign program: whoever asks for one is `slow`.
BUILDERS = frozenset({"go_reader", "kubelet", "rust_reader"})


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two processors: what is slow on purpose is waited for."""
    processors = os.cpu_count() or 1
    return processors + (processors + 1) // 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `slow` what builds a foreign program."""
    for item in items:
        if not BUILDERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run it beside the others', or alone."""
    if WORKER not in os.environ:
        return (yield)
    factory = item.config._tmp_path_factory
    with _room(run_directory(factory), alone=bool(item.get_closest_marker("alone"))):
        return (yield)


@contextmanager
def _room(directory: Path, *, alone: bool) -> Iterator[None]:
    """Hold a place among those who run; who wants to be alone stops them at the door."""
    with (
        open(directory / "door.lock", "w", encoding="utf-8") as door,
        open(directory / "room.lock", "w", encoding="utf-8") as room,
    ):
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
