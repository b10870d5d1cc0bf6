"""What a trial must know of a writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from support.starting import Ended

from .world import World


@dataclass
class Writer:
    """One way of writing files.

    look    reads what the files say, by name; a trial compares it with before and after
    before  runs that make the world that the writer finds
    best_effort  the files are a help only: with every failure the answer is given
    done    what the next run may say in refusing, because the change is there
    spare   ends of names that may stay, but for a secret in them
    settles_s  for how long what cleans up behind it may take
    slow    into how many parts the short form's share of points is cut
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
    """Look at files to the byte."""

    def look(world: World) -> dict[str, object]:
        return {name: content(world, name) for name in names}

    return look


def content(world: World, name: str) -> bytes | None:
    """Read a file, None where there is none."""
    try:
        return (world.path / name).read_bytes()
    except FileNotFoundError:
        return None
