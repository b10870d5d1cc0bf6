"""Logins that are readable in clients' files: user and key, never the secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockcred.clients import helm
from dockcred.clients.reference import Reference, host_of
from dockcred.commands.import_ import is_same
from dockcred.errors import DockcredError
from dockcred.stores import auth_file
from dockcred.stores.problems import KeychainAbsentError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from dockcred.stores.auth_file import AuthFile
    from dockcred.system.environment import Environment

_PASSING = ("AWS", "oauth2accesstoken", "00000000-0000-0000-0000-000000000000")
"""The user names of tokens that a cloud issues for hours; these are not kept."""


@dataclass(frozen=True)
class Clear:
    """A login that is readable in a client's file."""

    origin: AuthFile
    key: str
    user: str

    @property
    def name(self) -> str:
        """Return the registry as users write it."""
        host = host_of(self.key)
        try:
            return Reference(host).name
        except DockcredError:
            return host

    @property
    def is_passing(self) -> bool:
        """Return whether this is a token of hours; an identity serves it better."""
        return self.user in _PASSING


def readable(variables: Environment, clients: Collection[str]) -> Iterator[Clear]:
    """Yield the logins of docker's file, then podman's, then helm's, if installed.

    Raises KeychainError for a file that its own client rejects.
    """
    origins = [auth_file.docker(variables)]
    if "podman" in clients:
        origins += auth_file.podman(variables)
    if helm.HELM in clients:
        origins.append(auth_file.AuthFile(helm.path(variables)))
    seen = set()
    for origin in origins:
        if origin.path in seen:
            continue
        seen.add(origin.path)
        try:
            users = origin.users()
        except KeychainAbsentError:
            continue
        yield from (Clear(origin, key, user) for key, user in users.items())


def rival(login: Clear, others: Sequence[Clear]) -> str:
    """Return an earlier file that has another login for the same registry, or ""."""
    mine = login.origin.read(login.key)
    for other in others[: others.index(login)]:
        if other.name == login.name and other.origin is not login.origin and mine:
            is_mine = is_same(other.origin.read(other.key), mine)
            return "" if is_mine else other.origin.path
    return ""
