"""The Secret Service as a store: read by our own reader, written through jeepney."""

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
_DEFAULT = (SERVICE, ROOT, f"{INTERFACE}.Service.ReadAlias", "s", "default")


class SecretReader:
    """What is unlocked on one session bus, and the names of what is locked there."""

    def __init__(self, address: str) -> None:
        """Hold the bus's address; nothing is asked yet."""
        self._bus = BusStream(address)

    def read(self, key: str) -> Credential | None:
        """Return the key's item that was changed last."""
        return _of_known_shape(lambda: self._read(key))

    def users(self) -> dict[str, str]:
        """Return every key of docker's with the user who was changed last."""
        return _of_known_shape(self._users)

    def _read(self, key: str) -> Credential | None:
        (_, session), found, (default,) = self._call_batch(
            _OPEN_SESSION, _search({"server": key, **OURS}), _DEFAULT
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
        found, (default,) = self._call_batch(_search(OURS), _DEFAULT)
        unlocked, locked = self._sorted(found, default, others_do=True)
        kept = {}
        # What can be read now goes last, and hides a locked item of the same name.
        for items in filter(None, (locked, unlocked)):
            for properties in sorted(
                self._call_batch(*map(_get_properties, items)), key=_modified
            ):
                attributes = _attributes(properties)
                if "server" in attributes:
                    kept[attributes["server"]] = attributes.get("username", "")
        return kept

    def _sorted(
        self, found: Body, default: str, *, others_do: bool = False
    ) -> tuple[list[str], list[str]]:
        """Return the unlocked items of a search and the locked ones.

        Where none is unlocked, the default collection must be, which may hide its items
        from a search (KeePassXC does), and none may be locked, but if `others_do`.
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
    """Return what `read` does; raise UnusualError for a reply of another shape.

    An item that has gone in between, say: its secret is then not among the answers.
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
        """Read where the session bus is; KeychainAbsentError where there is none."""
        self._environment = environment
        self._reader = SecretReader(names.address(environment))

    def read(self, key: str) -> Credential | None:
        """Return the item that was changed last, should a peer have left several."""
        try:
            return self._reader.read(key)
        except UnusualError:
            return self._by_library().read(key)

    def users(self) -> dict[str, str]:
        """Return every key of docker's with the user who was changed last."""
        try:
            return self._reader.users()
        except UnusualError:
            return self._by_library().users()

    def write(self, key: str, credential: Credential) -> None:
        """Create or replace the item, then drop those of other users, as one change."""
        with self._held():
            self._by_library().write(key, credential)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove every item of these keys."""
        with self._held():
            self._by_library().remove(keys)

    def _held(self) -> AbstractContextManager[object]:
        """Return the lock, which stands where the vault would; none if nothing can."""
        import os  # noqa: PLC0415 - only a writer's
        from contextlib import nullcontext, suppress  # noqa: PLC0415 - only a writer's

        from dockcred.stores import choice  # noqa: PLC0415 - only a writer's
        from dockcred.stores.guarded_file import StoreLock  # noqa: PLC0415 - a writer's

        directory = os.path.dirname(choice.vault_path(self._environment))
        with suppress(OSError):
            os.makedirs(directory, mode=0o700, exist_ok=True)
        if not os.access(directory, os.W_OK):
            return nullcontext()  # a home that is read only is no reason to fail
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
