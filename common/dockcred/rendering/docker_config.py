"""docker's config.json: for docker, oras, helm, crane, kaniko, buildx, docker-py.

`auth` alone, which every one of them reads, under every key that they look Docker Hub
up by. The value of DOCKER_AUTH_CONFIG has the same form.
"""

from __future__ import annotations

from collections.abc import Sequence

from dockcred.outputs.docker_config import HUB
from dockcred.rendering import entries
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "config.json"
TAKES: tuple[str, ...] = ()
READERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], _options: Options) -> bytes:
    """Write {"auths": {HOST: {"auth": …}}}, and an identity token as such."""
    found = entries.by_key(entries.by_host(logins, HUB))
    return entries.auths({key: entries.entry(login) for key, login in found.items()})
