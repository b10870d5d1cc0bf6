"""auth.json of podman, skopeo and buildah (containers-auth.json(5)).

It knows credHelpers, for hosts only, and no credsStore: the helper for every registry
stands in registries.conf.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from dockcred import reference
from dockcred.environment import Environment
from dockcred.errors import InvalidInputError
from dockcred.outputs import json_text, replace
from dockcred.outputs.edit import ABSENT

HUB = (reference.HUB,)


def path(variables: Environment) -> str:
    """Answer the file's place.

    Not $XDG_RUNTIME_DIR's, where `podman login` writes: that one ends with the session.
    """
    if named := variables.get("REGISTRY_AUTH_FILE"):
        return named
    config = variables.get("XDG_CONFIG_HOME") or f"{variables.home()}/.config"
    return f"{config}/containers/auth.json"


def heard_first(variables: Environment, hosts: Iterable[str]) -> list[str]:
    """Tell of logins of this session, which are taken before any helper is asked."""
    if variables.get("REGISTRY_AUTH_FILE"):
        return []
    run = variables.get("XDG_RUNTIME_DIR")
    directory = f"{run}/containers" if run else f"/run/containers/{os.geteuid()}"
    file = f"{directory}/auth.json"
    try:
        text = (replace.read(file) or b"").decode("utf-8", "replace")
        logins = {host: json_text.get(text, ("auths", host)) for host in hosts}
    except InvalidInputError:
        return []  # what is wrong with it, podman says
    return [
        f"{file} has a login for {host}, which comes first; run: podman logout {host}"
        for host, login in logins.items()
        if login is not ABSENT
    ]
