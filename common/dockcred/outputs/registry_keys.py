"""Under which names clients look a registry up in their files.

They look for one exact key, without wildcards (docker/cli#2928), and differ on Docker
Hub alone (protocol A91, A92; measured with docker, skopeo and podman).
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError
from dockcred.server_url import ServerURL

HUB_URL = "https://index.docker.io/v1/"
"""Docker Hub to docker, docker-py, oras, helm, crane and Nomad's config file."""

HUB_DOMAIN = "docker.io"
"""Docker Hub to podman, skopeo and buildah."""

HUB_INDEX = "index.docker.io"
"""Docker Hub to the docker_credential crate of Rust programs."""

_HUB_HOSTS = {HUB_DOMAIN, HUB_INDEX, "registry-1.docker.io", "registry.hub.docker.com"}
_API_PATHS = {"", "/", "/v1", "/v1/", "/v2", "/v2/"}


def keys(registry: str, hub: tuple[str, ...]) -> tuple[str, ...]:
    """Answer the keys for a registry as a person names it; `hub` are Docker Hub's.

    Raises InvalidInputError for what no client asks by: a wildcard, or a path.
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
    if server.host in _HUB_HOSTS:
        return hub
    # The port as it is written: images name it so, 443 too.
    return (server.raw.rpartition("://")[2].partition("/")[0].lower(),)
