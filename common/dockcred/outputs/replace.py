"""Reads a client's file, and replaces it in one step with its mode and owner kept."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterable

from dockcred.errors import InvalidInputError

_NEW_FILE = 0o600
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


def write(path: str, data: bytes) -> None:
    """Replace a file, or make it for its owner alone; mode and owner are kept."""
    _write(path, data, lambda descriptor: _take_after(path, descriptor))


def write_private(path: str, data: bytes, mode: int = _NEW_FILE) -> None:
    """Put a secret into a file of this user's own, whoever had one there before.

    A symlink is replaced, not followed, and the secret is never in a file that more
    may read than `mode` says.
    """
    _write(path, data, lambda descriptor: os.fchmod(descriptor, mode))


def _write(path: str, data: bytes, dress: Callable[[int], None]) -> None:
    try:
        _replace(path, data, dress)
    except OSError as error:
        error.filename = path  # nobody has named the one aside
        raise


def _replace(path: str, data: bytes, dress: Callable[[int], None]) -> None:
    aside = f"{path}.{os.getpid()}.new"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NEW_FILE)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            dress(descriptor)
            file.flush()
            os.fsync(descriptor)
        os.rename(aside, path)
    except BaseException:
        os.unlink(aside)
        raise


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


def _take_after(path: str, descriptor: int) -> None:
    """Give the new file the mode and the owner of the old one."""
    try:
        old = os.stat(path)
    except FileNotFoundError:
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
