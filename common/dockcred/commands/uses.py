"""What each client here does for a registry: which helper or which login it uses."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING

from dockcred import wiring
from dockcred.clients import entries, files, helm, kubelet, nomad
from dockcred.clients.containers import read as containers_read
from dockcred.clients.docker import read as docker_read
from dockcred.commands.shape import BY_DEFAULT, ClientUse
from dockcred.errors import DockcredError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.clients.docker.read import DockerFile
    from dockcred.clients.files import Found
    from dockcred.clients.nomad import OtherBlock
    from dockcred.clients.reference import Reference
    from dockcred.system.environment import Environment


class ClientsHere:
    """The clients' files, read once; a file that is not there names nothing."""

    def __init__(self, variables: Environment) -> None:
        """Read docker's, podman's and helm's files; agents' are read when asked for."""
        self._variables = variables
        self.docker = docker_read.config_file(variables)
        self.podman = list(containers_read.auth_files(variables))
        self.helm = helm.OrasFile(helm.path(variables))

    def of_people(self, reference: Reference) -> Iterator[ClientUse]:
        """Yield what docker, podman and helm use for a registry: the first of each."""
        found = docker_read.look_up(self.docker, reference.docker_key)
        if found and docker_read.is_default(self.docker, found):
            found.key = BY_DEFAULT
        if found and (use := self._use("docker", found)):
            yield use
        yield from self._podman(reference)
        yield from self._helm(reference)

    def of_machine(self, reference: Reference) -> Iterator[ClientUse]:
        """Yield what kubelet and Nomad's agent use for a registry's images.

        They are found by their systemd units or processes. Files that are broken, or
        that this user cannot read, yield nothing.
        """
        try:
            yield from self._kubelet(reference)
            yield from self._nomad(reference)
        except (DockcredError, OSError):
            return

    def by_default(self) -> list[ClientUse]:
        """Return the helper that docker asks for registries that no file names."""
        store = self.docker.text("credsStore")
        where = "docker", self.docker.path, "credsStore", store
        return [self._helper(*where)] if store else []

    def _podman(self, reference: Reference) -> Iterator[ClientUse]:
        for name in containers_read.all_helpers(self._variables):
            if name != containers_read.AUTH_FILES:
                where = "registries.conf", "credential-helpers", name
                yield self._helper("podman", *where)
                return
            for file in self.podman:
                found = containers_read.look_up(file, reference)
                if found and (use := self._use("podman", found)):
                    yield use
                    return

    def _helm(self, reference: Reference) -> Iterator[ClientUse]:
        """Yield what helm uses, if it is installed or has logins of its own."""
        path = self._variables.get("PATH")
        if not (
            files.chosen(helm.HELM, path) or os.path.exists(helm.path(self._variables))
        ):
            return
        try:
            for found in helm.look_up(helm.HELM, reference, self._variables):
                if use := self._use(helm.HELM, found):
                    yield use
                    return
        except DockcredError:
            return  # helm stops there, and `doctor --client helm` says why

    @cached_property
    def _of_kubelet(self) -> tuple[dict[str, bytes], str]:
        """Return kubelet's files by name, and its plugins' folder.

        If one of the files has a problem, none is returned.
        """
        from dockcred.commands.doctor import service  # noqa: PLC0415 - loads doctor

        path, directory = service.kubelet_places(service.agent("kubelet"))
        contents = kubelet.read(path) if path else {}
        # With a problem kubelet does not start.
        return ({} if any(kubelet.problems(contents)) else contents), directory

    def _kubelet(self, reference: Reference) -> Iterator[ClientUse]:
        """Yield the first plugin that kubelet asks for a registry's images."""
        contents, directory = self._of_kubelet
        image = kubelet.image_of(reference)
        for file, provider, pattern in kubelet.asked(contents, image)[:1]:
            name = provider["name"]
            runs = os.access(os.path.join(directory, name), os.X_OK)
            is_ours = name == kubelet.PROVIDER
            key = f"matchImages {pattern}"
            yield ClientUse(
                "kubelet", file, key, name, is_ours=is_ours, is_installed=runs
            )

    @cached_property
    def _of_nomad(self) -> tuple[OtherBlock | None, DockerFile | None, str]:
        """Return the block of Nomad's agent, the file that it names, and its PATH."""
        from dockcred.commands.doctor import service  # noqa: PLC0415 - as above

        unit = service.agent("nomad")
        block = nomad.block_in_force(service.nomad_directory(unit))
        names_one = block is not None and block.config
        file = docker_read.DockerFile(names_one) if names_one else None
        return block, file, unit.environment().get("PATH") if unit else ""

    def _nomad(self, reference: Reference) -> Iterator[ClientUse]:
        block, file, path = self._of_nomad
        if block is None:
            return
        if file is not None:
            found = docker_read.look_up(file, reference.docker_key)
            if found and (use := self._use("nomad", found, path)):
                yield use
                return
        if block.helper:
            yield self._helper("nomad", block.path, nomad.FOR_ALL, block.helper, path)

    def _use(self, client: str, found: Found, path: str = "") -> ClientUse | None:
        """Return what a client uses; None for a stub, an entry without a login."""
        if found.helper:
            return self._helper(client, found.path, found.key, found.helper, path)
        login = entries.held(found.entry or {})
        if login is None:
            return None
        return ClientUse(client, found.path, found.key, user=login.username)

    def _helper(
        self, client: str, file: str, key: str, suffix: str, path: str = ""
    ) -> ClientUse:
        """Return the use of a helper, searched on `path`, else on this user's PATH."""
        program = files.PREFIX + suffix
        runs = files.chosen(program, path or self._variables.get("PATH"))
        is_ours = program in wiring.PROGRAMS
        if runs and not is_ours:
            from dockcred.protocol.launcher import render  # noqa: PLC0415 - an alias only

            is_ours = bool(render.written_for(runs))
        return ClientUse(
            client, file, key, program, is_ours=is_ours, is_installed=bool(runs)
        )
