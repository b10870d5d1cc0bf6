"""An image's name in its parts, and the key that each client makes of it."""

from __future__ import annotations

from dockcred.server_url import ServerURL

HUB = "docker.io"
HUB_KEY = "https://index.docker.io/v1/"
HUB_NAMES = frozenset({HUB, "index.docker.io", "registry-1.docker.io"})
_HUB_REGISTRY = "registry-1.docker.io"


class Reference:
    """A registry, and the repository in it where one is named.

    `authority` is host[:port] as it was written: clients look it up so.
    """

    __slots__ = ("authority", "repository", "server")

    def __init__(self, text: str) -> None:
        """Read HOST[/REPOSITORY[:TAG|@DIGEST]]; a name without a host is Docker Hub's.

        Raises InvalidInputError for what is no registry's address.
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
        """Tell whether the registry is Docker Hub, under any of its names."""
        return self.server.host in HUB_NAMES

    @property
    def located(self) -> ServerURL:
        """Answer the registry with the path by which config.toml may route."""
        if not self.repository:
            return self.server
        return ServerURL.parse(f"{self.authority}/{self.repository}")

    @property
    def docker_key(self) -> str:
        """Answer what docker, docker-py, oras and crane ask a helper for."""
        return HUB_KEY if self.is_hub else self.authority

    @property
    def containers_key(self) -> str:
        """Answer what podman, skopeo and buildah ask a helper for."""
        return HUB if self.is_hub else self.authority

    @property
    def registry(self) -> str:
        """Answer where the registry itself is spoken to."""
        return _HUB_REGISTRY if self.is_hub else self.authority

    @property
    def name(self) -> str:
        """Answer the name as a person writes it."""
        host = HUB if self.is_hub else self.authority
        return f"{host}/{self.repository}" if self.repository else host


def host_of(key: str) -> str:
    """Answer host[:port] of a key in any form that people write."""
    rest = key.strip().partition("://")[2] or key.strip()
    return rest.partition("/")[0].lower()


def _untag(path: str) -> str:
    head, slash, last = path.rstrip("/").rpartition("/")
    return head + slash + last.partition(":")[0]
