"""macOS's keychain, in the layout of docker's own `osxkeychain` helper.

An item is an internet password: label "Docker Credentials", the URL in its parts, a
URL without a scheme kept as https. Written against the documented Security
framework; not yet run on macOS.
"""

from __future__ import annotations

from dockcred.credential import Credential
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
        """Internet passwords, attributes named as SecItem names them.

        A query takes a part that it does not name for any; a reference is one item.
        """

        def add(self, attributes: Attributes, secret: bytes) -> None:
            """Add an item."""

        def find(self, attributes: Attributes) -> list[tuple[bytes, Attributes]]:
            """Return every match by its reference and attributes."""

        def secret(self, reference: bytes) -> bytes | None:
            """Return an item's secret."""

        def update(self, reference: bytes, secret: bytes) -> None:
            """Replace an item's secret."""

        def delete(self, reference: bytes) -> None:
            """Delete an item; none there is success."""


LABEL = "Docker Credentials"
_SCHEMES = {"https": "htps", "http": "http"}
_PROTOCOLS = {code: scheme for scheme, code in _SCHEMES.items()}
_INTERACTION_NOT_ALLOWED = -25308
_USER_CANCELED = -128
_AUTH_FAILED = -25293
_NO_KEYCHAIN = -25291


class InternetPasswords:
    """docker's items in the default keychain."""

    def __init__(
        self, environment: Environment, security: Security | None = None
    ) -> None:
        """Load the framework; `security` stands in for it in a test."""
        del environment
        if security is None:
            from dockcred.stores.macos_security import (  # noqa: PLC0415 - macOS only
                SecurityFramework,
            )

            security = SecurityFramework()
        self._security = security

    def read(self, key: str) -> Credential | None:
        """Return the key's item, of whatever user."""
        for reference, user in self._find(key):
            secret = _told(self._security.secret, reference)
            if secret is not None:
                return Credential(user, secret.decode("utf-8", "replace"))
        return None

    def write(self, key: str, credential: Credential) -> None:
        """Update or add the item, then drop those of other users.

        An update keeps what the person granted to programs for this item.
        """
        secret = credential.secret.encode()
        found = self._find(key)
        mine = [ref for ref, user in found if user == credential.username]
        if mine:
            _told(self._security.update, mine[0], secret)
        else:
            fresh = {
                **attributes_of(key),
                "kSecAttrAccount": credential.username,
                "kSecAttrAuthenticationType": "dflt",
            }
            _told(self._security.add, fresh, secret)
        for reference, _ in found:
            if reference not in mine[:1]:
                _told(self._security.delete, reference)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove every item of these keys."""
        for key in keys:
            for reference, _ in self._find(key):
                _told(self._security.delete, reference)

    def users(self) -> dict[str, str]:
        """Return every item of docker's by its URL."""
        label: Attributes = {"kSecAttrLabel": LABEL}
        return {
            key_of(item): str(item.get("kSecAttrAccount", ""))
            for _, item in _told(self._security.find, label)
        }

    def _find(self, key: str) -> list[tuple[bytes, str]]:
        """Return reference and user of the items whose every part is the key's."""
        wanted = attributes_of(key)
        return [
            (reference, str(item.get("kSecAttrAccount", "")))
            for reference, item in _told(self._security.find, wanted)
            if key_of(item) == key_of(wanted)
        ]


def attributes_of(key: str) -> Attributes:
    """Split a URL as docker's helper does; the port and path only where present."""
    scheme, separator, rest = key.partition("://")
    if not separator:
        scheme, rest = "https", key
    authority, slash, path = rest.partition("/")
    host, colon, port = authority.rpartition(":")
    if not colon or not port.isdigit():
        host, port = authority, ""
    found: Attributes = {
        "kSecAttrLabel": LABEL,
        "kSecAttrProtocol": _SCHEMES.get(scheme, "htps"),
        "kSecAttrServer": host,
    }
    if port:
        found["kSecAttrPort"] = int(port)
    if slash:
        found["kSecAttrPath"] = slash + path
    return found


def key_of(item: Attributes) -> str:
    """Return the URL that docker's helper lists, from an item's parts."""
    scheme = _PROTOCOLS.get(str(item.get("kSecAttrProtocol")), "https")
    port = f":{item['kSecAttrPort']}" if item.get("kSecAttrPort") else ""
    path = str(item.get("kSecAttrPath", ""))
    slash = "/" if path and not path.startswith("/") else ""
    return f"{scheme}://{item.get('kSecAttrServer', '')}{port}{slash}{path}"


def _told(call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call the framework and name what goes wrong in our words."""
    try:
        return call(*arguments, **named)
    except SecurityError as error:
        if error.status in {_INTERACTION_NOT_ALLOWED, _USER_CANCELED, _AUTH_FAILED}:
            raise KeychainLockedError(
                "the keychain is locked, or macOS may not ask (as over ssh)",
                "run 'security unlock-keychain', or 'dockcred vault create' for a "
                "vault that needs no keychain",
            ) from None
        if error.status == _NO_KEYCHAIN:
            raise KeychainError(
                "macOS has no keychain for this session",
                "run 'dockcred vault create' for a vault that needs none",
            ) from None
        raise KeychainError(
            f"the keychain refused with {error.status}",
            f"'security error {error.status}' explains it",
        ) from None
