"""crane, ko and kaniko: read docker's file as go-containerregistry does (pkg/authn).

It uses docker's own reader, but fails where docker only warns: at a value of a wrong
type, at an `auth` that is not the base64 of user:password, and if a helper fails. It
looks up the repository before its registry. Without docker's file it reads podman's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from dockcred import system
from dockcred.clients import files, findings
from dockcred.clients.docker import hostname
from dockcred.clients.docker.read import (
    ENTRY,
    FIELDS,
    DockerFile,
    directory,
    one_of,
)
from dockcred.clients.entries import decode_auth
from dockcred.clients.files import Found
from dockcred.clients.go_json import Map
from dockcred.clients.reference import HUB_INDEX, HUB_KEY, Reference
from dockcred.errors import InvalidInputError
from dockcred.system.environment import Environment


class CraneFile(DockerFile):
    """A file, decoded as by docker/cli 29, which crane uses."""

    __slots__ = ()
    fields = {  # noqa: RUF012 - never changed
        **{name: kind for name, kind in FIELDS.items() if name != "experimental"},
        "auths": Map({name: kind for name, kind in ENTRY.items() if name != "email"}),
    }

    @property
    def fault(self) -> str:
        """Return why crane fails for every registry, or "" if it does not."""
        if self.state not in {files.READ, files.ABSENT}:
            return f"is {self.state_in_words}"
        for place, wanted in self.wrong[:1]:
            return f"is wrong: {findings.place(place) or 'all of it'} is no {wanted}"
        for key in self.refused[:1]:
            where = f'auths["{findings.shown(key)}"]'
            return f"has {where}, which is not the base64 of user:password"
        return ""


def path(variables: Environment) -> str:
    """Return the path of the only file that is read, or ""."""
    home, named = variables.get(system.HOME), variables.get("DOCKER_CONFIG")
    places = [f"{home}/.docker"] * bool(home) + [named] * bool(named)
    if any(os.path.isfile(f"{place}/config.json") for place in places):
        return os.path.join(directory(variables), "config.json")
    config = variables.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    roots = [variables.get("XDG_RUNTIME_DIR"), config]
    others = [f"{root}/containers/auth.json" for root in roots if root]
    named = variables.get("REGISTRY_AUTH_FILE")
    return next((file for file in (named, *others) if os.path.isfile(file)), "")


def keys(reference: Reference) -> Iterator[str]:
    """Yield the keys that are looked up, and asked of a helper, in order."""
    if reference.repository:
        is_hub = reference.docker_key == HUB_KEY
        host = HUB_INDEX if is_hub else reference.authority
        yield f"{host}/{reference.repository}"
    yield reference.docker_key


def look_up(reference: Reference, environment: Environment) -> Iterator[Found]:
    """Yield what crane tries for a registry, in order, until one has a credential.

    Raises InvalidInputError if crane stops with an error.
    """
    if not (place := path(environment)):
        return
    file = CraneFile(place)
    if why := file.fault:
        raise InvalidInputError(
            f"{place} {why}: crane stops with an error, whatever the registry",
            "fix it, or take it out",
        )
    auths, helpers = file.table("auths"), file.table("credHelpers")
    for key in keys(reference):
        if helper := helpers.get(key, file.text("credsStore")):
            where = f'credHelpers["{key}"]' if key in helpers else "credsStore"
            yield Found(place, where, helper=helper, asks=key)
            continue
        names = (
            [key] if key in auths else [name for name in auths if _host(name) == key]
        )
        if not names:
            continue
        states = [_decoded(auths[name]) for name in names]
        yield one_of(place, names[0], states)
        if any(any(state.values()) for state in states):
            return


def _decoded(entry: Mapping[str, Any]) -> dict[str, str]:
    fields = ("username", "password", "identitytoken", "registrytoken")
    found = {name: entry.get(name) or "" for name in fields}
    if auth := entry.get("auth"):
        held = decode_auth(auth)
        found |= {"username": held.username, "password": held.password}
    return found


def _host(key: str) -> str:
    """Return the host that docker/cli 29 derives from a key, also if not a URL."""
    host = hostname(key)
    scheme, _, rest = key.partition("://")
    return rest.partition("/")[0] or host if host == f"{scheme}:" else host
