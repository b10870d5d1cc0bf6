"""Share directories and servers between the pytest-xdist workers of one run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

WORKER = "PYTEST_XDIST_WORKER"


def run_directory(factory: pytest.TempPathFactory) -> Path:
    """Return the directory that all workers of this run share."""
    base = factory.getbasetemp()
    return base.parent if WORKER in os.environ else base


def make_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Return the directory `name` of this run; the first caller fills it by `make`.

    The other workers of pytest-xdist wait until it is full. If `make` fails, it is not
    called again: each of the others fails with the same message.
    """
    base = run_directory(factory)
    place, failure = base / name, base / f"{name}.failed"
    with open(base / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if failure.exists():
            pytest.fail(failure.read_text(encoding="utf-8"), pytrace=False)
        if place.exists():
            return place
        # Under its final name from the start: the scripts of a venv contain its path.
        place.mkdir()
        try:
            make(place)
        except Exception as error:
            failure.write_text(f"{name} was not made: {error}", encoding="utf-8")
            raise
    return place


@contextmanager
def shared(factory: pytest.TempPathFactory, name: str) -> Iterator[Callable[[], bool]]:
    """Share a resource called `name` with the other workers, until the block ends.

    Yields a function that returns whether no other worker uses the resource any more.
    If it returns True, the caller may end the resource: until its block ends, no other
    worker can begin to use it.
    """
    path = run_directory(factory) / f"{name}.shared"
    with open(path, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)

        def last() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        yield last


@contextmanager
def alone(factory: pytest.TempPathFactory, path: Path) -> Iterator[None]:
    """Hold a lock that all workers of this run share, and that excludes other runs.

    The file has the name of the run that holds it; each worker holds a shared lock on
    it.
    """
    run = str(run_directory(factory))
    with open(path, "a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        while _written(lock) != run:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            lock.write(run)
            lock.flush()
            # The kernel may give the lock to another run in between: read it again.
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _written(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
