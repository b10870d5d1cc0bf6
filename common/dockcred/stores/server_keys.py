"""Decide which stored key answers a request: the same text, else the same registry.

docker's own helpers differ: `pass` and `secretservice` compare text; `wincred` and
`osxkeychain` fill in missing parts of the request. We match all that any of them does.
"""

from __future__ import annotations

from dockcred.clients.reference import HUB_NAMES
from dockcred.credential import ServerURL
from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

HUB = "Docker Hub"
_HUB_API = ("/v1/", "/v2/")
_API_ROOTS = frozenset(("/v1", "/v2"))
_DEFAULT_PORTS = {"https": "443", "http": "80"}


def parse(key: str) -> ServerURL | None:
    """Return a stored key, parsed; None if no request can name it."""
    try:
        server = ServerURL.parse(key)
    except DockcredError:
        return None
    return server if server.raw == key else None


def same(server: ServerURL, keys: Iterable[str]) -> list[str]:
    """Return the keys for the same registry and path, the best match first.

    A missing scheme, the default port, `/v1/`, `/v2/` and Docker Hub's aliases make no
    difference. Two different explicit schemes do, because they mean two ports.
    """
    path = _path(server)
    return [key for key, kept in _ranked(server, keys) if _path(kept) == path]


def nearest(server: ServerURL, keys: Iterable[str]) -> list[str]:
    """Return the keys of `same`, then of each namespace above, the registry's last.

    Some clients ask for a whole repository (crane, nomad-driver-podman). The credential
    of its namespace or its registry is valid for it.
    """
    found = _ranked(server, keys)
    above = _paths_above(_path(server), is_hub=_host(server) == HUB)
    return [key for path in above for key, kept in found if _path(kept) == path]


def forms(server: ServerURL) -> list[str]:
    """Return the keys that `nearest` accepts for a request, in clients' known forms.

    `nearest` accepts more forms, such as a host in capitals. No client is known to
    write those.
    """
    is_hub = _host(server) == HUB
    hosts = sorted(HUB_NAMES) if is_hub else [server.host]
    ports = frozenset((_DEFAULT_PORTS["https"],)) if is_hub else _ports(server)
    found = [server.raw]
    for path in _paths_above(_path(server), is_hub=is_hub):
        ends = (path,) if path else ("", "/", *_HUB_API)
        for scheme, port in _schemes_and_ports(ports):
            tails = [f"{port}{end}" for end in (ends if scheme else (path,))]
            found += [f"{scheme}{host}{tail}" for host in hosts for tail in tails]
    return list(dict.fromkeys(found))


def _schemes_and_ports(ports: frozenset[str]) -> list[tuple[str, str]]:
    """Return pairs of the texts before and after the host in keys for these ports."""
    found = [("", f":{port}") for port in sorted(ports)]
    for scheme, default in _DEFAULT_PORTS.items():
        if default in ports:
            found += [("", ""), (f"{scheme}://", "")]
    for port in sorted(ports.difference(_DEFAULT_PORTS.values())):
        found += [(f"{scheme}://", f":{port}") for scheme in _DEFAULT_PORTS]
    return found


def _ranked(server: ServerURL, keys: Iterable[str]) -> list[tuple[str, ServerURL]]:
    found = [(key, kept) for key in keys if (kept := parse(key)) is not None]
    return sorted(
        (pair for pair in found if _is_same_place(server, pair[1])),
        key=lambda pair: (pair[1].scheme != server.scheme, pair[0]),
    )


def _is_same_place(one: ServerURL, other: ServerURL) -> bool:
    if _host(one) != _host(other):
        return False
    if _host(one) == HUB:
        return True
    a, b = _ports(one), _ports(other)
    return not a.isdisjoint(b)


def _host(server: ServerURL) -> str:
    """Return the host; HUB for each of Docker Hub's names."""
    return HUB if server.host in HUB_NAMES and not server.port else server.host


def _ports(server: ServerURL) -> frozenset[str]:
    """Return the ports that a key can mean; a bare host means both default ports."""
    if server.port:
        return frozenset((server.port,))
    if server.scheme:
        return frozenset((_DEFAULT_PORTS[server.scheme],))
    return frozenset(_DEFAULT_PORTS.values())


def _path(server: ServerURL) -> str:
    """Return the path below the API's root, "" for the registry itself."""
    path = server.path.rstrip("/")
    while "//" in path:
        path = path.replace("//", "/")
    return "" if path in _API_ROOTS else path


def _paths_above(path: str, *, is_hub: bool) -> list[str]:
    # docker's web login stores three keys for Docker Hub. They differ only in the path,
    # with one slash or two (docker/cli, internal/oauth/manager). These paths are not
    # namespaces: the login's key must never answer a request for a token's key.
    if is_hub and path.startswith(_HUB_API):
        return [path]
    paths = [path]
    while path:
        path = path.rpartition("/")[0]
        if path not in _API_ROOTS:
            paths.append(path)
    return paths
