"""Kubernetes: pull secrets as manifests, rendered, checked, and as kubelet reads them.

The API server is asked by `commands.refresh` alone. kubelet's reader is Go's: names in
any case, each object's last word counts, and one entry that it cannot decode makes it
give up (kubernetes, pkg/credentialprovider and its secrets).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from dockcred.clients.entries import TOKEN, Auth, Fault
from dockcred.clients.reference import HUB, HUB_INDEX, HUB_NAMES
from dockcred.errors import InvalidInputError

JSON_KEY, JSON_TYPE = ".dockerconfigjson", "kubernetes.io/dockerconfigjson"
OLD_KEY, OLD_TYPE = ".dockercfg", "kubernetes.io/dockercfg"
"""The old form is the content of `auths` alone."""

KEYS = {JSON_TYPE: JSON_KEY, OLD_TYPE: OLD_KEY}
"""The types that kubelet reads, each with the only key that it looks at."""

_FIELDS = ("username", "password", "email", "auth")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_LONE = 1  # a last character of base64 that alone makes no byte


class _Object(list[tuple[str, Any]]):
    """A JSON object with its members in their order, those of one name too."""


class SecretEntry:
    """What kubelet takes from an entry; a repr shows no secret."""

    __slots__ = ("auth", "key", "names")

    def __init__(self, key: str, auth: Auth, names: frozenset[str]) -> None:
        self.key = key
        self.auth = auth
        self.names = names

    def __repr__(self) -> str:
        """Show whose it is."""
        return f"SecretEntry({self.key!r}, {self.auth!r})"


def read(data: bytes, *, old: bool = False) -> tuple[list[SecretEntry], frozenset[str]]:
    """Return the entries, and the names that stand beside `auths`, in lower case.

    Raises InvalidInputError for what kubelet cannot read at all; an `auth` that it
    cannot decode is a fault of its entry.
    """
    try:
        found = json.loads(
            # Go reads what is no UTF-8 as a character of its own, and no NaN.
            data.decode(errors="replace"),
            object_pairs_hook=_Object,
            parse_constant=_refuse,
        )
    except json.JSONDecodeError as error:
        raise _broken(f"it is not JSON at line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise _broken("it is not JSON") from None
    if found is not None and not isinstance(found, _Object):
        raise _broken("it is not a JSON object")
    members = found or _Object()
    if old:
        return list(_entries(members)), frozenset()
    auths: dict[str, SecretEntry] = {}
    for name, value in members:
        folded = _folded(name)
        if folded not in {"auths", "httpheaders"} or value is None:
            if folded == "auths":
                auths = {}
            continue
        if not isinstance(value, _Object):
            raise _broken(f"{folded} is no object")
        if folded == "auths":
            auths.update((entry.key, entry) for entry in _entries(value))
        elif not all(isinstance(text, str | None) for _, text in value):
            raise _broken("HttpHeaders holds what is no text")
    beside = frozenset(_folded(name) for name, value in members if value)
    return list(auths.values()), beside


def _entries(found: _Object) -> Iterator[SecretEntry]:
    for key, value in dict(found).items():
        if value is not None and not isinstance(value, _Object):
            raise _broken("an entry is no object")
        fields = dict.fromkeys(_FIELDS, "")
        for name, text in value or ():
            folded = _folded(name)
            if folded not in fields or text is None:
                continue
            if not isinstance(text, str):
                raise _broken(f"{folded} of an entry is no text")
            fields[folded] = text
        names = frozenset(_folded(name) for name, text in value or () if text)
        yield SecretEntry(key, _auth(fields), names)


def _auth(fields: dict[str, str]) -> Auth:
    """Return user and password as kubelet takes them; `auth` goes before both."""
    username, password = fields["username"], fields["password"]
    fault = None
    if text := fields["auth"]:
        held = text.replace("\r", "").replace("\n", "")
        # Padding is wanted where there is some, and refused where there is none.
        is_padded = text.strip().endswith("=")
        if not _BASE64.fullmatch(held) or len(held) % 4 == _LONE:
            return Auth(fault=Fault.NOT_BASE64)
        if is_padded and len(held) % 4:
            return Auth(fault=Fault.NOT_BASE64)
        if not is_padded and len(held) % 4:
            fault = Fault.UNPADDED
        plain = base64.b64decode(held + "=" * (-len(held) % 4))
        user, colon, secret = plain.partition(b":")
        if not colon:
            return Auth(fault=Fault.NO_COLON)
        username, password = (
            user.decode(errors="replace"),
            secret.decode(errors="replace"),
        )
        if b"\xef\xbf\xbd" not in plain and "\ufffd" in username + password:
            fault = Fault.NOT_TEXT
    if not username and not password:
        return Auth(fault=Fault.EMPTY)
    if username == TOKEN:
        fault = Fault.TOKEN
    if password.endswith(("\n", "\r")):
        fault = Fault.NEWLINE
    return Auth(username, password, fault)


def _folded(name: str) -> str:
    """Return a name as Go compares those of fields: a long s is one, a sharp s none."""
    lower = (c.casefold() for c in name)
    return "".join(c if len(c) == 1 else "\0" for c in lower)


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _broken(cause: str) -> InvalidInputError:
    return InvalidInputError(cause, "fix it first")


_CONTROL = re.compile(r"[\x00-\x20\x7f]")
_HOST = re.compile(r"[A-Za-z0-9!$&'()*+,;=\[\]<>\"._~-]*(:[0-9]*)?|[^\x00-\x7f]+")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def place(key: str) -> tuple[str, str] | None:
    """Return the host and the path for which an entry is; None where it is no URL."""
    has_scheme = key.startswith(("https://", "http://"))
    rest = key.partition("://")[2] if has_scheme else key
    rest = rest.partition("#")[0].partition("?")[0]
    authority, slash, path = rest.partition("/")
    host = authority.rpartition("@")[2]
    if (
        _CONTROL.search(key.replace(" ", ""))
        or " " in authority
        or not _HOST.fullmatch(host)
        or _ESCAPE.search(path)
    ):
        return None
    path = slash + unquote(path)
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host, "" if path == "/" else path


def never(host: str, path: str) -> str:
    """Return what to write instead of a key that is found for no image."""
    if host in HUB_NAMES - {HUB, HUB_INDEX}:
        return f"write {HUB}, by which kubelet knows Docker Hub"
    if not host or path.startswith("//"):
        return "write HOST[:PORT][/NAMESPACE]"
    if host == HUB_INDEX and path:
        return f"write {HUB}{path}"
    if host != host.lower():
        return f"write {host.lower()}, as images do"
    if path in {"/v1", "/v2"}:
        return f"write {host}"
    if set(path) & {":", "@"}:
        return "leave out the tag: kubelet looks images up by their names"
    return ""
