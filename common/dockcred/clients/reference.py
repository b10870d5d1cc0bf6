"""The parts of an image's name, and the key that each client uses for its registry.

Clients look for one exact key, without wildcards (docker/cli#2928). They differ only
for Docker Hub (protocol A91, A92; measured with docker, skopeo and podman).
"""

from __future__ import annotations

from dockcred.credential import ServerURL
from dockcred.errors import InvalidInputError

HUB = "docker.io"
"""Docker Hub's key in podman, skopeo and buildah, and its host in image names."""

HUB_INDEX = "index.docker.io"
"""Docker Hub's key in Contrast and in Rust's crate docker_credential."""

HUB_KEY = "https://index.docker.io/v1/"
"""Docker Hub's key in docker, docker-py, oras, helm, crane and Nomad's config file."""

HUB_REGISTRY = "registry-1.docker.io"
"""The host of Docker Hub's API."""

HUB_NAMES = frozenset((HUB, HUB_INDEX, HUB_REGISTRY, "registry.hub.docker.com"))
"""Every host that means Docker Hub. No other module has such a list."""

_DOCKERS_HUB = {HUB, HUB_INDEX}
_API_PATHS = {"", "/", "/v1", "/v1/", "/v2", "/v2/"}


class Reference:
    """A registry, and a repository in it if one is named.

    `authority` is host[:port] as it was written, because clients look it up so.
    """

    __slots__ = ("authority", "repository", "server")

    def __init__(self, text: str) -> None:
        """Parse HOST[/REPOSITORY[:TAG|@DIGEST]]; a name without a host is Docker Hub's.

        Raises InvalidInputError if the host is not a registry's address.
        """
        name = text.strip().partition("://")[2] or text.strip()
        name = name.partition("@sha")[0]
        first, slash, rest = name.partition("/")
        if first and not set(first) & set("@.:") and first != "localhost":
            first, rest = HUB, name if slash else f"library/{name}"
        self.server = ServerURL.parse(first)
        self.authority = first.lower()
        self.repository = "" if self.is_hub and rest in {"v1/", "v1"} else _untag(rest)

    @property
    def is_hub(self) -> bool:
        """Return whether the registry is Docker Hub, under any of its names."""
        return self.server.host in HUB_NAMES

    @property
    def located(self) -> ServerURL:
        """Return the registry with the repository as path, as config.toml may match."""
        if not self.repository:
            return self.server
        return ServerURL.parse(f"{self.authority}/{self.repository}")

    @property
    def docker_key(self) -> str:
        """Return the key for which docker, docker-py, oras and crane ask a helper."""
        return HUB_KEY if self.authority in _DOCKERS_HUB else self.authority

    @property
    def containers_key(self) -> str:
        """Return the key for which podman, skopeo and buildah ask a helper."""
        return HUB if self.is_hub else self.authority

    @property
    def registry(self) -> str:
        """Return host[:port] of the registry's API."""
        return HUB_REGISTRY if self.is_hub else self.authority

    @property
    def name(self) -> str:
        """Return the name as a person writes it."""
        host = HUB if self.is_hub else self.authority
        return f"{host}/{self.repository}" if self.repository else host


def host_of(key: str) -> str:
    """Return host[:port] of a key in any form that people write."""
    rest = key.strip().partition("://")[2] or key.strip()
    return rest.partition("/")[0].lower()


def keys(registry: str, hub: tuple[str, ...]) -> tuple[str, ...]:
    """Return the keys for a registry that a person names; `hub` are Docker Hub's keys.

    Raises InvalidInputError for a wildcard or a path: no client asks for such a key.
    """
    if "*" in registry:
        raise InvalidInputError(
            f"{registry!a}: this client knows no wildcards", "use --all"
        )
    server = ServerURL.parse(registry)
    if server.path not in _API_PATHS:
        raise InvalidInputError(
            f"{registry}: clients ask a helper by host, not by path",
            f"name {server.host}, and route paths in config.toml",
        )
    if server.host in HUB_NAMES:
        return hub
    # Keep the port as it is written, even 443, because images name it so.
    return (host_of(server.raw),)


def _untag(path: str) -> str:
    head, slash, last = path.rstrip("/").rpartition("/")
    return head + slash + last.partition(":")[0]
