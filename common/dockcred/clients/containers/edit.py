"""auth.json of podman, skopeo, buildah and CRI-O (containers-auth.json(5)).

A registry or a namespace in it, HOST[:PORT][/NAMESPACE], one key for each. With
--for coco it is what image-rs reads in a confidential guest: `auth` alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from dockcred.clients import entries, reference
from dockcred.clients.edit import ABSENT, WantedValue, json_text, past
from dockcred.clients.entries import Login
from dockcred.clients.formats import Options
from dockcred.errors import InvalidInputError
from dockcred.system.environment import Environment

HUB = (reference.HUB,)


def path(variables: Environment) -> str:
    """Return the file's place.

    Not $XDG_RUNTIME_DIR's, where `podman login` writes: that one ends with the session.
    """
    if named := variables.get("REGISTRY_AUTH_FILE"):
        return named
    config = variables.get("XDG_CONFIG_HOME") or f"{variables.home()}/.config"
    return f"{config}/containers/auth.json"


def shadowing(variables: Environment, hosts: Iterable[str]) -> list[str]:
    """Return this session's logins, which are used before any helper is asked."""
    if variables.get("REGISTRY_AUTH_FILE"):
        return []
    run = variables.get("XDG_RUNTIME_DIR")
    directory = f"{run}/containers" if run else f"/run/containers/{os.geteuid()}"
    file = f"{directory}/auth.json"
    try:
        text = (past.read(file) or b"").decode("utf-8", "replace")
        logins = {host: json_text.get(text, ("auths", host)) for host in hosts}
    except InvalidInputError:
        return []  # what is wrong with it, podman says
    return [
        f"{file} has a login for {host}, which comes first; run: podman logout {host}"
        for host, login in logins.items()
        if login is not ABSENT
    ]


FILES = "containers-auth.json"
KEY = ("credential-helpers",)


def paths(variables: Environment) -> list[str]:
    """Return the places, the one to be written first.

    A registries.conf of the user's hides the system's whole, so none is made: where
    there is none, a drop-in of ours adds to the system's.
    """
    if named := variables.get("CONTAINERS_REGISTRIES_CONF"):
        return [named]
    # Not $XDG_CONFIG_HOME: containers/image looks below the home directory only.
    directory = f"{variables.home()}/.config/containers"
    users = f"{directory}/registries.conf"
    drop_in = f"{directory}/registries.conf.d/99-dockcred.conf"
    return [users, drop_in] if os.path.exists(users) else [drop_in, users]


def use_as_default(text: str, helper: str) -> list[WantedValue]:
    """Set the helper to be asked first for every registry."""
    from dockcred.clients.edit import toml_text  # noqa: PLC0415 - heavy, and --all's

    there = toml_text.get(text, KEY)
    if there is ABSENT:
        there = [FILES]
    if not isinstance(there, list):
        raise InvalidInputError("its credential-helpers is no list", "fix it first")
    return [WantedValue(KEY, [helper, *(name for name in there if name != helper)])]


FILE = "auth.json"
OPTIONS: tuple[str, ...] = ()
COCO = "coco"
CONSUMERS: tuple[str, ...] = (COCO,)


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write {"auths": {HOST[/NAMESPACE]: {"auth": …}}}."""
    if options.consumer == COCO:
        entries.refuse_tokens(logins, "image-rs")
    found = entries.by_key((_key(login), login) for login in logins)
    return entries.auths({key: entries.entry(login) for key, login in found.items()})


def _key(login: Login) -> str:
    """Return the name of the registry without a scheme, Docker Hub by its domain.

    image-rs takes two spellings of one registry for two entries, and then either.
    """
    host = login.reference.containers_key
    return f"{host}/{login.namespace}" if login.namespace else host
