"""What a registry gets for a job's token: that token, or what somebody gives for it.

Each exchange serves its own registry's hosts and no others.
"""

from __future__ import annotations

import time

from dockcred.credential import Credential
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from dockcred.environment import Environment
    from dockcred.identity import Provider
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.server_url import ServerURL

    class Exchange(Protocol):
        """One kind; `sources` are the rows that come on top of the job's own."""

        sources: tuple[str, ...]

        def credential(self, token: IDToken) -> Credential:
            """Get what the registry takes."""


CHOICE = "DOCKCRED_OIDC_EXCHANGE"
USERNAME = "DOCKCRED_OIDC_USERNAME"
AS = "DOCKCRED_OIDC_EXCHANGE_AS"
DEFAULT_USERNAME = "JWT"
_CLOUDS = ("aws", "azure", "google")
_OWN = {
    "docker-hub": ("docker_hub", "DockerHub"),
    "quay": ("quay", "Quay"),
    "chainguard": ("chainguard", "Chainguard"),
}


def choose(
    server: ServerURL, environment: Environment, load: Callable[[str], Provider]
) -> Exchange:
    """Choose the exchange; nobody is asked yet.

    Raises InvalidInputError where it is none, or not one for this registry.
    """
    kind = environment.get(CHOICE)
    if not kind:
        return Plain(environment)
    if kind in _CLOUDS:
        from dockcred.providers.oidc.clouds import Cloud  # noqa: PLC0415 - if chosen

        return Cloud(kind, server, environment, load)
    if kind.startswith(("https://", "http://")):
        from dockcred.providers.oidc.token_exchange import (  # noqa: PLC0415 - if chosen
            Endpoint,
        )

        return Endpoint(kind, environment)
    if kind not in _OWN:
        raise InvalidInputError(
            f"{CHOICE} names no exchange",
            f"choose of {', '.join((*_OWN, *_CLOUDS))}, an https URL, or none",
        )
    module, name = _OWN[kind]
    where = __import__(f"{__package__}.{module}", fromlist=[name])
    found: Exchange = getattr(where, name)(server, environment)
    return found


class Plain:
    """The token as the password, for who verifies it: no copy of it is kept."""

    sources: tuple[str, ...] = ("oidc:plain",)

    def __init__(self, environment: Environment) -> None:
        """Take the user name that goes with it."""
        self._username = username(environment)

    def credential(self, token: IDToken) -> Credential:
        """Hand the token on."""
        return Credential(self._username, token.value, time.time(), token.expires_at)


def username(environment: Environment, default: str = DEFAULT_USERNAME) -> str:
    """Answer the user name for the registry; InvalidInputError where it is none.

    In Basic authentication a colon would end it (RFC 7617).
    """
    name = environment.get(USERNAME, default)
    if not name.isprintable() or ":" in name:
        raise InvalidInputError(f"{USERNAME} is no user name", "mend it")
    return name


def named_as(environment: Environment, what: str) -> str:
    """Answer who one is at an exchange; InvalidInputError says `what` is missing."""
    name = environment.get(AS)
    if not name or not name.isprintable():
        raise InvalidInputError(
            f"the exchange needs {what}: {AS} is not set",
            "set it, or exchange_as at the registry in config.toml",
        )
    return name


def refuse_host(server: ServerURL, kind: str, hosts: str) -> InvalidInputError:
    """Say that an exchange's password is not for this registry."""
    return InvalidInputError(
        f"the exchange {kind} serves {hosts}, and {server.host} is none of them",
        "mend the registry's entry in config.toml",
    )
