"""One file that many processes change: a lock beside it, and atomic replacement.

A reader needs no lock: a rename shows it the old file or the new one. A writer that
is killed leaves the old file, and at most one written aside, which the next removes.
"""

from __future__ import annotations

import errno
import os
import time

from dockcred import watchdog
from dockcred.stores.problems import KeychainAbsentError, KeychainError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_MAX_WAIT_S = 60.0
_LONGEST_PAUSE_S = 0.02
_ASIDE = ".new"


class GuardedFile:
    """A file, and as a context manager the right to change it."""

    def __init__(self, path: str) -> None:
        """Follow links once, so that a replaced file stays where the link points."""
        self.path = os.path.realpath(path)
        self._lock = -1

    def read(self) -> bytes:
        """Answer the whole file; KeychainAbsentError where there is none."""
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise KeychainAbsentError(
                f"there is no vault at {self.path}",
                "run 'dockcred vault create', or name it in DOCKCRED_VAULT_FILE",
            ) from None
        except OSError as error:
            raise self._failed("read", error) from None

    def __enter__(self) -> Self:
        """Wait for the lock, as long as the call has time."""
        import fcntl  # noqa: PLC0415 - only a writer's

        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._lock = os.open(f"{self.path}.lock", flags, 0o600)
        except OSError as error:
            raise self._failed("locked", error) from None
        watchdog.doing("waiting for another process that changes the vault")
        pause, give_up = 0.001, time.monotonic() + _MAX_WAIT_S
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > give_up:
                    self._release()
                    raise KeychainError(
                        "another process holds the vault's lock", "try again"
                    ) from None
                time.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE_S)
            except OSError as error:
                self._release()
                raise self._failed("locked", error) from None
            else:
                break
        self._remove_leftovers()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the next writer go."""
        self._release()

    def replace(self, data: bytes) -> None:
        """Write aside, flush to the disk, rename; the old file stays if any fails."""
        aside = f"{self.path}.{os.getpid()}{_ASIDE}"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(aside, flags, 0o600)
            try:
                while data:
                    data = data[os.write(descriptor, data) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.rename(aside, self.path)
            _flush_directory(os.path.dirname(self.path))
        except OSError as error:
            _remove(aside)
            raise self._failed("written and stays as it was", error) from None

    def _release(self) -> None:
        os.close(self._lock)
        self._lock = -1

    def _remove_leftovers(self) -> None:
        """Drop what killed writers left; whoever holds the lock is the only writer."""
        directory, name = os.path.split(self.path)
        for found in os.listdir(directory):
            if found.startswith(f"{name}.") and found.endswith(_ASIDE):
                _remove(f"{directory}/{found}")

    def _failed(self, what: str, error: OSError) -> KeychainError:
        if error.errno == errno.ENOENT:
            return KeychainAbsentError(
                f"there is no vault at {self.path}", "run 'dockcred vault create'"
            )
        return KeychainError(
            f"the vault cannot be {what}: {error.strerror}",
            f"look at {self.path} and its disk",
        )


def _flush_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
