"""Clients: the programs that ask us. We read, edit, render and check their files.

This package does not know who answers a client. This module has what a `list` must know
of docker's file: to load another one would take several times as long as the rest of a
`list`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from dockcred.system.environment import Environment

_MOST_BYTES = 1024 * 1024


def docker_directory(environment: Environment) -> str:
    """Return the directory that docker reads, or "" without a home."""
    if named := environment.get("DOCKER_CONFIG"):
        return named
    home = environment.home()
    return os.path.join(home, ".docker") if home else ""


def plain_docker_content(environment: Environment) -> object:
    """Return the content of docker's config.json, if it is plain JSON.

    {} without a readable file. Raises ValueError if only docker.read can parse it.
    """
    from dockcred.transport import json_reader  # noqa: PLC0415 - for `list`

    path = os.path.join(docker_directory(environment), "config.json")
    if not os.path.isfile(path):
        return {}  # also for a pipe, which must not be waited for
    try:
        with open(path, "rb") as file:
            return json_reader.plain(file.read(_MOST_BYTES))
    except OSError:
        return {}


def hosts_left_to(helpers: Collection[str], content: object) -> list[str]:
    """Return the hosts for which config.json names one of these helpers, or a store.

    When a store keeps a login, docker leaves an empty entry for it in `auths`.
    """
    tables: dict[str, dict[str, object]] = {"credhelpers": {}, "auths": {}}
    for name, value in content.items() if isinstance(content, dict) else ():
        if name.lower() in tables and isinstance(value, dict):
            tables[name.lower()] |= value
    named = [
        host
        for host, helper in tables["credhelpers"].items()
        if isinstance(helper, str) and helper in helpers
    ]
    return named + [host for host, entry in tables["auths"].items() if entry == {}]
