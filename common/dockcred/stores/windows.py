"""Windows' Credential Manager, in the layout of docker's own `wincred` helper.

An item is a generic credential: its target is the URL, its blob the secret in UTF-8,
and it is kept on this machine. A blob has at most 2560 bytes, so a longer secret is
split into pieces, each an item of its own. docker's helper does not list the pieces,
and reads the secret of such an item as empty. If it replaces or erases the item, the
pieces stay and still hold the secret. Our next store, erase or list removes them.

This was run beside docker's helper under Wine, and not yet on Windows.
"""

from __future__ import annotations

import contextlib
import os
import time

from dockcred.credential import Credential
from dockcred.stores.problems import (
    CredentialError,
    Item,
    KeychainError,
    KeychainLockedError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import ParamSpec, Protocol, TypeVar

    from dockcred.system.environment import Environment

    P = ParamSpec("P")
    T = TypeVar("T")

    class Credentials(Protocol):
        """Generic credentials by target (wincred.h)."""

        def read(self, target: str) -> Item | None:
            """Return a credential, or None (CredReadW)."""

        def write(self, target: str, item: Item) -> None:
            """Create or replace a credential (CredWriteW)."""

        def delete(self, target: str) -> None:
            """Delete a credential, which may be missing (CredDeleteW)."""

        def targets(self) -> list[str]:
            """Return every target (CredEnumerateW)."""


MAX_BLOB_BYTES = 2560
LABEL = "Docker Credentials"
_PIECES = "dockcred:pieces"
_PIECE = "#dockcred:"
# Seconds for which a piece may have no item. Pieces are written before the item that
# names them. A slower `store` would lose its pieces to another process that cleans up.
# An aborted `store` leaves its pieces for this time.
_BEING_WRITTEN_S = 600
_NO_SUCH_LOGON_SESSION = 1312
_ACCESS_DENIED = 5


class CredentialManager:
    """docker's items of this user on this machine."""

    def __init__(
        self, environment: Environment, credentials: Credentials | None = None
    ) -> None:
        """Load the API; a test gives `credentials` instead."""
        del environment
        if credentials is None:
            from dockcred.stores.windows_api import (  # noqa: PLC0415 - Windows only
                GenericCredentials,
            )

            credentials = GenericCredentials()
        self._credentials = credentials

    def read(self, key: str) -> Credential | None:
        """Return the credential of exactly this target, or None; joins its pieces."""
        item = self._read(key)
        if item is None or not _is_docker(item):
            return None
        blob = item.blob
        if pieces := _pieces(key, item):
            blob = b"".join(self._piece(target) for target in pieces)
        return Credential(item.user, blob.decode("utf-8", "replace"))

    def write(self, key: str, credential: Credential) -> None:
        """Write new pieces, then the item that names them, then delete old pieces."""
        old = self._read(key)
        blob = credential.secret.encode()
        attributes = {"label": LABEL.encode()}
        item = Item(credential.username, blob, attributes)
        if len(blob) > MAX_BLOB_BYTES:
            starts = range(0, len(blob), MAX_BLOB_BYTES)
            generation = f"{int(time.time()):08x}{os.urandom(4).hex()}"
            attributes[_PIECES] = f"{generation}:{len(starts)}".encode()
            for target, start in zip(_pieces(key, item), starts, strict=True):
                piece = Item("", blob[start : start + MAX_BLOB_BYTES], {})
                self._write(target, piece)
            item.blob = b""
        self._write(key, item)
        if old is not None:
            self._delete(_pieces(key, old))
        self._without_orphans(_told(self._credentials.targets))

    def remove(self, keys: Iterable[str]) -> None:
        """Remove the items, then their pieces."""
        for key in keys:
            item = self._read(key)
            if item is not None and _is_docker(item):
                self._delete([key, *_pieces(key, item)])

    def users(self) -> dict[str, str]:
        """Return the user of every item that has docker's label."""
        found = {}
        for target in self._without_orphans(_told(self._credentials.targets)):
            item = self._read(target)
            if item is not None and _is_docker(item):
                found[target] = item.user
        return found

    def _without_orphans(self, targets: list[str]) -> list[str]:
        """Return the targets that are not pieces; delete pieces that no item names."""
        items = []
        for target in targets:
            key, mark, rest = target.rpartition(_PIECE)
            if not mark:
                items.append(target)
            elif not _is_being_written(rest):
                item = self._read(key)
                if item is None or target not in _pieces(key, item):
                    # The verb succeeds in spite of this; the next one tries again.
                    with contextlib.suppress(CredentialError):
                        self._credentials.delete(target)
        return items

    def _read(self, target: str) -> Item | None:
        return _told(self._credentials.read, target)

    def _piece(self, target: str) -> bytes:
        piece = self._read(target)
        if piece is None:
            raise KeychainError(
                "a piece of a long secret is missing from the Credential Manager",
                "log in to the registry again",
            )
        return piece.blob

    def _write(self, target: str, item: Item) -> None:
        _told(self._credentials.write, target, item)

    def _delete(self, targets: Iterable[str]) -> None:
        for target in targets:
            _told(self._credentials.delete, target)


def _is_docker(item: Item) -> bool:
    return item.attributes.get("label") == LABEL.encode()


def _pieces(key: str, item: Item) -> list[str]:
    """Return the targets of an item's pieces; none if the item has the whole secret."""
    mark = item.attributes.get(_PIECES, b"").decode("ascii", "replace")
    generation, _, count = mark.partition(":")
    if not count.isdigit():
        return []
    return [f"{key}{_PIECE}{generation}:{n}" for n in range(int(count))]


def _is_being_written(rest: str) -> bool:
    """Return whether a piece is so new that its item may not be written yet.

    `rest` is the end of its target. It begins with the time at which the `store` began,
    in seconds since the epoch and in hexadecimal.
    """
    try:
        began = int(rest[:8], 16)
    except ValueError:
        return False
    return abs(time.time() - began) < _BEING_WRITTEN_S


def _told(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call the API; raise its errors as KeychainError or KeychainLockedError."""
    try:
        return call(*arguments, **named)
    except CredentialError as error:
        if error.code in {_NO_SUCH_LOGON_SESSION, _ACCESS_DENIED}:
            raise KeychainLockedError(
                "the Credential Manager is closed to this session (as over ssh)",
                "log in interactively, or run 'dockcred vault create'",
            ) from None
        raise KeychainError(
            f"the Credential Manager refused with error {error.code}",
            f"'net helpmsg {error.code}' explains it",
        ) from None
