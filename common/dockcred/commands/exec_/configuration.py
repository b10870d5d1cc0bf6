"""The files that a command finds in its private directory, and the variables to them.

bin/docker-credential-auto  our helper, before any other of that name
docker/                     DOCKER_CONFIG: config.json of ours, all else linked
helm.json                   HELM_REGISTRY_CONFIG
auth.json                   REGISTRY_AUTH_FILE: podman, skopeo, buildah
registries.conf             only where the person's own would not read auth.json
home/                       HOME, where it is asked for
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any, NamedTuple

from dockcred.commands.exec_ import registries
from dockcred.commands.exec_.carried import STORE, Others
from dockcred.environment import Environment
from dockcred.errors import InvalidInputError
from dockcred.lookup import helper
from dockcred.outputs import containers_auth, docker_config, helm_registry, replace
from dockcred.outputs.registry_keys import keys
from dockcred.rendering import entries, formats
from dockcred.rendering.login import Login
from dockcred.rendering.resolving import resolve_logins

_SUFFIX = "auto"


class Wanted(NamedTuple):
    """What the command line asks for, as its options say it."""

    registries: tuple[str, ...]
    only: bool
    secret: bool
    secret_variable: bool
    home: bool


def configure(directory: str, wanted: Wanted, variables: Environment) -> dict[str, str]:
    """Write the files; answer the variables that lead a command to them.

    Each registry is asked for its credential first, so that a command does not run
    into what is told better here. Raises DockcredError, and OSError for the disk.
    """
    for registry in wanted.registries:
        keys(registry, docker_config.HUB)
    logins = resolve_logins(wanted.registries, environment=variables.set_values())
    others = Others(wanted.registries, only=wanted.only)
    return {
        **_helper(directory, variables),
        **_docker(directory, wanted, variables, others, logins),
        **_helm(directory, wanted, variables, others),
        **_containers(directory, wanted, variables, others),
        **_variable(wanted, variables, others, logins),
        **(_home(directory, variables) if wanted.home else {}),
    }


def _helper(directory: str, variables: Environment) -> dict[str, str]:
    """Put the helper of this very installation on PATH, by a link.

    A program of its own in the directory could not run where that forbids it (noexec).
    """
    os.mkdir(f"{directory}/bin")
    os.symlink(_our_helper(variables), f"{directory}/bin/{helper.PREFIX}{_SUFFIX}")
    path = variables.get("PATH", os.defpath)
    return {"PATH": f"{directory}/bin{os.pathsep}{path}"}


def _our_helper(variables: Environment) -> str:
    program = helper.PREFIX + _SUFFIX
    beside = os.path.dirname(os.path.realpath(sys.argv[0]))
    places = (beside, os.path.dirname(sys.executable), variables.get("PATH"))
    found = helper.chosen(program, os.pathsep.join(places))
    if not found:
        raise InvalidInputError(f"{program} is nowhere", "run: dockcred install")
    return os.path.abspath(found)


def _docker(
    directory: str,
    wanted: Wanted,
    variables: Environment,
    others: Others,
    logins: list[Login],
) -> dict[str, str]:
    """Keep contexts, plugins, certificates and builders: all of the person's directory.

    What is not there yet, and is made by the command, ends with it.
    """
    theirs = os.path.abspath(docker_config.path(variables))
    content = others.of_docker(theirs)
    asked_by = _keys(wanted, docker_config.HUB)
    if wanted.secret:
        entries.refuse_tokens(logins, "a client that calls no helper")
        content["auths"] = _rendered(logins) | content.get("auths", {})
    if not wanted.secret or STORE in content:
        # Where there is a store, docker reads no `auths` but by a helper's leave.
        _ask(content, asked_by)
    ours = f"{directory}/docker"
    os.mkdir(ours)
    _write(f"{ours}/config.json", content)
    _link_all(os.path.dirname(theirs), ours, but=os.path.basename(theirs))
    builders = variables.get("BUILDX_CONFIG", f"{os.path.dirname(theirs)}/buildx")
    return {"DOCKER_CONFIG": ours, "BUILDX_CONFIG": builders}


def _helm(
    directory: str, wanted: Wanted, variables: Environment, others: Others
) -> dict[str, str]:
    content = others.of_docker(helm_registry.path(variables))
    _ask(content, _keys(wanted, helm_registry.HUB))
    return {"HELM_REGISTRY_CONFIG": _write(f"{directory}/helm.json", content)}


def _containers(
    directory: str, wanted: Wanted, variables: Environment, others: Others
) -> dict[str, str]:
    content = others.of_containers(variables)
    _ask(content, _keys(wanted, containers_auth.HUB))
    found = {"REGISTRY_AUTH_FILE": _write(f"{directory}/auth.json", content)}
    if text := registries.with_files_first(variables, only=wanted.only):
        found["CONTAINERS_REGISTRIES_CONF"] = f"{directory}/registries.conf"
        replace.write_private(f"{directory}/registries.conf", text.encode())
    return found


def _variable(
    wanted: Wanted, variables: Environment, others: Others, logins: list[Login]
) -> dict[str, str]:
    """Have DOCKER_AUTH_CONFIG, which docker reads first, not contradict the files."""
    theirs = variables.get("DOCKER_AUTH_CONFIG")
    if not theirs and not wanted.secret_variable:
        return {}
    content = others.of_variable(theirs)
    if wanted.secret_variable:
        entries.refuse_tokens(logins, "DOCKER_AUTH_CONFIG")
        content["auths"] = _rendered(logins) | content.get("auths", {})
    return {"DOCKER_AUTH_CONFIG": json.dumps(content)}


def _home(directory: str, variables: Environment) -> dict[str, str]:
    home = f"{directory}/home"
    os.mkdir(home)
    _link_all(variables.home(), home, but=".docker")
    os.symlink(f"{directory}/docker", f"{home}/.docker")
    return {"HOME": home}


def _keys(wanted: Wanted, hub: tuple[str, ...]) -> list[str]:
    return [key for registry in wanted.registries for key in keys(registry, hub)]


def _ask(content: dict[str, Any], hosts: list[str]) -> None:
    """Have the helper asked for these keys."""
    table = dict.fromkeys(hosts, _SUFFIX)
    content["credHelpers"] = table | content.get("credHelpers", {})


def _rendered(logins: list[Login]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(formats.render("docker-config", logins))["auths"]
    return found


def _write(path: str, content: dict[str, Any]) -> str:
    replace.write_private(path, json.dumps(content, indent="\t").encode())
    return path


def _link_all(theirs: str, ours: str, but: str) -> None:
    """Link what is in a directory, where there is one."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(theirs):
            if not name.startswith(but):
                os.symlink(os.path.join(theirs, name), os.path.join(ours, name))
