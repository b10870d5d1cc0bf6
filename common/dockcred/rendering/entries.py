"""What the formats are made of: `auth`, keys, JSON, and what they refuse."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dockcred import reference
from dockcred.errors import InvalidInputError
from dockcred.rendering.login import Login


def auth(login: Login) -> str:
    """Answer user:password in standard base64, padded, without a newline."""
    return base64.b64encode(pair(login).encode()).decode("ascii")


def pair(login: Login) -> str:
    """Answer user:password; raise InvalidInputError for a user with a colon in it."""
    credential = login.credential
    if ":" in credential.username:
        raise InvalidInputError(
            f"{login.registry}: its user has a colon, and readers cut at the first one",
            "use another user",
        )
    return f"{credential.username}:{credential.secret}"


def entry(login: Login) -> dict[str, str]:
    """Answer what stands in `auths` for a login: `auth`, or an identity token.

    Beside the token an `auth` names its user, as docker writes it: podman and skopeo
    pass over an entry without one (containers/image, decodeDockerAuth).
    """
    if not login.is_token:
        return {"auth": auth(login)}
    user = base64.b64encode(f"{login.credential.username}:".encode()).decode("ascii")
    return {"auth": user, "identitytoken": login.credential.secret}


def by_host(
    logins: Iterable[Login], hub: tuple[str, ...]
) -> Iterable[tuple[str, Login]]:
    """Answer each login under every key that a client looks its registry up by.

    `hub` are Docker Hub's keys. Raises InvalidInputError for a namespace.
    """
    for login in logins:
        for key in reference.keys(login.registry, hub):
            yield key, login


def by_key(keyed: Iterable[tuple[str, Login]]) -> dict[str, Login]:
    """Answer a login for each key, sorted.

    Raises InvalidInputError for two names of one registry that open it differently.
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
    """Write a file of `auths`: sorted, on one line, without a newline at its end."""
    return json.dumps(
        {"auths": dict(entries)}, sort_keys=True, separators=(",", ":")
    ).encode()


def refuse_tokens(logins: Sequence[Login], reader: str) -> None:
    """Raise InvalidInputError for an identity token, where its reader has no use."""
    for login in logins:
        if login.is_token:
            raise InvalidInputError(
                f"{login.registry} has an identity token, and {reader} takes a user"
                " and a password alone",
                "log in with an access token as the password, or use an identity",
            )


def refuse_lines(value: str, what: str) -> None:
    """Raise InvalidInputError for a text that goes on in another line."""
    if "\n" in value or "\r" in value:
        raise InvalidInputError(f"{what} has more than one line", "use another format")


def only(logins: Sequence[Login], what: str) -> Login:
    """Answer the one login; raise InvalidInputError where there are several."""
    if len(logins) != 1:
        raise InvalidInputError(
            f"{what} is for one registry, and {len(logins)} are named",
            "render each by itself",
        )
    return logins[0]
