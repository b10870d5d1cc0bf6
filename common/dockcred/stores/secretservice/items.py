"""Read, unlock and write docker's items in the Secret Service, with jeepney.

`store.SecretReader` reads the same items faster, but cannot unlock them.
"""

from __future__ import annotations

from contextlib import suppress

from dockcred.credential import Credential
from dockcred.errors import InvalidInputError
from dockcred.stores.problems import KeychainError, KeychainLockedError
from dockcred.stores.secretservice import names
from dockcred.stores.secretservice.bus import SecretBus
from dockcred.stores.secretservice.names import (
    INTERFACE,
    LABEL,
    NOTHING,
    OURS,
    ROOT,
    SCHEMA,
    UNLOCK,
    ObjectGoneError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.system.environment import Environment

_ITEM = f"{INTERFACE}.Item"


class SecretItems:
    """docker's items in the default collection."""

    def __init__(self, environment: Environment) -> None:
        """Connect to the session bus; raise KeychainAbsentError if there is none."""
        self._bus = SecretBus(
            names.address(environment),
            can_prompt=bool(environment.first("WAYLAND_DISPLAY", "DISPLAY")),
        )

    def read(self, key: str) -> Credential | None:
        """Return the key's credential, or None.

        If another program has left several items, the last changed one counts.
        """
        items = self._search({"server": key, **OURS})
        while items:
            newest = max(items, key=self._modified)
            try:
                return self._open(newest)
            except ObjectGoneError:
                items.remove(newest)
        return None

    def write(self, key: str, credential: Credential) -> None:
        """Create or replace the item, then delete the key's items of other users."""
        for text in (key, credential.username):
            if "\0" in text:
                raise InvalidInputError(
                    "a NUL cannot be kept in the keyring", "send the login without one"
                )
        attributes = {
            "xdg:schema": SCHEMA,
            "label": LABEL,
            "server": key,
            "username": credential.username,
            **OURS,
        }
        properties = {
            f"{_ITEM}.Label": ("s", key),
            f"{_ITEM}.Attributes": ("a{ss}", attributes),
        }
        # The session must not be the first call: see `store._OPEN_SESSION`.
        collection = self._writable_collection()
        secret = (self._session(), b"", credential.secret.encode(), "text/plain")
        item, prompt = self._bus.call(
            collection,
            "CreateItem",
            "a{sv}(oayays)b",
            properties,
            secret,
            True,
            interface="Collection",
        )
        if prompt != NOTHING:
            item = self._bus.prompt(prompt)
        unlocked, _ = self._find({"server": key, **OURS})
        # It is stored: a failure to delete the other items must not hide that.
        with suppress(KeychainError):
            self._delete(set(unlocked) - {item})

    def remove(self, keys: Iterable[str]) -> None:
        """Remove every item of these keys.

        Raises KeychainLockedError if a locked item stays; unlocked ones are removed.
        """
        for key in keys:
            wanted = {"server": key, **OURS}
            self._delete(self._search(wanted))
            if self._find(wanted)[1]:
                self._delete(self._opened(wanted))

    def users(self) -> dict[str, str]:
        """Return every key of docker's with the user of its last changed item."""
        unlocked, locked = self._find(OURS)
        if not unlocked and self._locked_default():
            unlocked, locked = self._opened(OURS), []
        found = {}
        # If two items have the same second, `read` takes the first. So the first must
        # be last in this order.
        for items in (locked, unlocked):
            items.reverse()
            for item in sorted(items, key=self._modified):
                try:
                    attributes = self._bus.property(item, "Item", "Attributes")
                except ObjectGoneError:
                    continue
                if "server" in attributes:
                    found[attributes["server"]] = attributes.get("username", "")
        return found

    def _search(self, attributes: dict[str, str]) -> list[str]:
        """Return the matching unlocked items; if there are none, unlock and return all.

        Never treat a locked keyring as empty: it may hide its items from a search, as
        KeePassXC does.
        """
        unlocked, locked = self._find(attributes)
        if unlocked or not (locked or self._locked_default()):
            return unlocked
        return self._opened(attributes)

    def _find(self, attributes: dict[str, str]) -> tuple[list[str], list[str]]:
        """Return the matching unlocked items, and the matching locked ones."""
        unlocked, locked = self._bus.call(ROOT, "SearchItems", "a{ss}", attributes)
        return list(unlocked), list(locked)

    def _opened(self, attributes: dict[str, str]) -> list[str]:
        """Unlock the matching items, else the default collection; return all matches.

        Raises KeychainLockedError if an item stays locked.
        """
        self._bus.unlock(self._find(attributes)[1] or self._locked_default())
        unlocked, locked = self._find(attributes)
        if locked:
            raise KeychainLockedError("the keyring is locked", UNLOCK)
        return unlocked

    def _default(self) -> str:
        (path,) = self._bus.call(ROOT, "ReadAlias", "s", "default")
        return str(path)

    def _locked_default(self) -> list[str]:
        """Return the default collection if it is locked.

        If there is no default collection, return all locked ones.
        """
        default = self._default()
        paths = [default]
        if default == NOTHING:
            paths = self._bus.property(ROOT, "Service", "Collections")
        return [
            path for path in paths if self._bus.property(path, "Collection", "Locked")
        ]

    def _writable_collection(self) -> str:
        """Return the default collection, unlocked; create it if it is missing."""
        default = self._default()
        if default != NOTHING:
            if self._bus.property(default, "Collection", "Locked"):
                self._bus.unlock([default])
            return default
        properties = {f"{INTERFACE}.Collection.Label": ("s", "Login")}
        path, prompt = self._bus.call(
            ROOT, "CreateCollection", "a{sv}s", properties, "default"
        )
        if prompt == NOTHING:
            return str(path)
        try:
            return str(self._bus.prompt(prompt))
        except KeychainLockedError:
            raise KeychainError(
                "the keyring has no collection to keep anything in",
                "run 'gnome-keyring-daemon --replace --unlock' with a new password on "
                "stdin, or 'dockcred vault create' for a vault instead",
            ) from None

    def _session(self) -> str:
        _, session = self._bus.call(ROOT, "OpenSession", "sv", "plain", ("s", ""))
        return str(session)

    def _open(self, item: str) -> Credential:
        secret, *_ = self._bus.call(
            item, "GetSecret", "o", self._session(), interface="Item"
        )
        attributes = self._bus.property(item, "Item", "Attributes")
        return Credential(
            attributes.get("username", ""), bytes(secret[2]).decode("utf-8", "replace")
        )

    def _modified(self, item: str) -> int:
        try:
            return int(self._bus.property(item, "Item", "Modified"))
        except ObjectGoneError:
            return 0

    def _delete(self, items: Iterable[str]) -> None:
        for item in items:
            try:
                (prompt,) = self._bus.call(item, "Delete", interface="Item")
            except ObjectGoneError:
                continue
            if prompt != NOTHING:
                self._bus.prompt(prompt)
