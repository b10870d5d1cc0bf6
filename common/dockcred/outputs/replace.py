"""Reads a client's file, and makes and removes what it stands in."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable

from dockcred.errors import InvalidInputError

_NEW_DIRECTORY = 0o700


def read(path: str) -> bytes | None:
    """Answer what is in a file, None where there is none.

    Raises InvalidInputError for what is not a plain file.
    """
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidInputError(f"{path} is not a plain file", "name another")
            return file.read()
    except FileNotFoundError:
        return None


def make_directories(path: str) -> list[str]:
    """Make the directories above a file; return those made, the lowest first."""
    directory = os.path.dirname(path)
    made = []
    while not os.path.isdir(directory):
        made.append(directory)
        directory = os.path.dirname(directory)
    for missing in reversed(made):
        os.mkdir(missing, _NEW_DIRECTORY)
    return made


def remove(path: str) -> None:
    """Remove a file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_directories(made: Iterable[str]) -> None:
    """Remove of these directories those that are empty, the deepest first."""
    for directory in sorted(made, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(directory)


def refuse_for_root(path: str) -> None:
    """Raise InvalidInputError where root would leave files in somebody else's home."""
    place = path
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    owner = os.stat(place).st_uid
    if os.geteuid() == 0 and owner != 0:
        raise InvalidInputError(
            f"{place} belongs to uid {owner}, not to root", "run it as that user"
        )
