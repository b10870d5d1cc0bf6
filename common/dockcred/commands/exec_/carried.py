"""The parts of a person's configuration that a command run by `exec` gets."""

from __future__ import annotations

import os
import sys
from typing import TypeVar

from dockcred.clients import files, go_json, helm
from dockcred.clients.containers import read as containers_read
from dockcred.clients.docker import read as docker_read
from dockcred.clients.docker.read import DockerFile
from dockcred.clients.files import ClientFile
from dockcred.clients.reference import HUB_NAMES, host_of
from dockcred.errors import InvalidInputError
from dockcred.system import child_program
from dockcred.system.environment import Environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

SUFFIX = "auto"
PROGRAM = f"docker-credential-{SUFFIX}"


def path(variables: Environment) -> str:
    """Return the path of our helper; raise InvalidInputError if there is none.

    It is the one-file dockcred that runs, which is every program by its name. Else it
    stands beside the running program or beside our Python. PATH comes last: a helper
    there may be of another version.
    """
    for entry in sys.path:
        if os.path.isfile(entry) and os.access(entry, os.X_OK):
            return os.path.abspath(entry)
    beside = [os.path.dirname(sys.executable)]
    # A launcher passes a bare name as argv[0], which does not say where it is.
    if os.sep in sys.argv[0]:
        beside.insert(0, os.path.dirname(os.path.realpath(sys.argv[0])))
    places = os.pathsep.join((*beside, variables.get("PATH")))
    looked_in = variables.with_values({"PATH": places})
    found = child_program.find(PROGRAM, looked_in)
    if not found:
        if refused := child_program.refusal(PROGRAM, looked_in):
            raise InvalidInputError(*refused)
        raise InvalidInputError(
            f"{PROGRAM} is neither beside dockcred nor on PATH",
            "run: dockcred install",
        )
    return found


def with_files_first(variables: Environment, *, only: bool) -> str:
    """Return a registries.conf whose credential-helpers begin with the auth files.

    It is "" if the present files do that already. With `only` the other helpers are
    left out, since they would log in to other registries.
    """
    each = [containers_read.helpers(variables, v) for v in containers_read.VERSIONS]
    helpers = containers_read.all_helpers(variables)
    if all(names[0] == containers_read.AUTH_FILES for names in each) and not (
        only and len(helpers) > 1
    ):
        return ""
    import tomlkit  # noqa: PLC0415 - few need it

    joined = {
        name: value
        for name, value in _joined(variables).items()
        if name.lower() != "credential-helpers"
    }
    rest = [name for name in helpers if name != containers_read.AUTH_FILES and not only]
    joined["credential-helpers"] = [containers_read.AUTH_FILES, *rest]
    return tomlkit.dumps(joined)


def _joined(variables: Environment) -> dict[str, Any]:
    """Return all registries.conf files as one; of two equal keys the later one counts.

    Raises InvalidInputError for a registry or alias that podman refuses as well.
    """
    joined: dict[str, Any] = {}
    mirrored: dict[str, Any] = {}
    aliases: dict[str, Any] = {}
    contents = (
        content
        for version in containers_read.VERSIONS
        for content in containers_read.read_registries(variables, version)
    )
    for content in contents:
        try:
            for table in content.pop("registry", []):
                mirrored[table.get("prefix") or table.get("location", "")] = table
            aliases |= content.pop("aliases", {})
        except (AttributeError, TypeError):
            raise InvalidInputError(
                "registries.conf has a registry or an alias that is no table",
                "fix it; podman says where",
            ) from None
        joined |= content
    if mirrored:
        joined["registry"] = list(mirrored.values())
    if aliases:
        joined["aliases"] = aliases
    return joined


LOGINS = ("credHelpers", "auths")
STORE = "credsStore"
_MISSING = {files.ABSENT, files.NOT_BELOW_A_DIRECTORY}


class Others:
    """Reads clients' files, without the logins of these registries.

    With `only` the logins of all other registries are left out, too.
    """

    def __init__(self, registries: Iterable[str], *, only: bool) -> None:
        hosts = {host_of(registry) for registry in registries}
        self._hidden = hosts | (HUB_NAMES if hosts & HUB_NAMES else set())
        self._only = only

    def of_docker(self, path: str) -> dict[str, Any]:
        """Return config.json, as docker reads it."""
        file = _read(path, DockerFile(path))
        content = {**file.others, **file.content}
        if auths := file.table("auths"):
            # An entry that docker cannot decode must not become one that it can.
            content["auths"] = {name: file.states(name)[0] for name in auths}
        return self._without(content)

    def of_helm(self, path: str) -> dict[str, Any]:
        """Return helm's file; helm reads names only as they are written, unlike docker.

        Raises InvalidInputError for a broken file.
        """
        file = helm.OrasFile(path)
        if file.state not in _MISSING and (why := file.fault):
            raise InvalidInputError(
                f"{path} {why}", "fix it: other registries' logins are in it"
            )
        return self._without(file.whole)

    def of_containers(self, variables: Environment) -> dict[str, Any]:
        """Return one auth.json for all the files that podman and skopeo search.

        They take the first file that names a registry, or a namespace above; an empty
        entry, as docker leaves beside a store, names none.
        """
        found: dict[str, dict[str, Any]] = {name: {} for name in LOGINS}
        for file in containers_read.auth_files(variables):
            _read(file.path, file)
            tables = {name: file.table(name) for name in LOGINS}
            taken = {key for table in found.values() for key in table}
            for name, table in tables.items():
                found[name] |= {
                    key: value
                    for key, value in table.items()
                    if value and not _is_below(key, taken)
                }
        return self._without(found)

    def of_variable(self, text: str) -> dict[str, Any]:
        """Return the content of DOCKER_AUTH_CONFIG; empty if no client can read it.

        Fields that docker does not know are kept: Testcontainers reads some of them.
        """
        data = text.encode("utf-8", "surrogateescape")
        try:
            found = go_json.decode(data, docker_read.FIELDS, whole=False)
        except go_json.BrokenJSONError:
            return {}
        top = {place[0]: v for place, v in found.unknown.items() if not place[1:]}
        return {} if found.wrong else self._without({**top, **found.value})

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
    """Return whether a registry or namespace is one of these, or in one."""
    return any(f"{key}/".startswith(f"{name}/") for name in taken)


File = TypeVar("File", bound=ClientFile)


def _read(path: str, file: File) -> File:
    if file.state in _MISSING or _is_empty(path):
        return file
    problem = file.state if file.state != files.READ else _malformed(file.content)
    if isinstance(file, DockerFile) and problem is None:
        problem = _lost(file)
    if problem is not None:
        where = f" at {file.detail}" if file.detail else ""
        raise InvalidInputError(
            f"{file.path} is {problem}{where}",
            "fix it: other registries' logins are in it",
        )
    return file


def _malformed(content: Any) -> str | None:
    """Return what is wrong with a client's JSON; null stands for nothing there."""
    if not isinstance(content, dict):
        return "not an object"
    for name in LOGINS:
        if not isinstance(content.get(name), dict | None):
            return f"wrong: its {name} is not an object"
    return None


def _lost(file: DockerFile) -> str | None:
    """Return in words which table docker itself cannot read; None if it reads all."""
    lost = [place for place, _ in file.wrong if place in {(), *((n,) for n in LOGINS)}]
    if not lost:
        return None
    return f"wrong: its {lost[0][0]} is not an object" if lost[0] else "not an object"


def _is_empty(path: str) -> bool:
    """Return whether a file is empty, which clients take for a missing one."""
    return os.path.isfile(path) and not os.path.getsize(path)
