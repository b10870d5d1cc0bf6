"""docker's items of the Secret Service, read in two flights and without a library.

A `get` takes 42 M instructions this way, and 93 M with jeepney, of which importing it
is 56 M; the waits for seven answers are two. Only what is unlocked is read here:
anything else is an UnusualError, upon which `secret_items` asks by the library.
"""

from __future__ import annotations

from dockcred import watchdog
from dockcred.credential import Credential
from dockcred.stores.bus_stream import BusStream, UnusualError
from dockcred.stores.secret_names import (
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from dockcred.stores.dbus_wire import Body, Call

    T = TypeVar("T")

_PROPERTIES = "org.freedesktop.DBus.Properties"
_OPEN_SESSION = (
    SERVICE, ROOT, f"{INTERFACE}.Service.OpenSession", "sv", "plain", ("s", "")
)  # fmt: skip
_DEFAULT = (SERVICE, ROOT, f"{INTERFACE}.Service.ReadAlias", "s", "default")


class SecretReader:
    """What is unlocked on one session bus."""

    def __init__(self, address: str) -> None:
        """Take the bus's address; nothing is asked yet."""
        self._bus = BusStream(address)

    def read(self, key: str) -> Credential | None:
        """Answer the key's item that was changed last."""
        return _of_known_shape(lambda: self._read(key))

    def users(self) -> dict[str, str]:
        """Answer every key of docker's with the user who was changed last."""
        return _of_known_shape(self._users)

    def _read(self, key: str) -> Credential | None:
        (_, session), found, (default,) = self._fly(
            _OPEN_SESSION, _search({"server": key, **OURS}), _DEFAULT
        )
        items = self._unlocked(found, default)
        if not items:
            return None
        (secrets,), *properties = self._fly(
            _get_secrets(items, session), *map(_get_properties, items)
        )
        newest = max(range(len(items)), key=lambda n: _modified(properties[n]))
        _, _, secret, _ = secrets[items[newest]]
        user = _attributes(properties[newest]).get("username", "")
        return Credential(user, secret.decode("utf-8", "replace"))

    def _users(self) -> dict[str, str]:
        found, (default,) = self._fly(_search(OURS), _DEFAULT)
        items = self._unlocked(found, default)
        kept = {}
        if items:
            for properties in sorted(
                self._fly(*map(_get_properties, items)), key=_modified
            ):
                attributes = _attributes(properties)
                if "server" in attributes:
                    kept[attributes["server"]] = attributes.get("username", "")
        return kept

    def _unlocked(self, found: Body, default: str) -> list[str]:
        """Answer what was found, if nothing is locked and nothing may be hidden.

        A locked collection may hide its items from a search (KeePassXC does).
        """
        unlocked, locked = found
        if locked or (not unlocked and default == NOTHING):
            raise UnusualError
        if not unlocked:
            ((locked,),) = self._fly(_get(default, "Collection", "Locked"))
            if locked != ("b", 0):
                raise UnusualError
        items: list[str] = unlocked
        return items

    def _fly(self, *calls: Call) -> list[Body]:
        watchdog.doing(WAITING)
        try:
            return self._bus.fly(*calls, seconds=bounded(MAX_WAIT_S))
        except TimeoutError:
            raise no_answer(MAX_WAIT_S) from None
        except OSError as error:
            raise bus_gone(error) from None
        except UnusualError as error:
            if error.name in FINAL:
                raise refusal(error.name) from None
            raise


def _of_known_shape(read: Callable[[], T]) -> T:
    """Leave to the library what is answered in another shape than is specified.

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
