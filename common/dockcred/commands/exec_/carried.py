"""What a person's own files say, without the logins for some registries.

A file with a mistake is refused: carried along in part, it would lose logins silently.
"""

from __future__ import annotations

import json
import os

from dockcred.errors import InvalidInputError
from dockcred.lookup import containers, files
from dockcred.lookup.files import ClientFile
from dockcred.reference import HUB_NAMES, host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from dockcred.environment import Environment

LOGINS = ("credHelpers", "auths")
STORE = "credsStore"
_MISSING = {files.ABSENT, files.NOT_BELOW_A_DIRECTORY}


class Others:
    """All registries but these; none of them where `only` these are wanted."""

    def __init__(self, registries: Iterable[str], *, only: bool) -> None:
        hosts = {host_of(registry) for registry in registries}
        self._hidden = hosts | (HUB_NAMES if hosts & HUB_NAMES else set())
        self._only = only

    def of_docker(self, path: str) -> dict[str, Any]:
        """Answer config.json: for docker, and for helm."""
        return self._without(_read(path).content)

    def of_containers(self, variables: Environment) -> dict[str, Any]:
        """Answer one auth.json for all the files that podman and skopeo search.

        They take the first file that names a registry, or a namespace above; an empty
        entry, as docker leaves beside a store, names none.
        """
        found: dict[str, dict[str, Any]] = {name: {} for name in LOGINS}
        for path in containers.auth_paths(variables):
            file = _read(path)
            tables = {name: file.table(name) for name in LOGINS}
            if path.endswith("/.dockercfg"):
                tables["auths"] = file.content
            taken = {key for table in found.values() for key in table}
            for name, table in tables.items():
                found[name] |= {
                    key: value
                    for key, value in table.items()
                    if value and not _is_below(key, taken)
                }
        return self._without(found)

    def of_variable(self, text: str) -> dict[str, Any]:
        """Answer DOCKER_AUTH_CONFIG; what is malformed no client reads."""
        try:
            found = json.loads(text or "{}")
        except (ValueError, RecursionError):
            return {}
        return self._without(found) if _malformed(found) is None else {}

    def _without(self, content: Mapping[str, Any]) -> dict[str, Any]:
        kept = dict(content)
        if self._only:
            for name in (*LOGINS, STORE):
                kept.pop(name, None)
        for name in LOGINS:
            if (table := kept.pop(name, None)) is not None:
                kept[name] = {
                    key: value
                    for key, value in table.items()
                    if host_of(key) not in self._hidden
                }
        return kept


def _is_below(key: str, taken: set[str]) -> bool:
    """Tell whether a registry or namespace is one of these, or in one."""
    return any(f"{key}/".startswith(f"{name}/") for name in taken)


def _read(path: str) -> ClientFile:
    file = ClientFile(path)
    if file.state in _MISSING or _is_empty(path):
        return file
    problem = file.state if file.state != files.READ else _malformed(file.content)
    if problem is not None:
        where = f" at {file.detail}" if file.detail else ""
        raise InvalidInputError(
            f"{path} is {problem}{where}", "mend it: other registries' logins are in it"
        )
    return file


def _malformed(content: Any) -> str | None:
    """Say what is wrong with a client's JSON; null stands for nothing there."""
    if not isinstance(content, dict):
        return "not an object"
    for name in LOGINS:
        if not isinstance(content.get(name), dict | None):
            return f"wrong: its {name} is not an object"
    return None


def _is_empty(path: str) -> bool:
    """Tell whether a file is one that clients take for none."""
    return os.path.isfile(path) and not os.path.getsize(path)
