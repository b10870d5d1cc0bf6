"""buildx's own config files. Each is for one scope: a registry, repository or action.

    $BUILDX_CONFIG/config/HOST[/REPOSITORY][@ACTION,…]/config.json

Without the variable, the directory is `buildx` beside docker's config.json. For its
scope, buildx reads such a file instead of docker's (github.com/docker/buildx,
util/dockerutil/dockerconfig). It asks the helper in it by the host only.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.reference import HUB_KEY, HUB_REGISTRY, Reference
from dockcred.errors import InvalidInputError
from dockcred.system.environment import Environment

ACTIONS = ("pull", "push")
_NAME = "config.json"
_API = ("v1", "v2")
_REPOSITORY = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-/")


class BuildxScope(NamedTuple):
    """The path of a scope's file, and the key that buildx looks up in it."""

    path: str
    key: str


def base(variables: Environment) -> str:
    """Return the directory of all scopes."""
    directory = variables.get("BUILDX_CONFIG")
    if not directory:
        dockers = os.path.dirname(docker_edit.path_to_edit(variables))
        directory = os.path.join(dockers, "buildx")
    return os.path.join(directory, "config")


def scope(variables: Environment, text: str) -> BuildxScope:
    """Parse HOST[/REPOSITORY][@ACTION,…].

    Raises InvalidInputError for a scope that buildx never uses. buildx compares
    repositories exactly, and knows no wildcards.
    """
    place, at, written = text.partition("@")
    actions = [word.strip() for word in written.split(",")]
    if at and not set(actions) <= set(ACTIONS):
        raise InvalidInputError(
            f"{text!a} names an action that buildx asks for nowhere",
            "write HOST/REPOSITORY@push, @pull or @pull,push",
        )
    reference = Reference(place)
    host = HUB_REGISTRY if reference.is_hub else reference.authority
    named = "" if reference.repository in _API else reference.repository
    if reference.is_hub and named and "/" not in named:
        named = f"library/{named}"
    last = place.rpartition("/")[2] if named else ""
    if not _REPOSITORY.issuperset(named + last) or ".." in named.split("/"):
        raise InvalidInputError(
            f"{text!a} names no repository",
            "write it in lower case, without a tag or a wildcard",
        )
    directory = "/".join(part for part in (host, named) if part)
    if at:
        directory += "@" + ",".join(sorted(set(actions)))
    key = HUB_KEY if reference.is_hub else host
    return BuildxScope(os.path.join(base(variables), directory, _NAME), key)


def files(variables: Environment) -> list[str]:
    """Return the files of all scopes, also of those with only a backup or record."""
    found = []
    for directory, _, names in os.walk(base(variables)):
        if any(name.startswith(_NAME) for name in names):
            found.append(os.path.join(directory, _NAME))
    return sorted(found)
