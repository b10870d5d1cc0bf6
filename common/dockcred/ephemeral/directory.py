"""Where a private directory stands, and its life: from here to the end of its owner."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager

from dockcred.cache import directory as cache
from dockcred.ephemeral import owner, watcher
from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.environment import Environment

_IN_MEMORY = {"tmpfs", "ramfs"}
_TEMPORARY = "/tmp"  # noqa: S108 - of a directory of ours in it, nobody else's


@contextmanager
def private_directory(environment: Environment) -> Iterator[str]:
    """Make a directory that only this user sees; it is removed when the block ends.

    It outlives a block that becomes another program, and ends with that program.
    Raises DockcredError where there is no place for it.
    """
    path = _make(environment)
    try:
        watcher.start(path)
        yield path
    finally:
        watcher.remove(path)


def places(environment: Environment) -> list[str]:
    """Name the directories in which one may stand: those in memory come first."""
    memory = [environment.get("XDG_RUNTIME_DIR"), "/dev/shm"]  # noqa: S108 - as above
    disk = [
        cache.locate(environment),
        environment.get("TMPDIR") or _TEMPORARY,
    ]
    found = [place for place in memory if _is_safe(place) and is_in_memory(place)]
    return found + [place for place in disk if _is_safe(place)]


def is_in_memory(path: str) -> bool:
    """Tell whether what is written there reaches no disk, swap aside."""
    device = os.stat(path).st_dev
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        # proc_pid_mountinfo(5): the device is field 3, the type stands behind " - ".
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as file:
            mounts = [line.partition(" - ") for line in file]
    except OSError:
        return False
    return any(
        mount.split()[2] == number and more.split()[0] in _IN_MEMORY
        for mount, _, more in mounts
    )


def _make(environment: Environment) -> str:
    problem = "none is safe"
    for place in places(environment):
        path = os.path.join(os.path.abspath(place), owner.new_name())
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            problem = f"{place}: {error.strerror}"
        else:
            return path
    raise DockcredError(
        f"there is no place for a private directory ({problem})",
        "set XDG_RUNTIME_DIR to a directory of yours",
    )


def _is_safe(path: str) -> bool:
    """Tell whether nobody else can put something else in our directory's place."""
    try:
        status = os.stat(path)
    except OSError:
        return False
    if status.st_uid not in {0, os.geteuid()} or not stat.S_ISDIR(status.st_mode):
        return False
    return not status.st_mode & 0o022 or bool(status.st_mode & stat.S_ISVTX)
