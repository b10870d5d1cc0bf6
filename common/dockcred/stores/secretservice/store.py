"""The Secret Service as a store: reads with our own code, writes with jeepney."""

from __future__ import annotations

from dockcred.credential import Credential
from dockcred.errors import MissingExtraError
from dockcred.stores.secretservice import names
from dockcred.stores.secretservice.names import (
    FINAL,
    INTERFACE,
    MAX_WAIT_S,
    NOTHING,
    OURS,
    ROOT,
    SERVICE,
    WAITING,
    bounded,
    bus_gone,
    no_answer,
    refusal,
)
from dockcred.stores.secretservice.stream import BusStream, UnusualError
from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from dockcred.stores.secretservice.items import SecretItems
    from dockcred.stores.secretservice.wire import Body, Call
    from dockcred.system.environment import Environment

    T = TypeVar("T")

_PROPERTIES = "org.freedesktop.DBus.Properties"
_OPEN_SESSION = (
    SERVICE, ROOT, f"{INTERFACE}.Service.OpenSession", "sv", "plain", ("s", "")
)  # fmt: skip
"""Never send this as the first call on a connection.

gnome-keyring aborts if it does not know the caller yet (its issues 190, 196 and 199).
It survives a first call of another kind.
"""
_DEFAULT = (SERVICE, ROOT, f"{INTERFACE}.Service.ReadAlias", "s", "default")
_MOST_CALLS = 100
"""Most calls in one batch: a bus may allow only 128 calls without an answer."""
_MOST_READ = 50
"""Up to this number, `near` reads all items; above, it searches for each form.

To read one property of one item, gnome-keyring goes through all of its items.
"""


class SecretReader:
    """Reads unlocked items, and the names of locked ones, on one session bus.

    Every method raises UnusualError if jeepney must handle the case instead.
    """

    def __init__(self, address: str) -> None:
        """Hold the bus's address; nothing is sent yet."""
        self._bus = BusStream(address)

    def read(self, key: str) -> Credential | None:
        """Return the key's credential, or None; the last changed item counts."""
        return _of_known_shape(lambda: self._read(key))

    def users(self) -> dict[str, str]:
        """Return every key of docker's with the user of its last changed item."""
        return _of_known_shape(self._users)

    def near(self, keys: Iterable[str]) -> list[str]:
        """Return every key of docker's; with many items only those among `keys`."""
        return _of_known_shape(lambda: self._near(list(keys)))

    def _read(self, key: str) -> Credential | None:
        found, (default,), (_, session) = self._call_batch(
            _search({"server": key, **OURS}), _DEFAULT, _OPEN_SESSION
        )
        items, _ = self._sorted(found, default)
        if not items:
            return None
        (secrets,), *properties = self._call_batch(
            _get_secrets(items, session), *map(_get_properties, items)
        )
        newest = max(range(len(items)), key=lambda n: _modified(properties[n]))
        _, _, secret, _ = secrets[items[newest]]
        user = _attributes(properties[newest]).get("username", "")
        return Credential(user, secret.decode("utf-8", "replace"))

    def _users(self) -> dict[str, str]:
        unlocked, locked = self._all()
        # Unlocked items are last, so that they win over locked items of the same key.
        return self._users_of(locked) | self._users_of(unlocked)

    def _users_of(self, items: list[str]) -> dict[str, str]:
        """Return each key with its user.

        The time of the last change is read only for keys with several items.
        """
        kept: dict[str, list[tuple[str, str]]] = {}
        for item, attributes in zip(items, self._attributes_of(items), strict=True):
            if "server" in attributes:
                pair = item, attributes.get("username", "")
                kept.setdefault(attributes["server"], []).append(pair)
        doubles = [item for pairs in kept.values() if pairs[1:] for item, _ in pairs]
        times = self._call_batch(*(_get(item, "Item", "Modified") for item in doubles))
        changed = {
            item: time for item, ((_, time),) in zip(doubles, times, strict=True)
        }
        return {
            key: max(pairs, key=lambda pair: changed.get(pair[0], 0))[1]
            for key, pairs in kept.items()
        }

    def _near(self, keys: list[str]) -> list[str]:
        items = [item for group in self._all() for item in group]
        if len(items) > _MOST_READ:
            found = self._call_batch(
                *(_search({"server": key, **OURS}) for key in keys)
            )
            return [key for key, sorts in zip(keys, found, strict=True) if any(sorts)]
        return [a["server"] for a in self._attributes_of(items) if "server" in a]

    def _all(self) -> tuple[list[str], list[str]]:
        """Return all items of docker's: the unlocked ones, and the locked ones."""
        found, (default,) = self._call_batch(_search(OURS), _DEFAULT)
        return self._sorted(found, default, others_do=True)

    def _attributes_of(self, items: list[str]) -> list[dict[str, str]]:
        asked = (_get(item, "Item", "Attributes") for item in items)
        return [found for ((_, found),) in self._call_batch(*asked)]

    def _sorted(
        self, found: Body, default: str, *, others_do: bool = False
    ) -> tuple[list[str], list[str]]:
        """Return the unlocked items of a search, and the locked ones.

        If no item is unlocked, the default collection must be unlocked: a locked one
        may hide its items from a search, as KeePassXC does. Unless `others_do`, there
        must then be no locked item either. Else raises UnusualError.
        """
        unlocked, locked = found
        if not unlocked:
            if default == NOTHING or (locked and not others_do):
                raise UnusualError
            ((closed,),) = self._call_batch(_get(default, "Collection", "Locked"))
            if closed != ("b", 0):
                raise UnusualError
        return unlocked, locked

    def _call_batch(self, *calls: Call) -> list[Body]:
        answers: list[Body] = []
        for start in range(0, len(calls), _MOST_CALLS):
            answers += self._call_few(calls[start : start + _MOST_CALLS])
        return answers

    def _call_few(self, calls: tuple[Call, ...]) -> list[Body]:
        process.set_activity(WAITING)
        limit_s = bounded(MAX_WAIT_S)
        try:
            return self._bus.call_batch(*calls, seconds=limit_s)
        except TimeoutError:
            raise no_answer(limit_s) from None
        except OSError as error:
            raise bus_gone(error) from None
        except UnusualError as error:
            if error.name in FINAL:
                raise refusal(error.name) from None
            raise


def _of_known_shape(read: Callable[[], T]) -> T:
    """Return what `read` returns; raise UnusualError for a reply of another shape.

    For example, an item may have been removed meanwhile. Its secret is then missing
    from the reply.
    """
    try:
        return read()
    except (LookupError, TypeError, ValueError) as error:
        raise UnusualError from error


def _search(attributes: dict[str, str]) -> Call:
    return (SERVICE, ROOT, f"{INTERFACE}.Service.SearchItems", "a{ss}", attributes)


def _get_secrets(items: list[str], session: str) -> Call:
    return (SERVICE, ROOT, f"{INTERFACE}.Service.GetSecrets", "aoo", items, session)


def _get_properties(item: str) -> Call:
    return (SERVICE, item, f"{_PROPERTIES}.GetAll", "s", f"{INTERFACE}.Item")


def _get(path: str, interface: str, name: str) -> Call:
    return (
        SERVICE, path, f"{_PROPERTIES}.Get", "ss", f"{INTERFACE}.{interface}", name
    )  # fmt: skip


def _attributes(properties: Body) -> dict[str, str]:
    found: dict[str, str] = properties[0]["Attributes"][1]
    return found


def _modified(properties: Body) -> int:
    return int(properties[0]["Modified"][1])


class SecretService:
    """docker's items in the default collection."""

    def __init__(self, environment: Environment) -> None:
        """Locate the session bus; raise KeychainAbsentError if there is none."""
        self._environment = environment
        self._reader = SecretReader(names.address(environment))

    def read(self, key: str) -> Credential | None:
        """Return the key's credential, or None.

        If another program has left several items, the last changed one counts.
        """
        try:
            return self._reader.read(key)
        except UnusualError:
            return self._by_library().read(key)

    def users(self) -> dict[str, str]:
        """Return every key of docker's with the user of its last changed item."""
        try:
            return self._reader.users()
        except UnusualError:
            return self._by_library().users()

    def near(self, keys: Iterable[str]) -> Iterable[str]:
        """Return every key of docker's; with many items only those among `keys`."""
        try:
            return self._reader.near(keys)
        except UnusualError:
            return self._by_library().users()

    def write(self, key: str, credential: Credential) -> None:
        """Create or replace the item and delete those of other users, under a lock."""
        with self._held():
            self._by_library().write(key, credential)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove every item of these keys."""
        with self._held():
            self._by_library().remove(keys)

    def _held(self) -> AbstractContextManager[object]:
        """Return the lock, in the vault's directory; none if that is not writable."""
        import os  # noqa: PLC0415 - only a writer's
        from contextlib import nullcontext, suppress  # noqa: PLC0415 - only a writer's

        from dockcred.stores import choice  # noqa: PLC0415 - only a writer's
        from dockcred.stores.guarded_file import StoreLock  # noqa: PLC0415 - a writer's

        directory = os.path.dirname(choice.vault_path(self._environment))
        with suppress(OSError):
            os.makedirs(directory, mode=0o700, exist_ok=True)
        if not os.access(directory, os.W_OK):
            return nullcontext()  # a read-only home must not make the call fail
        return StoreLock(f"{directory}/secretservice.lock", "the keychain")

    def _by_library(self) -> SecretItems:
        try:
            from dockcred.stores.secretservice.items import SecretItems  # noqa: PLC0415
        except ImportError as error:
            raise MissingExtraError(
                f"{error.name} is missing, which the keyring needs here",
                "pip install 'dockcred[keyring]'",
            ) from None
        return SecretItems(self._environment)
