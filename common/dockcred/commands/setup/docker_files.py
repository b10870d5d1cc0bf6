"""Plan the changes to docker's config.json, and to helm's own file of the same form."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dockcred.clients import files, helm
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.reference import Reference
from dockcred.commands import install
from dockcred.commands.setup.served import HELPER, KEEPER
from dockcred.commands.setup.steps import FileEdit
from dockcred.wiring import PROGRAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from dockcred.clients.edit import WantedValue
    from dockcred.clients.files import ClientFile
    from dockcred.commands.setup.survey import Surroundings

_WHY = {
    "docker": "docker, compose, buildx, helm, oras and crane ask our helper",
    helm.HELM: "helm asks our helper here, before it reads docker's file",
}


class DockerForm:
    """One file in the form of docker's config.json.

    staying  registries whose logins stay readable in the file, and must remain in use
    """

    def __init__(self, machine: Surroundings, client: str) -> None:
        """Read the file of `docker` or `helm`."""
        self._machine = machine
        self._client = client
        self.path = machine.paths[client]
        known = machine.known.clients
        self._file: ClientFile = known.helm if client == helm.HELM else known.docker
        self.staying = [
            login.name
            for login in machine.logins
            if login.origin.path == os.path.realpath(self.path)
            and not machine.is_moved(login)
            and not login.is_passing
        ]

    @property
    def is_another_s(self) -> str:
        """Return a helper that is not ours, asked by this file and not docker's."""
        named = self._file.text("credsStore")
        if named == self._machine.known.clients.docker.text("credsStore"):
            return ""
        program = files.PREFIX + named
        runs = named and files.chosen(program, self._machine.path)
        return program if runs and not install.is_ours(runs, program) else ""

    def dead_helpers(self, profiles: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield the keys of `credHelpers` whose program cannot answer, and the reason.

        The program is missing. Or it is not ours, and does not read the AWS profile
        that we write for the account.
        """
        for key, name in self._file.table("credHelpers").items():
            program = f"{files.PREFIX}{name}"
            runs = files.chosen(program, self._machine.path)
            if not name or (not runs and program in PROGRAMS):
                continue
            if runs and (
                key.partition(".")[0] not in profiles or install.is_ours(runs, program)
            ):
                continue
            why = "knows no config.toml" if runs else "is not there any more"
            yield key, f"{runs or program} {why}: {key} asks {HELPER}"

    @property
    def asks_for_all(self) -> bool:
        """Return whether we may become the helper for all registries.

        A keychain must be there, so that new logins are kept. No login may stay in the
        file: the client would no longer read it.
        """
        return bool(self._machine.store) and not self.staying

    def step(self, hosts: Sequence[str], typed: Collection[str]) -> FileEdit | None:
        """Return the change to the file; None if nothing needs to change.

        `hosts` are the keys that ask us by name. `typed` are registries whose typed
        login is used before an identity.
        """
        for_all = self.asks_for_all
        if not for_all and not hosts:
            return None
        kept = [self._key(name) for name in typed] if for_all else []

        def wanted(text: str) -> list[WantedValue]:
            found = docker_edit.use_helper_for(text, hosts, HELPER) if hosts else []
            if kept:
                found += docker_edit.use_helper_for(text, kept, KEEPER)
            return found + (docker_edit.use_as_default(HELPER) if for_all else [])

        what = f'credsStore = "{HELPER}"' if for_all else f"credHelpers: {HELPER}"
        if kept:
            what += f", {KEEPER} for {', '.join(kept)}"
        why = _WHY[self._client]
        if hosts and not for_all:
            why += f" for {', '.join(hosts)}; its logins go on being read"
        made = FileEdit(self.path, "json", wanted, what, why)
        return made if made.is_needed else None

    @property
    def _key(self) -> Callable[[str], str]:
        """Return a function from a registry to the client's key for it."""
        if self._client == helm.HELM:
            return lambda name: helm.key_of(Reference(name))
        return lambda name: Reference(name).docker_key
