"""helm's registry/config.json, which HELM_REGISTRY_CONFIG names: docker's format."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.entries import Login
from dockcred.clients.formats import Options
from dockcred.clients.reference import HUB_KEY
from dockcred.system.environment import Environment

HUB = (HUB_KEY,)


def path(variables: Environment) -> str:
    """Return the file's place (helm.sh/docs, `helm env`)."""
    if named := variables.get("HELM_REGISTRY_CONFIG"):
        return named
    if not (directory := variables.get("HELM_CONFIG_HOME")):
        below = ".config"
        if sys.platform == "darwin":
            below = "Library/Preferences"
        config = variables.get("XDG_CONFIG_HOME") or f"{variables.home()}/{below}"
        directory = f"{config}/helm"
    return f"{directory}/registry/config.json"


FILE = "config.json"
OPTIONS: tuple[str, ...] = ()
CONSUMERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write what docker's client would read too: helm's library is oras's."""
    return docker_edit.render(logins, options)
