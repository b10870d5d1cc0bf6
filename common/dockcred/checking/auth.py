"""One `auth`, the base64 of user:password, and what is wrong with it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dockcred.checking.text import ENTRY, shown
from dockcred.doctor.finding import Finding, Severity, fine
from dockcred.lookup.auths import TOKEN


class Fault(Enum):
    """What is wrong, in words that go on from the entry's name."""

    EMPTY = "has no credential"
    NOT_BASE64 = "is not base64"
    UNPADDED = "is base64 without its padding"
    NOT_TEXT = "is not the base64 of a text"
    NO_COLON = "is not the base64 of user:password"
    NEWLINE = "has a newline behind the password, as `echo` adds it"
    TOKEN = "has an identity token for a password"  # noqa: S105 - a phrase


@dataclass(frozen=True, slots=True)
class Auth:
    """Whose it is, as far as it can be read, and its first fault."""

    username: str = ""
    fault: Fault | None = None


def decode(text: object) -> Auth:
    """Look at the value of `auth`; the password is not kept."""
    if not isinstance(text, str) or not text:
        return Auth(fault=Fault.EMPTY)
    try:
        plain = base64.b64decode(text, validate=True)
    except binascii.Error:
        return Auth(fault=_unpadded(text))
    try:
        user, colon, password = plain.decode().partition(":")
    except UnicodeDecodeError:
        return Auth(fault=Fault.NOT_TEXT)
    if not colon:
        return Auth(fault=Fault.NO_COLON)
    if password.endswith(("\n", "\r")):
        return Auth(user, Fault.NEWLINE)
    return Auth(user, Fault.TOKEN if user == TOKEN else None)


def _unpadded(text: str) -> Fault:
    padded = text + "=" * (-len(text) % 4)
    try:
        base64.b64decode(padded, validate=True)
    except binascii.Error:
        return Fault.NOT_BASE64
    return Fault.UNPADDED if padded != text else Fault.NOT_BASE64


Consequences = Mapping[Fault, tuple[Severity, str]]
"""What a reader does about each fault."""

_REMEDIES = {
    Fault.NEWLINE: "encode it with printf %s, or render the file",
    Fault.UNPADDED: "encode it with base64 -w0",
}


def judge(where: str, found: Auth, readers: Consequences) -> Finding:
    """Say whose it is, or what a reader does about its fault."""
    if found.fault is None:
        return fine(ENTRY, f"{where}: the user {shown(found.username)}")
    severity, consequence = readers[found.fault]
    said = f"{where} {found.fault.value}: {consequence}"
    remedy = _REMEDIES.get(found.fault, "") if severity >= Severity.WARNING else ""
    return Finding(severity, ENTRY, said, remedy)
