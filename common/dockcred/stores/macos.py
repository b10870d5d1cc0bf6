"""macOS's keychain, in the layout of docker's own `osxkeychain` helper.

An item is an internet password with the label "Docker Credentials". It has the parts of
the URL; a URL without a scheme is kept as https. Items of a second account (see
KeychainStore) are generic passwords. docker's helper, git's helper and browsers search
internet passwords by the host alone, so they would confuse the accounts.

The code follows the documentation of the Security framework; it has not yet run on
macOS.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from dockcred.credential import Credential, is_port
from dockcred.stores.problems import KeychainError, KeychainLockedError, SecurityError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import ParamSpec, Protocol, TypeVar

    from dockcred.system.environment import Environment

    P = ParamSpec("P")
    T = TypeVar("T")
    Attributes = dict[str, str | int]

    class Security(Protocol):
        """Passwords, with class and attributes named as in the SecItem functions.

        An attribute that a query does not name may have any value. A reference
        identifies one item.
        """

        def add(self, attributes: Attributes, secret: bytes) -> None:
            """Add an item."""

        def find(self, attributes: Attributes) -> list[tuple[bytes, Attributes]]:
            """Return the reference and the attributes of every match."""

        def secret(self, reference: bytes) -> bytes | None:
            """Return an item's secret, or None if the item does not exist."""

        def update(self, reference: bytes, secret: bytes) -> None:
            """Replace an item's secret."""

        def delete(self, reference: bytes) -> None:
            """Delete an item, which may be missing."""


LABEL = "Docker Credentials"
_INTERNET = "kSecClassInternetPassword"
_GENERIC = "kSecClassGenericPassword"
_HTTPS, _HTTP = "htps", "http"
# The characters that ServerURL allows in a path, and that are not quoted.
_PLAIN = "/!$&()*+,:;=[]~"
_DUPLICATE_ITEM = -25299
_INTERACTION_NOT_ALLOWED = -25308
_USER_CANCELED = -128
_AUTH_FAILED = -25293
_NO_KEYCHAIN = -25291


class InternetPasswords:
    """docker's items in the default keychain."""

    def __init__(
        self, environment: Environment, security: Security | None = None
    ) -> None:
        """Load the framework; a test gives `security` instead."""
        del environment
        if security is None:
            from dockcred.stores.macos_security import (  # noqa: PLC0415 - macOS only
                SecurityFramework,
            )

            security = SecurityFramework()
        self._security = security

    def read(self, key: str) -> Credential | None:
        """Return the key's credential, of any user, or None."""
        for reference, user in self._find(key):
            secret = _told(self._security.secret, reference)
            if secret is not None:
                return Credential(user, secret.decode("utf-8", "replace"))
        return None

    def write(self, key: str, credential: Credential) -> None:
        """Update or add the item, then delete the key's items of other users.

        An update keeps the permissions that the person gave to programs for this item.
        If another program, such as git, has an item for the same URL and user, that
        item is replaced, as by docker's own helper: the keychain holds only one.
        """
        secret = credential.secret.encode()
        found = self._find(key)
        mine = [ref for ref, user in found if user == credential.username]
        if mine:
            _told(self._security.update, mine[0], secret)
        else:
            fresh = {**attributes_of(key), "kSecAttrAccount": credential.username}
            if fresh["kSecClass"] == _INTERNET:
                fresh["kSecAttrAuthenticationType"] = "dflt"
            self._add(fresh, secret)
        for reference, _ in found:
            if reference not in mine[:1]:
                _told(self._security.delete, reference)

    def _add(self, fresh: Attributes, secret: bytes) -> None:
        try:
            self._security.add(fresh, secret)
        except SecurityError as error:
            if error.status != _DUPLICATE_ITEM:
                raise _named(error) from None
            place = {name: fresh[name] for name in fresh if name != "kSecAttrLabel"}
            for reference, item in _told(self._security.find, place):
                if key_of(item) == key_of(fresh):
                    _told(self._security.delete, reference)
            _told(self._security.add, fresh, secret)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove every item of these keys."""
        for key in keys:
            for reference, _ in self._find(key):
                _told(self._security.delete, reference)

    def users(self) -> dict[str, str]:
        """Return the user of every item of docker's, by its URL."""
        return {
            key_of(item): str(item.get("kSecAttrAccount", ""))
            for kind in (_INTERNET, _GENERIC)
            for _, item in _told(
                self._security.find, {"kSecClass": kind, "kSecAttrLabel": LABEL}
            )
        }

    def _find(self, key: str) -> list[tuple[bytes, str]]:
        """Return reference and user of each item that matches the key in all parts."""
        wanted = attributes_of(key)
        return [
            (reference, str(item.get("kSecAttrAccount", "")))
            for reference, item in _told(self._security.find, wanted)
            if key_of(item) == key_of(wanted)
        ]


def attributes_of(key: str) -> Attributes:
    """Return a key's attributes, split as docker's helper splits a URL.

    Port and path are included only if the key has them.
    """
    if "#" in key:
        kind = {"kSecClass": _GENERIC, "kSecAttrLabel": LABEL}
        return {**kind, "kSecAttrService": key}
    scheme, separator, rest = key.partition("://")
    if not separator:
        scheme, rest = "https", key
    authority, slash, path = rest.partition("/")
    host, colon, port = authority.rpartition(":")
    if not colon or not is_port(port):
        host, port = authority, ""
    found: Attributes = {
        "kSecClass": _INTERNET,
        "kSecAttrLabel": LABEL,
        "kSecAttrProtocol": _HTTP if scheme.lower() == "http" else _HTTPS,
        "kSecAttrServer": host.removeprefix("[").removesuffix("]"),
    }
    if port:
        found["kSecAttrPort"] = int(port)
    if slash:
        found["kSecAttrPath"] = slash + unquote(path)
    return found


def key_of(item: Attributes) -> str:
    """Return the URL of an item as docker's helper lists it."""
    if service := item.get("kSecAttrService"):
        return str(service)
    scheme = "https" if item.get("kSecAttrProtocol") == _HTTPS else "http"
    host = str(item.get("kSecAttrServer", ""))
    host = f"[{host}]" if ":" in host else host
    port = f":{item['kSecAttrPort']}" if item.get("kSecAttrPort") else ""
    path = quote(str(item.get("kSecAttrPath", "")), safe=_PLAIN)
    slash = "/" if path and not path.startswith("/") else ""
    return f"{scheme}://{host}{port}{slash}{path}"


def _told(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call the framework; raise its errors as KeychainError or KeychainLockedError."""
    try:
        return call(*arguments, **named)
    except SecurityError as error:
        raise _named(error) from None


def _named(error: SecurityError) -> KeychainError:
    if error.status in {_INTERACTION_NOT_ALLOWED, _USER_CANCELED, _AUTH_FAILED}:
        return KeychainLockedError(
            "the keychain is locked, or macOS may not ask (as over ssh)",
            "run 'security unlock-keychain', or 'dockcred vault create' for a "
            "vault that needs no keychain",
        )
    if error.status == _NO_KEYCHAIN:
        return KeychainError(
            "macOS has no keychain for this session",
            "run 'dockcred vault create' for a vault that needs none",
        )
    return KeychainError(
        f"the keychain refused with {error.status}",
        f"'security error {error.status}' explains it",
    )
