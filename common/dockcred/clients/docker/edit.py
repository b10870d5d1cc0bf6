"""Render and edit docker's config.json.

docker, oras, helm, crane, kaniko, buildx and docker-py read it. We write only `auth`,
which all of them read, and Docker Hub under each key that one of them uses. The value
of DOCKER_AUTH_CONFIG has the same form.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Any

from dockcred.clients import entries, reference
from dockcred.clients.edit import ABSENT, WantedValue, json_text
from dockcred.clients.entries import Login
from dockcred.clients.formats import Options
from dockcred.errors import InvalidInputError
from dockcred.system import people
from dockcred.system.environment import Environment

HUB = (reference.HUB_KEY, reference.HUB, reference.HUB_INDEX)

_STRING = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?')
_SHOWN = {"credhelpers", "credsstore"}


def path(variables: Environment) -> str:
    """Return the file's path; raise InvalidInputError if docker cannot read it."""
    directory = variables.get("DOCKER_CONFIG")
    if directory and os.path.isfile(directory):
        raise InvalidInputError(
            f"DOCKER_CONFIG is a file, {directory}, and docker reads config.json in it",
            "set it to the directory",
        )
    return os.path.join(directory or f"{variables.home()}/.docker", "config.json")


def path_to_edit(variables: Environment) -> str:
    """Return the path for writing; raise InvalidInputError without a home directory."""
    people.require_home(variables, "DOCKER_CONFIG")
    return path(variables)


def use_helper_for(text: str, hosts: Iterable[str], helper: str) -> list[WantedValue]:
    """Return the values that set the helper for these keys.

    Raises InvalidInputError if credHelpers is not an object.
    """
    table = json_text.get(text, ("credHelpers",))
    wanted = []
    if table is ABSENT or table is None:
        wanted.append(WantedValue(("credHelpers",), {}))
    elif not isinstance(table, dict):
        raise InvalidInputError("its credHelpers is not an object", "fix it first")
    return wanted + [WantedValue(("credHelpers", host), helper) for host in hosts]


def use_as_default(helper: str) -> list[WantedValue]:
    """Return the value that sets the helper for all registries not in credHelpers."""
    return [WantedValue(("credsStore",), helper)]


def ignored_logins(
    text: str, wanted: Iterable[WantedValue], *, namespaces: bool = False
) -> tuple[list[str], list[str]]:
    """Return the logins that docker will ignore from now on, and sentences about them.

    With `namespaces`, a host's helper also hides the logins of its namespaces, as in
    podman's file.
    """
    auths = json_text.get(text, ("auths",))
    logins = {key for key, value in _items(auths) if value}
    hidden: list[str] = []
    said = []
    for key_path, helper in wanted:
        was = json_text.get(text, key_path)
        if key_path == ("credsStore",):
            if was not in (ABSENT, None, "", helper):
                said.append(_replaced(str(was), helper))
            passed_over = sorted(logins)
        else:
            named = set(key_path[1:])
            passed_over = sorted(
                login
                for login in logins
                if login in named or (namespaces and login.partition("/")[0] in named)
            )
        if was != helper and passed_over:
            hidden += passed_over
            said.append(f"logins in auths are not read: {', '.join(passed_over)}")
    return hidden, said


def _replaced(store: str, helper: str) -> str:
    """Return a sentence about a store's logins, and how `auto` can still use them."""
    said = f"credsStore was {store}: logins that it keeps are not read"
    if helper == "auto":
        said += f'; for them, set store = "helper:{store}" in config.toml'
    return said


def masked(text: str) -> str:
    """Return the text to show, with values masked that may be secret.

    Only the values of credHelpers and credsStore are shown.
    """
    json_text.get(text, ())
    pieces, at = [], 0
    if text.strip():
        for member in json_text.members(text, text.index("{")):
            if member.name.casefold() not in _SHOWN:
                pieces += [text[at : member.value], _mask(text[slice(*member[2:])])]
                at = member.end
    return "".join([*pieces, text[at:]])


def _mask(value: str) -> str:
    return _STRING.sub(lambda found: found[0] if found[2] else '"****"', value)


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


FILE = "config.json"
OPTIONS: tuple[str, ...] = ()
CONSUMERS: tuple[str, ...] = ()


def render(logins: Sequence[Login], _options: Options) -> bytes:
    """Return {"auths": {HOST: {"auth": …}}}; an identity token is written as such."""
    found = entries.by_key(entries.by_host(logins, HUB))
    return entries.auths({key: entries.entry(login) for key, login in found.items()})
