"""A file that many processes change, with a lock file and atomic replacement.

A reader needs no lock: because of the rename it sees the old file or the new one. A
killed writer leaves the old file, and at most one temporary file, which the next
writer removes.
"""

from __future__ import annotations

import errno
import os

from dockcred.stores.problems import KeychainAbsentError, KeychainError
from dockcred.system import environment, process
from dockcred.system.file_lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class StoreLock(FileLock):
    """The lock of one store. Entering raises KeychainError if it cannot be acquired."""

    def __init__(self, path: str, store: str, *, stays: bool = True) -> None:
        """Hold the path of the lock file, and the store's name for messages.

        If not `stays`, the lock file is removed afterwards.
        """
        super().__init__(path, stays=stays)
        self._store = store

    def __enter__(self) -> Self:
        """Wait for the lock, as long as the call has time."""
        process.set_activity(f"waiting for another process that changes {self._store}")
        try:
            return super().__enter__()
        except TimeoutError:
            raise KeychainError(
                f"another process holds the lock of {self._store}", "try again"
            ) from None
        except OSError as error:
            raise KeychainError(
                f"{self._store} cannot be locked: {error.strerror}",
                _remedy(error, error.filename),
            ) from None


class GuardedFile:
    """A file. As a context manager it holds the lock for changes."""

    _lock: FileLock

    def __init__(self, path: str) -> None:
        """Resolve links once, so that a link's target is replaced and not the link."""
        self.path = os.path.realpath(path)

    def read(self) -> bytes:
        """Return the whole file.

        Raises KeychainAbsentError if it is missing, KeychainError if it is unreadable.
        """
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
        from dockcred.system import private_file  # noqa: PLC0415 - only a writer's

        self._lock = StoreLock(f"{self.path}.lock", "the vault")
        self._lock.__enter__()
        private_file.remove_leftovers(*os.path.split(self.path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Release the lock."""
        self._lock.__exit__(kind, error, trace)

    def replace(self, data: bytes) -> None:
        """Replace the file atomically and flush it to disk.

        Raises KeychainError if that fails; the old file then stays.
        """
        from dockcred.system import private_file  # noqa: PLC0415 - only a writer's

        try:
            private_file.replace(self.path, data)
        except OSError as error:
            raise self._failed("written and stays as it was", error) from None

    def _failed(self, action: str, error: OSError) -> KeychainError:
        if error.errno == errno.ENOENT:
            return KeychainAbsentError(
                f"there is no vault at {self.path}", "run 'dockcred vault create'"
            )
        return KeychainError(
            f"the vault cannot be {action}: {error.strerror}",
            _remedy(error, self.path),
        )


def _remedy(error: OSError, path: str) -> str:
    from dockcred.system import file_lock  # noqa: PLC0415 - after a failure alone

    found = file_lock.remedy(error, environment.current())
    return f"{path}: {found}" if found else f"look at {path} and its disk"
