"""Each writer is killed, or gets an error, at each of its file system calls.

Afterwards each file must be the old or the new one, and what the writer reported as
done must be there. The next run, with the same pid, must succeed and leave no
leftovers.

DOCKCRED_NIGHT=1 tries every point. Otherwise a random part of each writer's points is
tried; the seed is printed, and DOCKCRED_SEED=N repeats it.
"""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest
from support.real import missing

from dockcred.testing.sandbox import Sandbox

from . import configuring, keeping, minting, points
from .trial import Trial
from .world import World
from .writer import Writer

pytestmark = pytest.mark.slow

NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
SEED = int(os.environ.get("DOCKCRED_SEED") or random.randrange(2**32))
SOME = 0 if NIGHT else 20
NAMES = (
    *configuring.NAMES,
    *minting.NAMES,
    *keeping.NAMES,
    *keeping.PASS_NAMES,
)


@pytest.fixture
def writers(short_directory, sandbox):
    return all_writers(short_directory, sandbox)


def all_writers(directory: Path, sandbox: Sandbox) -> tuple[World, dict[str, Writer]]:
    """Return every writer by its name, and the world that they share."""
    (directory / "world").mkdir()
    (directory / "key").mkdir()
    world = World(directory / "world")
    found = [
        *configuring.writers(world),
        *minting.writers(world, sandbox),
        *keeping.writers(world, directory / "key/key"),
        *keeping.pass_writers(world),
    ]
    assert tuple(writer.name for writer in found) == NAMES
    return world, {writer.name: writer for writer in found}


@pytest.mark.parametrize("name", NAMES)
def test_a_writer_is_killed_and_refused_at_every_call(name, table, writers, tell):
    world, by_name = writers
    if name in keeping.PASS_NAMES and not shutil.which("pass"):
        missing("pass is not installed")
    writer = by_name[name]
    trial = Trial(table, world, writer)
    result = trial.run(SOME // writer.slow, SEED)
    tell(points.HEADING, str(result))
    problems = "\n".join(result.problems[:20])
    assert not result.problems, (
        f"{len(result.problems)} of {result.held} points, DOCKCRED_SEED={SEED}\n"
        + problems
    )
    assert result.held >= result.missed * 4, "the runs differ too much"


def test_a_call_past_what_strace_counts_to_is_met_too(table, writers, monkeypatch):
    """Such calls are counted by path; `dockcred install` makes so many."""
    monkeypatch.setattr(points, "STRACE_COUNTS_TO", 0)
    world, by_name = writers
    trial = Trial(table, world, by_name["configure docker, there"])
    looks = [point for point in trial.points() if point.name == "newfstatat"]
    # Temporary files (*.new) have another name in each run.
    looks = [point for point in looks if not point.path.endswith(".new")]
    monkeypatch.setattr(trial, "points", lambda: looks)
    result = trial.run(SOME, SEED)
    assert (result.held, result.missed) == (SOME or len(looks), 0), SEED
    assert not result.problems, (SEED, result.problems)


@pytest.mark.skipif(
    not NIGHT, reason="the long form tries all points: DOCKCRED_NIGHT=1"
)
def test_they_are_three_thousand_points(table, short_directory, sandbox, tell):
    if not shutil.which("pass"):
        missing("pass is not installed")
    found = 0
    for number, name in enumerate(NAMES):
        (place := short_directory / str(number)).mkdir()
        world, by_name = all_writers(place, sandbox)
        found += len(Trial(table, world, by_name[name]).points())
    tell(points.HEADING, f"{found} points of {len(NAMES)} writers")
    assert found >= 3000
