"""auth.json of podman, skopeo, buildah and CRI-O (containers-auth.json(5)).

A registry or a namespace in it, HOST[:PORT][/NAMESPACE], one key for each. With
--for coco it is what image-rs reads in a confidential guest: `auth` alone.
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
    """Return the file's place.

    Not $XDG_RUNTIME_DIR's, where `podman login` writes: that one ends with the session.
    """
    if named := variables.get("REGISTRY_AUTH_FILE"):
        return named
    config = variables.get("XDG_CONFIG_HOME") or f"{variables.home()}/.config"
    return f"{config}/containers/auth.json"


def path_to_edit(variables: Environment) -> str:
    """Return the same, to be written; raise InvalidInputError without a home for it."""
    people.require_home(variables, "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME")
    return path(variables)


def shadowing(variables: Environment, hosts: Iterable[str]) -> list[str]:
    """Return this session's logins, which are used before any helper is asked."""
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
    """Return which logins are sent from now on only where a helper has none.

    With `hosts` they are those in the files behind auth.json, which asks the helper;
    without, those in all files, before which registries.conf has it asked.
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
    """Return the keys in a file under which a login is, of these hosts or of all."""
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
    """Return the places to be written, and all others that may have been.

    A registries.conf of the user's hides the system's whole, so none is made: where
    there is none, a drop-in of ours adds to the system's. podman 6 looks in
    $XDG_CONFIG_HOME, and podman 5 below the home alone: both are written.
    """
    last = variables.get("CONTAINERS_REGISTRIES_CONF_OVERRIDE")
    # podman 6 reads it behind all others; what it does not say, it does not hide.
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
    """Return the same, to be written; raise InvalidInputError without a home for it."""
    people.require_home(variables, "CONTAINERS_REGISTRIES_CONF")
    return paths(variables)


def unheard(variables: Environment, helper: str) -> list[str]:
    """Return why a podman does not ask the helper first, a sentence for each."""
    told = []
    for version in read.VERSIONS:
        names, by = read.said(variables, version)
        if names[0] != helper:
            why = f"{by} is read behind it" if by else "it is not read"
            told.append(f"podman {version} asks {names[0]} first: {why}")
    return told


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
