"""What we know of the programs that ask: their files, read, edited, rendered, checked.

Who answers them is not known here. What a `list` must know of docker's file stands in
this module: any other would take several times as long as all the rest of a `list`.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from dockcred.system.environment import Environment

_MOST_BYTES = 1024 * 1024


def docker_directory(environment: Environment) -> str:
    """Return the directory that docker reads; nothing where there is no home."""
    if named := environment.get("DOCKER_CONFIG"):
        return named
    home = environment.home()
    return os.path.join(home, ".docker") if home else ""


def plain_docker_content(environment: Environment) -> object:
    """Return docker's config.json where it is plain JSON, without the whole reader.

    Raises ValueError where only docker.read can tell.
    """
    from dockcred.transport import json_reader  # noqa: PLC0415 - for `list`

    path = os.path.join(docker_directory(environment), "config.json")
    if not os.path.isfile(path):
        return {}  # nor is a pipe waited for
    try:
        with open(path, "rb") as file:
            return json_reader.plain(file.read(_MOST_BYTES))
    except OSError:
        return {}


def hosts_left_to(helpers: Collection[str], content: object) -> list[str]:
    """Return the hosts that config.json leaves to one of these helpers, or to a store.

    Below `auths` an empty entry is what a login leaves there that a store has taken.
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
