"""A registry as a person names it, and the credential that opens it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from dockcred.credential import Credential
from dockcred.errors import InvalidInputError
from dockcred.lookup.auths import TOKEN
from dockcred.reference import Reference

_API_PATHS = {"v1", "v2"}


@dataclass(frozen=True, slots=True)
class Login:
    """A registry, or a namespace in it, and its credential; a repr shows no secret."""

    registry: str
    credential: Credential

    @property
    def reference(self) -> Reference:
        """Answer the registry's name in its parts."""
        return Reference(self.registry)

    @property
    def namespace(self) -> str:
        """Answer the path below the registry; nothing for all of it."""
        path = self.reference.repository
        return "" if path in _API_PATHS else path

    @property
    def is_token(self) -> bool:
        """Tell whether the secret is an identity token, which not everyone can use."""
        return self.credential.username == TOKEN

    def seconds_left(self) -> float:
        """Answer the seconds until the credential ends; infinity without an end."""
        ends = self.credential.expires_at
        return float("inf") if ends is None else ends - time.time()


def check_name(registry: str) -> None:
    """Raise InvalidInputError for what is no HOST[:PORT][/NAMESPACE].

    A client takes a name without dot and port for a repository of Docker Hub.
    """
    reference = Reference(registry)
    if reference.is_hub and reference.server.host not in registry.lower():
        raise InvalidInputError(
            f"{registry!a} names no registry", f"write docker.io, or {registry}:PORT"
        )


def earliest_end(logins: Iterable[Login]) -> float | None:
    """Answer when the first of them ends, seconds since the epoch; None for never."""
    ends = [login.credential.expires_at for login in logins]
    return min((end for end in ends if end is not None), default=None)
