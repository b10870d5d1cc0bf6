"""The description of a writer that a trial needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from support.starting import Ended

from .world import World


@dataclass
class Writer:
    """A program call that writes files.

    look    returns the files' content by name, to compare it before and after a run
    before  program calls that prepare the world
    best_effort  the files are optional: the answer must be given after any failure
    done    the message with which the next run may refuse, as the change is made
    spare   ends of names of files that may be left, if they have no secret
    settles_s  the most seconds that cleanup after the writer may take
    slow    divides the number of points that are tried by day
    """

    name: str
    program: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    look: Callable[[World], dict[str, object]]
    stdin: bytes = b""
    before: tuple[tuple[str, ...], ...] = ()
    prepare: Callable[[World], None] = lambda world: None
    secrets: tuple[bytes, ...] = ()
    place: str = ""
    best_effort: bool = False
    done: str = ""
    answer: Callable[[Ended], bool] = lambda ended: True
    spare: tuple[str, ...] = ()
    changes: bool = True
    settles_s: float = 0
    slow: int = 1


def files(*names: str) -> Callable[[World], dict[str, object]]:
    """Return a `look` that returns the bytes of these files."""

    def look(world: World) -> dict[str, object]:
        return {name: content(world, name) for name in names}

    return look


def content(world: World, name: str) -> bytes | None:
    """Return a file's bytes, None if it does not exist."""
    try:
        return (world.path / name).read_bytes()
    except FileNotFoundError:
        return None
