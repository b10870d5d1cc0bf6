"""auth.json of podman, skopeo and buildah (containers-auth.json(5)).

It knows credHelpers, for hosts only, and no credsStore: the helper for every registry
stands in registries.conf.
"""

from __future__ import annotations

from dockcred.environment import Environment
from dockcred.outputs.registry_keys import HUB_DOMAIN

HUB = (HUB_DOMAIN,)


def path(variables: Environment) -> str:
    """Answer the file's place.

    Not $XDG_RUNTIME_DIR's, where `podman login` writes: that one ends with the session.
    """
    if named := variables.get("REGISTRY_AUTH_FILE"):
        return named
    config = variables.get("XDG_CONFIG_HOME") or f"{variables.home()}/.config"
    return f"{config}/containers/auth.json"
