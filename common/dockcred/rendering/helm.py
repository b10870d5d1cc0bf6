"""helm's registry/config.json, which HELM_REGISTRY_CONFIG names: docker's format."""

from __future__ import annotations

from collections.abc import Sequence

from dockcred.rendering import docker_config
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "config.json"
TAKES: tuple[str, ...] = ()
READERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write what docker's client would read too: helm's library is oras's."""
    return docker_config.render(logins, options)
