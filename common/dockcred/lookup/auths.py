"""An entry of `auths`: a credential in plain sight, decoded as the clients do."""

from __future__ import annotations

import binascii

from dockcred.credential import Credential

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TOKEN = "<token>"  # noqa: S105 - the word by which docker marks an identity token


def decode(entry: Mapping[str, Any]) -> Credential | None:
    """Answer an entry's credential; None where it holds none, as a stub does.

    Raises ValueError where `auth` is not the base64 of user:password.
    """
    if identity_token := _text(entry, "identitytoken"):
        return Credential(TOKEN, identity_token)
    if auth := _text(entry, "auth"):
        plain = binascii.a2b_base64(auth, strict_mode=False).decode("utf-8")
        username, colon, password = plain.partition(":")
        if not colon:
            raise ValueError("not user:password")
        return Credential(username, password.strip("\0"))
    username, password = _text(entry, "username"), _text(entry, "password")
    return Credential(username, password) if username or password else None


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""
