"""Which hosts get a job's token: those that are named, compared from end to end."""

from __future__ import annotations

from dockcred.errors import InvalidInputError
from dockcred.server_url import ServerURL
from dockcred.transport.target import is_loopback


def is_served(server: ServerURL, named: tuple[str, ...]) -> bool:
    """Tell whether a server is one of those named, as `host` or `host:port`.

    A host alone is meant at each of its ports. Plain http carries a token to this
    machine only.
    """
    if server.scheme == "http" and not is_loopback(server.host):
        return False
    return server.host in named or f"{server.host}:{server.port}" in named


def read(text: str) -> tuple[str, ...]:
    """Read the hosts of DOCKCRED_OIDC_HOSTS, or raise InvalidInputError."""
    return tuple(map(_host, text.replace(",", " ").split()))


def _host(word: str) -> str:
    try:
        server = ServerURL.parse(word)
    except InvalidInputError:
        server = None
    if server is None or server.scheme or server.path:
        raise InvalidInputError(
            f"DOCKCRED_OIDC_HOSTS names {word!a}, which is no registry's host",
            "write it as registry.example.com or registry.example.com:5000",
        )
    return f"{server.host}:{server.port}" if server.port else server.host
