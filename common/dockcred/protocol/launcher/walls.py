"""Check every file that a launcher imports or runs, not only the launcher itself.

Whoever can write one module of an SDK, or of the standard library, gets every
credential from then on. That code runs as the user who calls the helper, even as root.
"""

from __future__ import annotations

import os
import sys
import time

from dockcred.errors import InvalidInputError
from dockcred.protocol.launcher import render as launcher_render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIMIT_S = 20.0
RUN_BY_SH = ("/bin/sh", "/bin/cat", "/usr/bin/stat")
"""The programs that the front (front.sh) starts, by these paths."""
_CACHE = "__pycache__"
_NOT_ON_THE_PATH = ("site-packages", "dist-packages")
"""Parts of the standard library's directory that -S leaves out, except our imports."""


def directories(imports: Iterable[str]) -> list[str]:
    """Return the directories that `python -I -S` with these imports searches."""
    standard = [
        path for path in sys.path if os.path.dirname(os.__file__) in {path, up(path)}
    ]
    zipped = [path for path in sys.path if path.endswith(".zip")]
    return list(
        dict.fromkeys((*standard, *zipped, os.path.dirname(os.__file__), *imports))
    )


def up(path: str) -> str:
    """Return the directory above."""
    return os.path.dirname(path)


def check_source(package: str, modules: Iterable[str]) -> None:
    """Raise InvalidInputError if another user can write our own source.

    Bytecode is not checked: if others can write it, it is removed and compiled again.
    """
    launcher_render.check(package)
    for path in modules:
        launcher_render.check(path)
    for _ in _walk([package], time.monotonic() + LIMIT_S, but=_CACHE):
        continue


def check_all(
    python: str, imports: Iterable[str], limit_s: float = LIMIT_S
) -> list[str]:
    """Raise InvalidInputError if another user can write anything that a launcher runs.

    Returns the directories that were not checked: unreadable, or the time ran out.
    """
    for path in (python, *filter(os.path.exists, RUN_BY_SH), *_mapped()):
        launcher_render.check(path)
    looked_in = directories(imports)
    for directory in looked_in:
        # A missing one could be made by whoever can write the directory above.
        launcher_render.check(directory if os.path.exists(directory) else up(directory))
    return list(_walk(looked_in, time.monotonic() + limit_s))


def _mapped() -> set[str]:
    """Return the shared libraries that this Python has loaded, with those of TLS."""
    import ssl  # noqa: F401, PLC0415 - to have it loaded

    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            names = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    except OSError:
        return {os.path.realpath(sys.executable)}
    return {name for name in names if name.startswith("/") and os.path.isfile(name)}


def _walk(tops: list[str], deadline: float, but: str = "") -> Iterator[str]:
    """Check all below some directories, through links; yield what was not checked."""
    waiting = list(reversed(tops))
    seen: set[tuple[int, int]] = set()
    others = {(os.path.dirname(os.__file__), name) for name in _NOT_ON_THE_PATH}
    while waiting:
        directory = waiting.pop()
        if os.path.split(directory) in others and directory not in tops:
            continue
        try:
            status = os.stat(directory)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(directory) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue  # usually python311.zip, which does not exist
        except PermissionError:
            yield directory
            continue
        if time.monotonic() > deadline:
            yield directory
            continue
        waiting += [path for entry in found if (path := _enter(entry, but))]


def _enter(entry: os.DirEntry[str], but: str) -> str:
    """Check an entry; return its path if it is a directory to walk, else ""."""
    if entry.name == but:
        return ""
    if entry.is_symlink():
        if not os.path.exists(entry.path):
            return ""
        launcher_render.check(entry.path)
    elif why := launcher_render.problem(entry.stat(follow_symlinks=False), entry.path):
        raise InvalidInputError(
            f"{entry.path} is refused: it {why}",
            "what the launchers import may be written by you and root only",
        )
    return entry.path if entry.is_dir() else ""
