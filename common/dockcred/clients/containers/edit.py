"""Render and edit the files of podman, skopeo, buildah and CRI-O.

auth.json (see containers-auth.json(5)) has one key for each registry or namespace,
HOST[:PORT][/NAMESPACE]. With --for coco, it has only `auth` in each entry, for image-rs
in a confidential guest. registries.conf names the helpers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from dockcred.clients import entries, reference
from dockcred.clients.containers import canonical, read, registry_of
from dockcred.clients.edit import ABSENT, WantedValue
from dockcred.clients.entries import Login
from dockcred.clients.formats import Options
from dockcred.errors import InvalidInputError
from dockcred.system import people
from dockcred.system.environment import Environment

HUB = (reference.HUB,)


def path(variables: Environment) -> str:
    """Return the file's path.

    It is not the one below $XDG_RUNTIME_DIR, to which `podman login` writes, because
    that file is removed at the end of the session.
    """
    if named := variables.get("REGISTRY_AUTH_FILE"):
        return named
    config = variables.get("XDG_CONFIG_HOME") or f"{variables.home()}/.config"
    return f"{config}/containers/auth.json"


def path_to_edit(variables: Environment) -> str:
    """Return the path for writing; raise InvalidInputError without a home directory."""
    people.require_home(variables, "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME")
    return path(variables)


def shadowing(variables: Environment, hosts: Iterable[str]) -> list[str]:
    """Return warnings about this session's logins, which are used before any helper."""
    if variables.get("REGISTRY_AUTH_FILE"):
        return []
    file = next(read.auth_files(variables))
    return [
        f"{file.path} has a login for {key}, which comes first; run: podman logout"
        f" --authfile {file.path} {key}"
        for key in _logins(file, hosts)
    ]


def passed_over(
    variables: Environment, hosts: Iterable[str] | None, helper: str
) -> list[str]:
    """Return sentences about logins that are now sent only if the helper has none.

    With `hosts`, auth.json names the helper. So these are logins in the files that are
    read after it. Without `hosts`, registries.conf names the helper before all files,
    so these are the logins in all files.
    """
    files = list(read.auth_files(variables))
    if variables.get("REGISTRY_AUTH_FILE"):
        files = files[:1]
    if hosts is not None:
        own = path(variables)
        places = [file.path for file in files]
        files = files[places.index(own) + 1 :] if own in places else []
    found = [(file.path, _logins(file, hosts)) for file in files]
    return [
        f"logins in {place} are sent only where docker-credential-{helper} has none:"
        f" {', '.join(keys)}"
        for place, keys in found
        if keys
    ]


def _logins(file: read.PodmanFile, hosts: Iterable[str] | None) -> list[str]:
    """Return a file's keys with a login, for these hosts or for all."""
    return [
        key
        for key, entry in file.table("auths").items()
        if entry.get("auth")
        and (hosts is None or _host(file, key) in map(canonical, hosts))
    ]


def _host(file: read.PodmanFile, key: str) -> str:
    registry = registry_of(key, is_legacy=file.is_legacy)
    return canonical(registry.partition("/")[0])


FILES = "containers-auth.json"
KEY = ("credential-helpers",)


def paths(variables: Environment) -> tuple[list[str], list[str]]:
    """Return the paths to write, and other paths that may have been written before.

    A user's own registries.conf hides the system's file completely. So we never create
    it: without one, we write a drop-in file, which adds to the system's. podman 6 looks
    in $XDG_CONFIG_HOME, and podman 5 only below the home, so we write both.
    """
    last = variables.get("CONTAINERS_REGISTRIES_CONF_OVERRIDE")
    # podman 6 reads this file last. It hides only the settings that it has.
    hides = read.helpers_in(read.load_registries(last)) is not None if last else False
    lasts = [last] if last else []
    if named := variables.get("CONTAINERS_REGISTRIES_CONF"):
        return [named, *(lasts if hides else [])], [] if hides else lasts
    wanted, others = [], [] if hides else lasts
    for version in read.VERSIONS:
        users = read.own_registries(variables, version)
        drop_in = f"{users}.d/99-dockcred.conf"
        is_there = os.path.exists(users)
        wanted.append(users if is_there else drop_in)
        others.append(drop_in if is_there else users)
    wanted += lasts if hides else []
    found = list(dict.fromkeys(wanted))
    return found, [path for path in dict.fromkeys(others) if path not in found]


def paths_to_edit(variables: Environment) -> tuple[list[str], list[str]]:
    """Return `paths` for writing; raise InvalidInputError without a home directory."""
    people.require_home(variables, "CONTAINERS_REGISTRIES_CONF")
    return paths(variables)


def unheard(variables: Environment, helper: str) -> list[str]:
    """Return why a podman version does not ask the helper first, one sentence each."""
    told = []
    for version in read.VERSIONS:
        names, by = read.said(variables, version)
        if names[0] != helper:
            why = f"{by} is read behind it" if by else "it is not read"
            told.append(f"podman {version} asks {names[0]} first: {why}")
    return told


def use_as_default(text: str, helper: str) -> list[WantedValue]:
    """Return the values that let the helper be asked first for every registry.

    Raises InvalidInputError if the file's present value is not a list.
    """
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
    """Return {"auths": {HOST[/NAMESPACE]: {"auth": …}}}."""
    if options.consumer == COCO:
        entries.refuse_tokens(logins, "image-rs")
    found = entries.by_key((_key(login), login) for login in logins)
    return entries.auths({key: entries.entry(login) for key, login in found.items()})


def _key(login: Login) -> str:
    """Return the registry's name without a scheme; docker.io for Docker Hub.

    With two spellings of one registry, image-rs would take either entry.
    """
    host = login.reference.containers_key
    return f"{host}/{login.namespace}" if login.namespace else host
