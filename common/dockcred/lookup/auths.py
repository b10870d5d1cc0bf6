"""An entry of `auths`: a credential in plain sight, decoded as the clients do.

`auth` is the base64 of user:password. Go's decoder, which every client but docker-py
uses, passes over line ends and insists on the padding (encoding/base64).
"""

from __future__ import annotations

import base64
import binascii
from enum import Enum

from dockcred.credential import Credential

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TOKEN = "<token>"  # noqa: S105 - the word by which docker marks an identity token


class Fault(Enum):
    """What is wrong with an `auth`, in words that go on from the entry's name."""

    EMPTY = "has no credential"
    NOT_BASE64 = "is not base64"
    UNPADDED = "is base64 without its padding"
    NOT_TEXT = "is not the base64 of a text"
    NO_COLON = "is not the base64 of user:password"
    NEWLINE = "has a newline behind the password, as `echo` adds it"
    TOKEN = "has an identity token for a password"  # noqa: S105 - a phrase


UNREADABLE = frozenset(
    (Fault.NOT_BASE64, Fault.UNPADDED, Fault.NOT_TEXT, Fault.NO_COLON)
)
"""The faults for which a client takes the whole entry for broken."""


class Auth:
    """Whose an `auth` is, as far as it can be read, and its first fault.

    The password is a secret and does not show in a repr.
    """

    __slots__ = ("fault", "password", "username")

    def __init__(
        self, username: str = "", password: str = "", fault: Fault | None = None
    ) -> None:
        self.username = username
        self.password = password
        self.fault = fault

    def __repr__(self) -> str:
        """Show whose it is and its fault."""
        return f"Auth({self.username!r}, fault={self.fault})"


def decode_auth(text: object) -> Auth:
    """Return the user and the password of an `auth`, and what is wrong with it."""
    if not isinstance(text, str) or not text:
        return Auth(fault=Fault.EMPTY)
    text = text.replace("\r", "").replace("\n", "")
    try:
        plain = base64.b64decode(text, validate=True).decode()
    except binascii.Error:
        return Auth(fault=_unpadded(text))
    except UnicodeDecodeError:
        return Auth(fault=Fault.NOT_TEXT)
    except ValueError:  # characters outside ASCII
        return Auth(fault=Fault.NOT_BASE64)
    username, colon, password = plain.partition(":")
    if not colon:
        return Auth(fault=Fault.NO_COLON)
    fault = Fault.TOKEN if username == TOKEN else None
    if password.endswith(("\n", "\r")):
        fault = Fault.NEWLINE
    # docker/cli drops what old versions of it padded the password with.
    return Auth(username, password.strip("\0"), fault)


def decode(entry: Mapping[str, Any]) -> Credential | None:
    """Return an entry's credential; None where it holds none, as a stub does.

    Raises ValueError where `auth` is not the base64 of user:password.
    """
    if identity_token := _text(entry, "identitytoken"):
        return Credential(TOKEN, identity_token)
    if auth := _text(entry, "auth"):
        found = decode_auth(auth)
        if found.fault in UNREADABLE:
            raise ValueError("not user:password")
        return Credential(found.username, found.password)
    username, password = _text(entry, "username"), _text(entry, "password")
    return Credential(username, password) if username or password else None


def _unpadded(text: str) -> Fault:
    padded = text + "=" * (-len(text) % 4)
    try:
        base64.b64decode(padded, validate=True)
    except binascii.Error:
        return Fault.NOT_BASE64
    return Fault.UNPADDED if padded != text else Fault.NOT_BASE64


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""
