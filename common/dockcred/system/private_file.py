"""Write private files in one step: a new file is written aside, and then renamed.

"Aside" is beside the old file, under a random name, for this user only. A reader sees
the old file or the new one. The file aside is locked. The kernel releases the lock when
the writer ends, however it ends. So the next writer recognizes what a dead writer has
left, which may hold a secret, and removes it.

A pid is not enough for the name: in a container every run has the same one.
"""

from __future__ import annotations

import os
import stat
import sys
import time

from dockcred import system
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

NEW_FILE: Final = 0o600
ASIDE: Final = ".new"
_OTHERS, _OWNER_AND_READERS = 0o007, 0o640
_RANDOM_BYTES = 8
_HEXADECIMAL = frozenset("0123456789abcdef")
_ATTEMPTS = 10
# Used where files cannot be locked, and for files of versions that did not lock.
_DEAD_AFTER_S = 60.0


def replace(
    path: str,
    data: bytes,
    mode: int | None = None,
    *,
    mtime: float | None = None,
    durable: bool = True,
    keeps_owner: bool = False,
) -> None:
    """Write data to a file in one step; if that fails, the old file is unchanged.

    Without `mode` the old file's mode and owner are kept; if there was none, only this
    user can access the file. With `mode` the file belongs to this user, or with
    `keeps_owner` to the old file's owner. A symlink is replaced, not followed.
    `durable` flushes file and directory to the disk, and removes what dead writers of
    this file have left. Raises OSError with the file's name.
    """
    try:
        if durable:
            remove_leftovers(*os.path.split(path))
        aside, descriptor = create(path)
        try:
            fill(descriptor, data)
            dress(descriptor, path, mode, keeps_owner=keeps_owner)
            if durable:
                os.fsync(descriptor)
            taken, descriptor = descriptor, -1
            system.move(taken, aside, path, mtime)
        except BaseException:
            close(descriptor)
            drop(aside)
            raise
        if durable:
            system.flush_directory(path)
    except OSError as error:
        error.filename, error.filename2 = path, None  # the caller knows no file aside
        raise


def replace_by_link(path: str, target: str) -> None:
    """Put a symbolic link in a file's place in one step; raises OSError."""
    aside = new_name(path)
    os.symlink(target, aside)
    os.replace(aside, path)
    system.flush_directory(path)


def create(path: str) -> tuple[str, int]:
    """Make the file aside, for us alone and locked; return its path and descriptor."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | system.SAFE
    for _ in range(_ATTEMPTS):
        aside = new_name(path)
        descriptor = system.create(aside, flags)
        try:
            # Another writer may have removed it as a leftover before it was locked.
            if _lock(descriptor) is not False and os.fstat(descriptor).st_nlink:
                return aside, descriptor
        except OSError:
            close(descriptor)
            drop(aside)
            raise
        close(descriptor)
    raise FileExistsError(17, "another process takes its files for leftovers", path)


def new_name(path: str) -> str:
    """Return an unused name beside a file."""
    return f"{path}.{os.urandom(_RANDOM_BYTES).hex()}{ASIDE}"


def fill(descriptor: int, data: bytes) -> None:
    """Write all of the data."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def dress(
    descriptor: int, path: str, mode: int | None, *, keeps_owner: bool = False
) -> None:
    """Set the new file's mode; without `mode`, the old file's owner, group and mode.

    `keeps_owner` keeps owner and group beside a mode too.
    """
    if system.copy_access("" if mode else path, descriptor):
        return
    if mode is None or keeps_owner:
        try:
            # If a link is replaced, its own owner counts, not that of its target.
            old = os.stat(path) if mode is None else os.lstat(path)
        except FileNotFoundError:
            old = None
        if old is not None:
            new = os.fstat(descriptor)
            mode = stat.S_IMODE(old.st_mode) if mode is None else mode
            try:
                if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
                    os.fchown(descriptor, old.st_uid, old.st_gid)
            except PermissionError:
                if old.st_uid != new.st_uid:
                    raise
                # This user is not in the old group: another must not gain access.
                mode &= ~stat.S_IRWXG
    if mode not in {None, NEW_FILE}:
        os.fchmod(descriptor, mode)


def give_away(path: str, like: str) -> None:
    """Change a file's owner and group to those of another; raise OSError."""
    if sys.platform != "win32":
        theirs = os.stat(like)
        os.chown(path, theirs.st_uid, theirs.st_gid)


def set_mode(descriptor: int, mode: int) -> None:
    """Set an open file's mode, if it differs; on Windows files have no mode."""
    if sys.platform != "win32" and stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        os.fchmod(descriptor, mode)


def mode_for_secret(path: str) -> tuple[int, str]:
    """Return the mode for a secret that replaces a file, and a notice or "".

    If its group can read the file, somebody wants that, and it is kept. If everybody
    can, that comes from a umask: then only the owner can read the new file.
    """
    try:
        old = stat.S_IMODE(system.lstat(path).st_mode)
    except FileNotFoundError:
        return NEW_FILE, ""
    if old & _OTHERS:
        return NEW_FILE, f"others could read it: its mode was {old:04o}, and is 0600"
    kept = old & _OWNER_AND_READERS | stat.S_IRUSR
    return kept, "its group can read it too" if kept & stat.S_IRGRP else ""


def behind_links(path: str) -> str:
    """Return the target of a link that this user or root owns, else the path itself.

    Another user's link could direct a secret, written with root's rights, anywhere.
    """
    if os.path.islink(path) and system.lstat(path).st_uid in {0, system.user()}:
        return os.path.realpath(path)
    return path


def remove_leftovers(directory: str, start: str = "") -> None:
    """Remove what dead writers have left aside in a directory, by a name's `start`.

    Files of other users, and those that a living writer has locked, are left alone.
    """
    try:
        names = os.listdir(directory or ".")
    except OSError:
        return
    for name in names:
        if name.endswith(ASIDE) and name.startswith(start):
            random = name.removesuffix(ASIDE).rpartition(".")[2]
            locked = len(random) == 2 * _RANDOM_BYTES and _HEXADECIMAL.issuperset(
                random
            )
            if locked or random.isdigit():  # older versions used the pid
                _remove_if_dead(os.path.join(directory, name), locked=locked)


def drop(path: str) -> None:
    """Remove a file; if that fails, the next writer removes it."""
    try:
        os.unlink(path)
    except OSError:
        return


def close(descriptor: int) -> None:
    """Close a descriptor; an error is ignored, because what matters was flushed."""
    try:
        os.close(descriptor)
    except OSError:
        return


def _remove_if_dead(path: str, *, locked: bool) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | system.READ)
    except OSError:
        return
    try:
        status = system.fstat(descriptor)
        user = system.user()
        if stat.S_ISREG(status.st_mode) and user in {0, status.st_uid}:
            free = _lock(descriptor) if locked else None
            if free is None:
                free = time.time() - status.st_ctime > _DEAD_AFTER_S
            if free:
                # It is locked until it is removed, so that its writer does not use it.
                # Where open files cannot be removed, a writer keeps what it has open.
                if not system.REMOVES_OPEN:
                    os.close(descriptor)
                    descriptor = -1
                drop(path)
    finally:
        close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Return whether we have locked an open file; None if files cannot be locked."""
    try:
        system.lock(descriptor)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def check_secret(path: str, descriptor: int) -> None:
    """Raise InvalidInputError for an open file that other users can write or read.

    Its group may read it. All may read root's file on a read-only mount: nobody here
    can change its mode. Kubernetes and docker give secrets to containers in this way.
    """
    status = system.fstat(descriptor)
    check_owner(path, status)
    if not status.st_mode & _OTHERS:
        return
    if status.st_uid != 0 or not _is_mounted(descriptor):
        raise InvalidInputError(
            f"{path} is refused: others can read it", f"run: chmod o-rwx {path}"
        )


def _is_mounted(descriptor: int) -> bool:
    """Return whether an open file is on a read-only mount."""
    if sys.platform == "win32":
        return False
    return bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY)


def check_owner(path: str, status: os.stat_result) -> None:
    """Raise InvalidInputError if anyone but this user and root can write a file."""
    if status.st_uid not in {0, system.user()} or status.st_mode & (
        stat.S_IWOTH | stat.S_IWGRP
    ):
        raise InvalidInputError(
            f"{path} is refused: others can write it", f"run: chmod go-w {path}"
        )
