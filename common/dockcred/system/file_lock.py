"""Locks for changing a file, and what prevents a user from reading or writing it.

The kernel releases a lock when its process ends. A lock file that is not to stay is
removed by its holder. So a process that has waited for the lock checks whether the file
that it has locked still has that name.
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
    """Lock an open file until its descriptor is closed.

    Raises TimeoutError if another process holds the lock at `give_up`, a time on
    time.monotonic(). Raises another OSError if the file system has no locks.
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
    """A lock file, as a context manager; raises OSError if it cannot be locked.

    Raises TimeoutError, a kind of OSError, if another process holds it for too long.
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
        """Keep the lock file's path; `required`: missing locks are an error."""
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
            os.close(descriptor)  # Windows removes no open file
        try:
            if not self._stays:
                os.unlink(self._path)
        except OSError:
            pass  # it is empty, and the next holder uses it
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
    """Return a lock beside a client's file; other programs do not ask for this lock.

    The lock file exists only while it is held, because the directory is the client's.
    """
    directory, name = os.path.split(path)
    return FileLock(os.path.join(directory, f".{name}.dockcred-lock"), required=False)


def of_directory(path: str) -> FileLock:
    """Return the lock of a directory itself; it does not wait.

    Windows cannot lock a directory: there it is a lock file inside it.
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
    """Return the path that prevents this user from reading a file, or "".

    It is a directory that the user may not enter, also behind links, or the file
    itself. For os.W_OK it may be the file's directory: writers make a new file there.
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
    """Return what to do about a file that could not be written; "" if unknown.

    The file is unchanged, because our writers write a new file and rename it.
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
            place = path  # the new file keeps its owner, which only root can set
        fix, words = opening(place, environment) if place else ("", "")
    except OSError:
        return ""
    return f"run: {fix}" if fix else words


def _directory(path: str) -> str:
    """Return the lowest existing directory of a path."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


_GET_FLAGS = 0x80086601
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20


def _held_fast(path: str) -> str:
    """Return a file, or its directory, if its attribute forbids changes (chattr(1))."""
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
    """Return a command that gives this user access to a path, else advice in words.

    A path of another owner gets this user as owner only inside the user's home, with
    all that is below it. Elsewhere the access may be denied on purpose.
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
