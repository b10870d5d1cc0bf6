"""docker's config.json, which oras, helm, crane, docker-py and podman read as well.

For a host with a helper, docker reads `auths` no more: not even where the helper has
nothing (docker/cli, cli/config/credentials; protocol A93).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from dockcred import reference
from dockcred.environment import Environment
from dockcred.errors import InvalidInputError
from dockcred.outputs import json_text
from dockcred.outputs.edit import ABSENT, Wanted

HUB = (reference.HUB_KEY, reference.HUB, reference.HUB_INDEX)

_STRING = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?')
_SHOWN = {"credhelpers", "credsstore"}


def path(variables: Environment) -> str:
    """Answer the file's place; raise InvalidInputError where docker cannot read it."""
    directory = variables.get("DOCKER_CONFIG")
    if directory and os.path.isfile(directory):
        raise InvalidInputError(
            f"DOCKER_CONFIG is a file, {directory}, and docker reads config.json in it",
            "set it to the directory",
        )
    return os.path.join(directory or f"{variables.home()}/.docker", "config.json")


def ask_for(text: str, hosts: Iterable[str], helper: str) -> list[Wanted]:
    """Have the helper asked for these keys; raise InvalidInputError for a bad table."""
    table = json_text.get(text, ("credHelpers",))
    wanted = []
    if table is ABSENT or table is None:
        wanted.append(Wanted(("credHelpers",), {}))
    elif not isinstance(table, dict):
        raise InvalidInputError("its credHelpers is not an object", "mend it first")
    return wanted + [Wanted(("credHelpers", host), helper) for host in hosts]


def ask_always(helper: str) -> list[Wanted]:
    """Have the helper asked for every registry that credHelpers does not name."""
    return [Wanted(("credsStore",), helper)]


def left_behind(text: str, wanted: Iterable[Wanted]) -> list[str]:
    """Tell what docker will pass over from now on, a sentence each."""
    auths = json_text.get(text, ("auths",))
    logins = {key for key, value in _items(auths) if value}
    said = []
    for key_path, helper in wanted:
        was = json_text.get(text, key_path)
        if key_path == ("credsStore",):
            if was not in (ABSENT, None, "", helper):
                said.append(_replaced(str(was), helper))
            passed_over = sorted(logins)
        else:
            passed_over = sorted(logins & set(key_path[1:]))
        if was != helper and passed_over:
            said.append(
                f"logins in auths are not read: {', '.join(passed_over)}; "
                "log in again where no identity serves"
            )
    return said


def _replaced(store: str, helper: str) -> str:
    """Say where the logins of a store stay, and how `auto` can still answer them."""
    said = f"credsStore was {store}: logins that it keeps are not read"
    if helper == "auto":
        said += f'; for them, set store = "helper:{store}" in config.toml'
    return said


def masked(text: str) -> str:
    """Answer the text fit to be shown: of other keys no value that may be secret."""
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
