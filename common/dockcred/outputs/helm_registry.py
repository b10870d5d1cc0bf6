"""helm's registry/config.json: docker's format, read before docker's own file."""

from __future__ import annotations

import sys

from dockcred.environment import Environment
from dockcred.reference import HUB_KEY

HUB = (HUB_KEY,)


def path(variables: Environment) -> str:
    """Answer the file's place (helm.sh/docs, `helm env`)."""
    if named := variables.get("HELM_REGISTRY_CONFIG"):
        return named
    if not (directory := variables.get("HELM_CONFIG_HOME")):
        below = ".config"
        if sys.platform == "darwin":
            below = "Library/Preferences"
        config = variables.get("XDG_CONFIG_HOME") or f"{variables.home()}/{below}"
        directory = f"{config}/helm"
    return f"{directory}/registry/config.json"
