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
from typing import Any, NamedTuple

from dockcred.api.many import resolve_logins
from dockcred.clients import entries, files, formats, helm
from dockcred.clients.containers import edit as containers_edit
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.reference import keys
from dockcred.commands.exec_ import carried
from dockcred.commands.exec_.carried import STORE, Others
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.system import private_directory, private_file
from dockcred.system.environment import Environment


class ExecOptions(NamedTuple):
    """What the command line asks for, as its options say it."""

    registries: tuple[str, ...]
    only: bool
    secret: bool
    secret_variable: bool
    home: bool


class Configuration:
    """The files of one private directory, and what they are made of."""

    def __init__(
        self, directory: str, wanted: ExecOptions, variables: Environment
    ) -> None:
        """Fetch the registries' credentials; raise DockcredError if one has none.

        The command would fail for the same reason, with a worse message.
        """
        for registry in wanted.registries:
            if "*" in registry:
                raise InvalidInputError(f"{registry!a} names no registry", "name each")
            keys(registry, ())
        self._directory = directory
        self._wanted = wanted
        self._variables = variables
        self._others = Others(wanted.registries, only=wanted.only)
        self._logins = resolve_logins(
            wanted.registries, environment=variables.set_values()
        )

    def write(self) -> dict[str, str]:
        """Write the files; return the environment variables that lead to them.

        Raises DockcredError for a full disk, and for a broken file of the person's.
        """
        return {
            **self._path(),
            **self._docker(),
            **self._helm(),
            **self._containers(),
            **self._variable(),
            **(self._home() if self._wanted.home else {}),
        }

    def _path(self) -> dict[str, str]:
        """Link our helper into PATH; no copy, since its directory may be noexec."""
        path = self._variables.get("PATH", os.defpath)
        directory = self._make("bin")
        target = carried.path(self._variables)
        ending = os.path.basename(target).removeprefix(files.program_of(target))
        private_directory.link(target, f"{directory}/{carried.PROGRAM}{ending}")
        return {"PATH": f"{directory}{os.pathsep}{path}"}

    def _docker(self) -> dict[str, str]:
        """Write config.json, and link the rest of the person's directory for docker.

        The rest has contexts, plugins, certificates and builders. New files that the
        command makes beside the links are removed when it ends.
        """
        path = os.path.abspath(docker_edit.path(self._variables))
        content = self._others.of_docker(path)
        if self._wanted.secret:
            self._show(content, "a client that calls no helper")
        if not self._wanted.secret or STORE in content:
            # With a store docker reads `auths` only if the store has no answer.
            self._ask(content, docker_edit.HUB)
        theirs, name = os.path.split(path)
        ours = self._make("docker")
        self._write(f"docker/{name}", json.dumps(content, indent="\t"))
        _link_all(theirs, ours, but=name)
        builders = self._variables.get("BUILDX_CONFIG", f"{theirs}/buildx")
        return {"DOCKER_CONFIG": ours, "BUILDX_CONFIG": builders}

    def _helm(self) -> dict[str, str]:
        content = self._others.of_helm(helm.path(self._variables))
        self._ask(content, helm.HUB)
        path = self._write("helm.json", json.dumps(content, indent="\t"))
        return {"HELM_REGISTRY_CONFIG": path}

    def _containers(self) -> dict[str, str]:
        content = self._others.of_containers(self._variables)
        self._ask(content, containers_edit.HUB)
        path = self._write("auth.json", json.dumps(content, indent="\t"))
        found = {"REGISTRY_AUTH_FILE": path}
        if text := carried.with_files_first(self._variables, only=self._wanted.only):
            path = self._write("registries.conf", text)
            found["CONTAINERS_REGISTRIES_CONF"] = path
            # podman 6 reads the file of this variable after the one above.
            last = "CONTAINERS_REGISTRIES_CONF_OVERRIDE"
            found |= {last: path} if self._variables.get(last) else {}
        return found

    def _variable(self) -> dict[str, str]:
        """Return DOCKER_AUTH_CONFIG for the command; docker reads it before files."""
        theirs = self._variables.get("DOCKER_AUTH_CONFIG")
        if not theirs and not self._wanted.secret_variable:
            return {}
        content = self._others.of_variable(theirs)
        if self._wanted.secret_variable:
            self._show(content, "DOCKER_AUTH_CONFIG")
        return {"DOCKER_AUTH_CONFIG": json.dumps(content)}

    def _home(self) -> dict[str, str]:
        home = self._make("home")
        _link_all(self._variables.home(), home, but=".docker")
        private_directory.link(f"{self._directory}/docker", f"{home}/.docker")
        return {"HOME": home}

    def _ask(self, content: dict[str, Any], hub: tuple[str, ...]) -> None:
        """Set our helper for the registries, under a client's keys for them."""
        named = [key for host in self._wanted.registries for key in keys(host, hub)]
        asked = dict.fromkeys(named, carried.SUFFIX)
        content["credHelpers"] = asked | content.get("credHelpers", {})

    def _show(self, content: dict[str, Any], reader: str) -> None:
        """Put the secrets first: some readers use any key that contains the host."""
        entries.refuse_tokens(self._logins, reader)
        rendered = json.loads(formats.render("docker-config", self._logins))
        content["auths"] = rendered["auths"] | content.get("auths", {})

    def _make(self, name: str) -> str:
        path = f"{self._directory}/{name}"
        os.mkdir(path)
        return path

    def _write(self, name: str, text: str) -> str:
        path = f"{self._directory}/{name}"
        try:
            private_file.replace(path, text.encode(), private_file.NEW_FILE)
        except OSError as error:
            raise DockcredError(
                f"{path} cannot be written: {error.strerror}", "make room there"
            ) from None
        return path


def _link_all(theirs: str, ours: str, but: str) -> None:
    """Link all that is in a directory, if it exists, except what begins with `but`."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        for name in os.listdir(theirs):
            if not name.startswith(but):
                private_directory.link(
                    os.path.join(theirs, name), os.path.join(ours, name)
                )
