"""The right to change a file: a lock beside it, and what keeps a user from the file.

The kernel drops the lock at our death.
Where the lock's file is not to stay, it is removed by whoever holds it: who has waited
for it looks whether what it holds still has the name.
"""

from __future__ import annotations

import errno
import os
import sys
import time

from dockcred import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from dockcred.system.environment import Environment

MAX_WAIT_S = 60.0
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.02
_CANNOT_LOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}


def lock(descriptor: int, path: str, give_up: float) -> None:
    """Acquire the lock of an open file, which ends with the descriptor.

    Raise TimeoutError where another holds it at `give_up` (of time.monotonic), another
    OSError where the file system has no locks.
    """
    pause = _FIRST_PAUSE_S
    while True:
        try:
            system.lock(descriptor)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise TimeoutError(
                    errno.ETIMEDOUT, "another process holds its lock; try again", path
                ) from None
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)
        except OSError as failure:
            failure.filename = path
            raise
        else:
            return


class FileLock:
    """One lock, as a context manager; OSError where it cannot be had.

    TimeoutError, which is an OSError too, where another holds it for too long.
    """

    def __init__(
        self,
        path: str,
        *,
        stays: bool = False,
        required: bool = True,
        max_wait_s: float = MAX_WAIT_S,
        flags: int = os.O_RDWR | os.O_CREAT | system.SAFE,
    ) -> None:
        """Hold the path of the lock's own file; `required` if nothing else guards."""
        self._path = path
        self._flags = flags
        self._stays = stays
        self._required = required
        self._max_wait_s = max_wait_s
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Wait for the lock."""
        give_up = time.monotonic() + self._max_wait_s
        while True:
            descriptor = os.open(self._path, self._flags, 0o600)
            try:
                self._wait(descriptor, give_up)
                if self._stays or self._is_there(descriptor):
                    self._descriptor = descriptor
                    return self
            finally:
                if self._descriptor < 0:
                    os.close(descriptor)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock."""
        descriptor, self._descriptor = self._descriptor, -1
        if sys.platform == "win32":
            os.close(descriptor)  # else it stays; and what the next one has open, stays
        try:
            if not self._stays:
                os.unlink(self._path)
        except OSError:
            pass  # it is empty, and the next one takes it
        finally:
            if sys.platform != "win32":
                os.close(descriptor)

    def _wait(self, descriptor: int, give_up: float) -> None:
        try:
            lock(descriptor, self._path, give_up)
        except OSError as failure:
            if self._required or failure.errno not in _CANNOT_LOCK:
                raise

    def _is_there(self, descriptor: int) -> bool:
        try:
            named = os.lstat(self._path)
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(descriptor))


def beside(path: str) -> FileLock:
    """Return the lock of a client's file, which others change without asking for it.

    Its own file is there only while it is held: the directory is the client's.
    """
    directory, name = os.path.split(path)
    return FileLock(os.path.join(directory, f".{name}.dockcred-lock"), required=False)


def of_directory(path: str) -> FileLock:
    """Return a directory's own lock, which is not waited for.

    Windows locks no directory: there it is a file within, as `beside` has one.
    """
    if sys.platform == "win32":
        return FileLock(os.path.join(path, ".dockcred-lock"), max_wait_s=0)
    flags = os.O_RDONLY | os.O_DIRECTORY | system.PLAIN
    return FileLock(path, stays=True, max_wait_s=0, flags=flags)


def is_mine(path: str) -> bool:
    """Return whether a path belongs to this user."""
    try:
        return system.stat(path).st_uid == system.user()
    except OSError:
        return False


_MAX_LINKS = 40


def obstacle(path: str, wanted: int = os.R_OK) -> str:
    """Return what keeps this user from reading a file; nothing where nothing does.

    It is the directory that does not let pass, wherever links lead, or the file; for
    os.W_OK, which a writer beside it needs, the directory that the file is in.
    """
    at, left, links = "/", os.path.abspath(path).split("/")[::-1], 0
    while left:
        name = left.pop()
        if name in {"", ".", ".."}:
            at = os.path.dirname(at) if name == ".." else at
            continue
        place = os.path.join(at, name)
        try:
            target = os.readlink(place)
        except PermissionError:
            return at
        except FileNotFoundError:
            break
        except OSError:  # no link
            at = place
            continue
        links += 1
        if links > _MAX_LINKS:
            return place
        at = "/" if target.startswith("/") else at
        left += target.split("/")[::-1]
    else:
        if wanted == os.R_OK:
            return "" if os.access(at, os.R_OK) else at
        at = at if os.path.isdir(at) else os.path.dirname(at)
    return at if wanted == os.W_OK and not os.access(at, os.W_OK) else ""


def remedy(error: OSError, environment: Environment) -> str:
    """Return what to do about a file that was not written; nothing where it is unknown.

    The file is as it was, for all our writers write aside.
    """
    if error.errno == errno.EROFS:
        return "it is mounted read-only: name a place elsewhere"
    if not error.filename:
        return ""
    try:
        path = os.path.realpath(os.fsdecode(error.filename))
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            shown = _command("df", "-h", _directory(path))
            return f"make room there, it stays as it was; run: {shown}"
        if error.errno not in {errno.EACCES, errno.EPERM}:
            return ""
        if sys.platform == "win32":
            from dockcred.system.windows import refused  # noqa: PLC0415 - after a failure

            return refused.remedy(path, environment.home())
        if held := _held_fast(path):
            return f"run: {_command('sudo', 'chattr', '-i', '-a', held)}"
        place = obstacle(path, os.W_OK)
        if not place and os.path.lexists(path) and not is_mine(path):
            place = path  # its owner is kept, which only root can give
        fix, words = opening(place, environment) if place else ("", "")
    except OSError:
        return ""
    return f"run: {fix}" if fix else words


def _directory(path: str) -> str:
    """Return the lowest directory above a path that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


_GET_FLAGS = 0x80086601
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20


def _held_fast(path: str) -> str:
    """Return the file, or its directory, that not even root may replace (chattr(1))."""
    try:
        import fcntl  # noqa: PLC0415 - POSIX only
    except ImportError:
        return ""
    for place in (path, os.path.dirname(path)):
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            found = fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))
        except OSError:
            continue
        finally:
            os.close(descriptor)
        if int.from_bytes(found, sys.byteorder) & (_IMMUTABLE | _APPEND_ONLY):
            return place
    return ""


def opening(place: str, environment: Environment) -> tuple[str, str]:
    """Return a command that opens a place to this user, or what to do in words.

    What belongs to others is given to the user in his own home alone, with all that is
    in it: elsewhere it may be kept from him on purpose.
    """
    is_directory = os.path.isdir(place)
    if is_mine(place):
        return _command("chmod", "u+rwx" if is_directory else "u+r", place), ""
    home = os.path.realpath(environment.home() or "/") + "/"
    if home == "//" or not os.path.realpath(place).startswith(home):
        from dockcred.system import people  # noqa: PLC0415 - for messages

        whom = people.owner_name(place)
        return "", f"ask {whom} to let you read it, or keep a file of your own"
    user = environment.first("USER", "LOGNAME") or str(system.user())
    words = ("chown", "-R", user) if is_directory else ("chown", user)
    return _command("sudo", *words, place), ""


def _command(*words: str) -> str:
    from shlex import quote  # noqa: PLC0415 - for messages

    return " ".join(map(quote, words))
