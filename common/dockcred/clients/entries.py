"""Logins as clients store them: the registry's name, the entry and its `auth`."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from dockcred.clients import go_json, reference
from dockcred.clients.reference import Reference
from dockcred.credential import Credential
from dockcred.errors import InvalidInputError

TOKEN = "<token>"  # noqa: S105 - the word by which docker marks an identity token


class Fault(Enum):
    """What is wrong with an `auth`. The words continue a sentence after its name."""

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
"""The faults that make a client treat the whole entry as broken."""


class Auth:
    """User and password of an `auth`, as far as they can be read, and its first fault.

    The password is a secret, so a repr does not show it.
    """

    __slots__ = ("fault", "password", "username")

    def __init__(
        self, username: str = "", password: str = "", fault: Fault | None = None
    ) -> None:
        self.username = username
        self.password = password
        self.fault = fault

    def __repr__(self) -> str:
        """Show the user and the fault."""
        return f"Auth({self.username!r}, fault={self.fault})"


def decode_auth(text: object) -> Auth:
    """Return user, password and fault of an `auth`."""
    if not isinstance(text, str) or not text:
        return Auth(fault=Fault.EMPTY)
    decoded = go_json.read_base64(text)
    if decoded is None:
        return Auth(fault=_unpadded(text))
    plain = go_json.as_text(decoded)
    username, colon, password = plain.partition(":")
    if not colon:
        return Auth(fault=Fault.NO_COLON)
    fault = Fault.TOKEN if username == TOKEN else None
    if plain.encode() != decoded:
        fault = Fault.NOT_TEXT
    elif password.endswith(("\n", "\r")):
        fault = Fault.NEWLINE
    # Old versions of docker/cli padded the password with NULs, and docker/cli drops
    # these.
    return Auth(username, password.strip("\0"), fault)


def decode(entry: Mapping[str, Any]) -> Credential | None:
    """Return an entry's credential; None if it has none, like docker's stub.

    Raises ValueError if `auth` is not the base64 of user:password.
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


def held(entry: Mapping[str, Any]) -> Credential | None:
    """Return an entry's credential; None if it has none, or it cannot be decoded."""
    try:
        return decode(entry)
    except ValueError:
        return None


def _unpadded(text: str) -> Fault:
    bare = "".join(text.split())
    padded = bare + "=" * (-len(bare) % 4)
    is_padding = padded != bare and go_json.read_base64(padded) is not None
    return Fault.UNPADDED if is_padding else Fault.NOT_BASE64


def _text(entry: Mapping[str, Any], name: str) -> str:
    found = entry.get(name)
    return found if isinstance(found, str) else ""


_API_PATHS = {"v1", "v2"}


@dataclass(frozen=True, slots=True)
class Login:
    """A registry, or a namespace in it, and its credential; a repr shows no secret."""

    registry: str
    credential: Credential

    @property
    def reference(self) -> Reference:
        """Return the registry's name in its parts."""
        return Reference(self.registry)

    @property
    def namespace(self) -> str:
        """Return the path below the registry, or "" for the whole registry."""
        path = self.reference.repository
        return "" if path in _API_PATHS else path

    @property
    def is_token(self) -> bool:
        """Return whether the secret is an identity token, which not all clients use."""
        return self.credential.username == TOKEN

    def seconds_left(self) -> float:
        """Return the seconds until the credential expires; infinity without expiry."""
        ends = self.credential.expires_at
        return float("inf") if ends is None else ends - time.time()


def check_name(registry: str) -> None:
    """Raise InvalidInputError if a name is not HOST[:PORT][/NAMESPACE].

    Clients treat a name without a dot or a port as a repository of Docker Hub.
    """
    reference = Reference(registry)
    if reference.is_hub and reference.server.host not in registry.lower():
        raise InvalidInputError(
            f"{registry!a} names no registry", f"write docker.io, or {registry}:PORT"
        )


def earliest_end(logins: Iterable[Login]) -> float | None:
    """Return the first expiry of the logins, in seconds since the epoch, or None."""
    ends = [login.credential.expires_at for login in logins]
    return min((end for end in ends if end is not None), default=None)


def auth(login: Login) -> str:
    """Return user:password in standard base64, padded, without a newline."""
    return base64.b64encode(pair(login).encode()).decode("ascii")


def pair(login: Login) -> str:
    """Return user:password; raise InvalidInputError for a user with a colon in it."""
    credential = login.credential
    if ":" in credential.username:
        raise InvalidInputError(
            f"{login.registry}: its user has a colon, and readers cut at the first one",
            "use another user",
        )
    return f"{credential.username}:{credential.secret}"


def entry(login: Login) -> dict[str, str]:
    """Return the entry in `auths` for a login: `auth`, or an identity token.

    Like docker, we write an `auth` with the user beside the token: podman and skopeo
    ignore an entry without one (containers/image, decodeDockerAuth).
    """
    if not login.is_token:
        return {"auth": auth(login)}
    user = base64.b64encode(f"{login.credential.username}:".encode()).decode("ascii")
    return {"auth": user, "identitytoken": login.credential.secret}


def by_host(
    logins: Iterable[Login], hub: tuple[str, ...]
) -> Iterable[tuple[str, Login]]:
    """Yield each login with every key that a client uses for its registry.

    `hub` are Docker Hub's keys. Raises InvalidInputError for a namespace.
    """
    for login in logins:
        for key in reference.keys(login.registry, hub):
            yield key, login


def by_key(keyed: Iterable[tuple[str, Login]]) -> dict[str, Login]:
    """Return a login for each key, sorted by key.

    Raises InvalidInputError for two names of one registry with different credentials.
    """
    found: dict[str, Login] = {}
    for key, login in keyed:
        held = found.setdefault(key, login)
        if auth(held) != auth(login):
            raise InvalidInputError(
                f"{held.registry} and {login.registry} are one registry with two"
                " credentials",
                "name one of them",
            )
    return dict(sorted(found.items()))


def auths(entries: Mapping[str, Any]) -> bytes:
    """Return a file of `auths`: sorted, on one line, without a newline at the end."""
    return json.dumps(
        {"auths": dict(entries)}, sort_keys=True, separators=(",", ":")
    ).encode()


def refuse_tokens(logins: Sequence[Login], reader: str) -> None:
    """Raise InvalidInputError for an identity token, which `reader` cannot use."""
    for login in logins:
        if login.is_token:
            raise InvalidInputError(
                f"{login.registry} has an identity token, and {reader} takes a user"
                " and a password alone",
                "log in with an access token as the password, or use an identity",
            )


def refuse_lines(value: str, what: str) -> None:
    """Raise InvalidInputError for a text with a line break."""
    if "\n" in value or "\r" in value:
        raise InvalidInputError(f"{what} has more than one line", "use another format")


def only(logins: Sequence[Login], what: str) -> Login:
    """Return the only login; raise InvalidInputError unless there is exactly one."""
    if len(logins) != 1:
        raise InvalidInputError(
            f"{what} is for one registry, and {len(logins)} are named",
            "render each by itself",
        )
    return logins[0]
