"""Under which names launchers stand in a directory: their programs' own, and aliases.

A launcher's second line says whose it is, so that the directory remembers its aliases.
"""

from __future__ import annotations

import os
from collections.abc import Collection

from dockcred.errors import InvalidInputError

PREFIX = "docker-credential-"
MARK = "written by `dockcred install`"

_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
_DETECTED = ("pass", "secretservice", "osxkeychain", "wincred")
"""docker, oras and helm take these for the system's store without being asked."""


def parse(text: str, programs: Collection[str]) -> tuple[str, str]:
    """Read gcloud=gcr as the names of two programs, the alias first.

    Raises InvalidInputError for a name that is no helper's, or not free.
    """
    alias, equals, program = text.partition("=")
    if not equals or not alias or not _CHARACTERS.issuperset(alias):
        raise InvalidInputError(f"{text!a} is no alias", "write it as gcloud=gcr")
    if PREFIX + program not in programs:
        raise InvalidInputError(
            f"there is no program {PREFIX + program!a}",
            f"choose of {', '.join(programs)}",
        )
    if PREFIX + alias in programs or alias in _DETECTED:
        raise InvalidInputError(f"{alias} is a helper of its own", "take another name")
    return PREFIX + alias, PREFIX + program


def written_for(path: str, *, surely: bool = False) -> str:
    """Return the program that a launcher of ours starts; nothing for other files.

    `surely` raises OSError for a file that is there and cannot be read.
    """
    head = _head(path, surely=surely).split("\n")
    line = head[1] if len(head) > 1 else ""
    return line[2:].partition(",")[0] if MARK in line else ""


def is_entry_point(path: str, program: str) -> bool:
    """Tell whether this is the program as pip, pipx or uv put it there."""
    return f"\nfrom {program.replace('-', '_')} import main\n" in _head(path)


def _head(path: str, *, surely: bool = False) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(500)
    except (FileNotFoundError, IsADirectoryError):
        return ""
    except OSError:
        if surely:
            raise
        return ""


def aliases(directory: str) -> dict[str, str]:
    """Answer the aliases in a directory, each with its program."""
    try:
        files = sorted(os.listdir(directory))
    except OSError:
        return {}
    helpers = (name for name in files if name.startswith(PREFIX))
    found = {name: written_for(os.path.join(directory, name)) for name in helpers}
    return {
        name: program for name, program in found.items() if program not in {"", name}
    }
