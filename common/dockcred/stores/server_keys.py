"""Which kept key answers a request: the same text, else the same registry.

Peers disagree (`pass` and `secretservice` compare text, `wincred` and `osxkeychain`
fill in what the request leaves out); this is a superset of all four.
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
    """Read a kept key; None for one that no request can name."""
    try:
        server = ServerURL.parse(key)
    except DockcredError:
        return None
    return server if server.raw == key else None


def same(server: ServerURL, keys: Iterable[str]) -> list[str]:
    """Return the keys that name this very registry and path, the best first.

    The scheme, the default port, `/v1/`, `/v2/` and Docker Hub's aliases make no
    difference; two explicit schemes do, since they are two ports.
    """
    path = _path(server)
    return [key for key, kept in _ranked(server, keys) if _path(kept) == path]


def nearest(server: ServerURL, keys: Iterable[str]) -> list[str]:
    """Return `same`, then the keys of the namespaces above, the registry last.

    Clients name a whole repository (crane, nomad-driver-podman); the credential of
    its namespace or registry serves it.
    """
    found = _ranked(server, keys)
    above = _paths_above(_path(server), is_hub=_host(server) == HUB)
    return [key for path in above for key, kept in found if _path(kept) == path]


def forms(server: ServerURL) -> list[str]:
    """Return the keys that `nearest` takes for a request, as clients write them.

    It takes more, which no client is known to write, such as a host in capitals.
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
    """Return what stands before and after the host of a key that means these ports."""
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
    """Return the host, one name for all of Docker Hub's."""
    return HUB if server.host in HUB_NAMES and not server.port else server.host


def _ports(server: ServerURL) -> frozenset[str]:
    """Return the ports that a key can mean; a bare host means either default."""
    if server.port:
        return frozenset((server.port,))
    if server.scheme:
        return frozenset((_DEFAULT_PORTS[server.scheme],))
    return frozenset(_DEFAULT_PORTS.values())


def _path(server: ServerURL) -> str:
    """Return the path below the API's root, empty for the registry itself."""
    path = server.path.rstrip("/")
    while "//" in path:
        path = path.replace("//", "/")
    return "" if path in _API_ROOTS else path


def _paths_above(path: str, *, is_hub: bool) -> list[str]:
    # Web login keeps three keys for Docker Hub that differ in the path only, with one
    # slash or two (docker/cli, internal/oauth/manager). Below the API's root there is
    # no namespace, and the login never stands in for a token.
    if is_hub and path.startswith(_HUB_API):
        return [path]
    paths = [path]
    while path:
        path = path.rpartition("/")[0]
        if path not in _API_ROOTS:
            paths.append(path)
    return paths
