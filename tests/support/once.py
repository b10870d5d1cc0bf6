"""What the workers of a run have in common: a directory that is made once, a server."""

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
    """Return the directory that all workers of this run have in common."""
    base = factory.getbasetemp()
    return base.parent if WORKER in os.environ else base


def make_once(
    factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]
) -> Path:
    """Return the directory `name` of this run; `make` fills it before anyone sees it.

    The other workers of pytest-xdist wait for it. Where `make` fails, each of them
    fails with the same words, and nobody tries it again.
    """
    base = run_directory(factory)
    place, failure = base / name, base / f"{name}.failed"
    with open(base / f"{name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if failure.exists():
            pytest.fail(failure.read_text(encoding="utf-8"), pytrace=False)
        if place.exists():
            return place
        # Under its own name from the start: the scripts of a venv name their place.
        place.mkdir()
        try:
            make(place)
        except Exception as error:
            failure.write_text(f"{name} was not made: {error}", encoding="utf-8")
            raise
    return place


@contextmanager
def shared(factory: pytest.TempPathFactory, name: str) -> Iterator[Callable[[], bool]]:
    """Share what `name` stands for with the other workers, as long as the context lasts.

    What it hands out tells whether nobody else has it any more: who hears so may end it,
    and until the context is left nobody begins.
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
    """Have with the other workers of this run what no other run has meanwhile.

    Who has it is written in the file, and each of them holds that.
    """
    run = str(run_directory(factory))
    with open(path, "a+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        while _written(lock) != run:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            lock.write(run)
            lock.flush()
            # Another one may be here before it is only held again.
            fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _written(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
