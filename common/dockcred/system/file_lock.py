"""The right to change a file: a lock beside it, which the kernel drops at our death.

Where the lock's file is not to stay, it is removed by whoever holds it: who has waited
for it looks whether what it holds still has the name.
"""

from __future__ import annotations

import errno
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

MAX_WAIT_S = 60.0
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.02
_CANNOT_LOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}


def lock(descriptor: int, path: str, give_up: float) -> None:
    """Acquire the lock of an open file, which ends with the descriptor.

    Raise TimeoutError where another holds it at `give_up` (of time.monotonic), another
    OSError where the file system has no locks.
    """
    import fcntl  # noqa: PLC0415 - POSIX only

    pause = _FIRST_PAUSE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
    ) -> None:
        """Hold the path of the lock's own file; `required` if nothing else guards."""
        self._path = path
        self._stays = stays
        self._required = required
        self._max_wait_s = max_wait_s
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Wait for the lock."""
        give_up = time.monotonic() + self._max_wait_s
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        while True:
            descriptor = os.open(self._path, flags, 0o600)
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
        try:
            if not self._stays:
                os.unlink(self._path)
        except OSError:
            pass  # it is empty, and the next one takes it
        finally:
            descriptor, self._descriptor = self._descriptor, -1
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
