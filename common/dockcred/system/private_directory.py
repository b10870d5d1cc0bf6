"""A private directory for one command; it is removed after the command's end.

Its name says which process it belongs to. So the next command can remove what a killed
one has left.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from contextlib import contextmanager

from dockcred import system
from dockcred.errors import DockcredError
from dockcred.system import watcher
from dockcred.system.machine import UNKNOWN_BOOT, locate, machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.system.environment import Environment

_PREFIX = "dockcred-exec"


def new_name() -> str:
    """Return the name of a directory for this process."""
    return "_".join((_PREFIX, *_here(), _pid(), _started("self"), os.urandom(4).hex()))


def has_ended(name: str) -> bool:
    """Return whether a name is that of such a directory whose process has ended.

    It is False for those of another host (on a shared disk) or another container.
    """
    # A host name may contain the separator.
    prefix, *rest = name.rsplit("_", 6)
    if prefix != _PREFIX or len(rest) != 6:  # noqa: PLR2004 - as new_name joins them
        return False
    host, boot, namespace, pid, started, _ = rest
    our_host, our_boot, our_namespace = _here()
    if host != our_host or UNKNOWN_BOOT in {boot, our_boot}:
        return False
    if boot != our_boot:
        return True
    known = namespace == our_namespace and started.isdigit() and pid.isdigit()
    return known and _started(pid) != started


def _here() -> tuple[str, str, str]:
    """Return the host, its boot, and our PID namespace."""
    boot, _, host = machine().partition(" ")
    try:
        namespace = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        namespace = "-"
    return host, boot[:8], namespace


def _pid() -> str:
    """Return our pid as /proc has it."""
    try:
        return os.readlink("/proc/self")
    except OSError:
        return str(os.getpid())


def _started(pid: str) -> str:
    """Return a process's start time, by the kernel's clock; "-" if there is none."""
    if sys.platform == "win32":
        from dockcred.system.windows import processes  # noqa: PLC0415 - its half

        number = os.getpid() if pid == "self" else int(pid)
        return str(processes.started_at(number) or "-")
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # proc_pid_stat(5): field 22, and the second one may hold spaces.
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except OSError:
        return "-"


_IN_MEMORY = {"tmpfs", "ramfs"}
# Only directories of ours are made in them.
_MEMORY, _TEMPORARY = "/dev/shm", ("TMPDIR", "/tmp")  # noqa: S108
if sys.platform == "win32":
    _MEMORY, _TEMPORARY = "", ("TEMP", "")


@contextmanager
def private_directory(environment: Environment) -> Iterator[str]:
    """Make a directory that only this user sees; it is removed when the block ends.

    If the block becomes another program (exec), it is removed after that program's end.
    Raises DockcredError if there is no safe place for it.
    """
    path = _make(environment)
    try:
        watcher.start(path, environment.get("SYSTEMROOT"))
        yield path
    finally:
        watcher.remove(path)


def link(target: str, path: str) -> None:
    """Put a link to a file or directory at a path in a private directory.

    On Windows, where only administrators make links, it is a junction or a hard link.
    If neither is possible, as between two disks, it is a copy.
    """
    if sys.platform != "win32":
        os.symlink(target, path)
        return
    if not os.path.isdir(target):
        _second_name(target, path)
        return
    import _winapi  # noqa: PLC0415 - Windows alone

    try:
        _winapi.CreateJunction(target, path)
    except OSError:
        shutil.copytree(target, path, copy_function=_second_name, dirs_exist_ok=True)


def _second_name(target: str, path: str) -> None:
    try:
        os.link(target, path)
    except OSError:
        shutil.copy2(target, path)


def places(environment: Environment) -> list[str]:
    """Return the safe places for a private directory: those in memory come first."""
    memory = [environment.get("XDG_RUNTIME_DIR"), _MEMORY]
    disk = [locate(environment), environment.get(*_TEMPORARY)]
    found = [place for place in memory if _is_safe(place) and is_in_memory(place)]
    return found + [place for place in disk if _is_safe(place)]


def is_in_memory(path: str) -> bool:
    """Return whether a directory is kept in memory; swap may still use a disk."""
    if sys.platform == "win32":
        return False
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
        path = os.path.join(os.path.abspath(place), new_name())
        try:
            os.mkdir(path, 0o700)
            system.close_to_others(path)
        except OSError as error:
            problem = f"{place}: {error.strerror}"
        else:
            return path
    raise DockcredError(
        f"there is no place for a private directory ({problem})",
        "set XDG_RUNTIME_DIR to a directory of yours",
    )


def _is_safe(path: str) -> bool:
    """Return whether no other user can replace a directory that we make there."""
    try:
        status = system.stat(path)
    except OSError:
        return False
    if status.st_uid not in {0, system.user()} or not stat.S_ISDIR(status.st_mode):
        return False
    return not status.st_mode & 0o022 or bool(status.st_mode & stat.S_ISVTX)


def remove(environment: Environment) -> None:
    """Remove each directory of ours, in all places, whose process has ended.

    A file or link of that name, and another user's directory, are left alone.
    """
    for place in places(environment):
        try:
            with os.scandir(place) as entries:
                ended = [entry for entry in entries if has_ended(entry.name)]
        except OSError:
            continue
        for entry in ended:
            if _is_ours(entry):
                watcher.remove(entry.path)


def _is_ours(entry: os.DirEntry[str]) -> bool:
    try:
        is_directory = entry.is_dir(follow_symlinks=False)
        return is_directory and system.lstat(entry.path).st_uid == system.user()
    except OSError:
        return False
