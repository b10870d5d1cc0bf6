"""The one right to change a store, held from the first look to the last write.

A place that is a program or a service keeps one entry for each user of a registry. Two
logins at once, each of which drops the other's, would leave both or none.
"""

from __future__ import annotations

from dockcred import watchdog
from dockcred.stores.problems import KeychainError
from dockcred.system.file_lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class StoreLock(FileLock):
    """The lock of one store; KeychainError where it cannot be had."""

    def __init__(self, path: str, store: str, *, stays: bool = True) -> None:
        """Take the path of the lock's own file, and the store's name for messages."""
        super().__init__(path, stays=stays)
        self._store = store

    def __enter__(self) -> Self:
        """Wait for the lock, as long as the call has time."""
        watchdog.doing(f"waiting for another process that changes {self._store}")
        try:
            return super().__enter__()
        except TimeoutError:
            raise KeychainError(
                f"another process holds the lock of {self._store}", "try again"
            ) from None
        except OSError as error:
            raise KeychainError(
                f"{self._store} cannot be locked: {error.strerror}",
                f"look at {error.filename} and its disk",
            ) from None
