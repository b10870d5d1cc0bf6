"""What is on this machine: clients, helpers, logins, profiles, WSL.

No request is sent. No part of it holds a secret: a login is a user and a key.
"""

from __future__ import annotations

import json
import os
import shutil
from functools import cached_property
from typing import TYPE_CHECKING

from dockcred import wiring
from dockcred.clients import files, helm
from dockcred.clients.containers import edit as containers_edit
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import past
from dockcred.clients.reference import HUB, Reference
from dockcred.commands.doctor import containers_files
from dockcred.commands.import_ import keeps_another
from dockcred.commands.known import Survey
from dockcred.commands.setup import clouds, logins
from dockcred.errors import DockcredError
from dockcred.identity.config.settings import overlay
from dockcred.stores.external import PREFIX as OTHERS_HELPER
from dockcred.stores.problems import KeychainAbsentError, KeychainError
from dockcred.system import child_program, wsl

if TYPE_CHECKING:
    from dockcred.commands.setup.logins import Clear
    from dockcred.system.environment import Environment

_MOST_IMAGES = 500
_ENGINE_S = 2.0


class Surroundings:
    """The machine of one user, read once."""

    def __init__(self, variables: Environment) -> None:
        """Read the clients' files; raise KeychainError if a client rejects its own."""
        self.variables = variables
        self.known = Survey(variables)
        if self.known.problems:
            raise self.known.problems[0]
        self.path = variables.get("PATH", os.defpath)
        helms = helm.path(variables)
        self.paths = {"docker": docker_edit.path_to_edit(variables), helm.HELM: helms}
        self.clients = self._clients()
        self.logins = list(logins.readable(variables, self.clients))
        self._rivals: dict[Clear, str] = {}

    def _clients(self) -> tuple[str, ...]:
        """Return the clients that are here, among docker, podman and helm.

        Without any it is docker, since other clients read its file too.
        """
        found = []
        dockers = self.paths["docker"]
        if shutil.which("docker", path=self.path) or os.path.exists(dockers):
            found.append("docker")
        if containers_files.programs(self.path) or os.path.exists(
            containers_edit.path(self.variables)
        ):
            found.append("podman")
        # Without a file of its own, helm reads docker's.
        if os.path.exists(self.paths[helm.HELM]):
            found.append(helm.HELM)
        return tuple(found) or ("docker",)

    def hidden_in(self, path: str, helper: str) -> list[str]:
        """Return the keys of logins that are unread once the file asks a helper."""
        text = (past.read(path) or b"").decode()
        return docker_edit.ignored_logins(text, docker_edit.use_as_default(helper))[0]

    def is_moved(self, login: Clear) -> bool:
        """Return whether a login moves into the keychain (one for each registry)."""
        return not (self.keychain_problem or login.is_passing or self.rival(login))

    def rival(self, login: Clear) -> str:
        """Return where another login for its registry takes precedence, or ""."""
        if login not in self._rivals:
            found = logins.rival(login, self.logins)
            is_first = login.origin.path == os.path.realpath(self.paths["docker"])
            if not (found or is_first or self.keychain_problem):
                found = self.store if keeps_another(login.origin, login.key) else ""
            self._rivals[login] = found
        return self._rivals[login]

    @cached_property
    def foreign_store(self) -> str:
        """Return the store that docker asks now, if its helper is not ours.

        It is named as in config.toml. It is "" without such a store, or if its program
        is missing or cannot start.
        """
        named = self.known.clients.docker.text("credsStore")
        if not named and not self.known.place():
            named = self._of_windows
        program = files.PREFIX + named
        if not named or program in wiring.PROGRAMS:
            return ""
        if not files.chosen(program, self.path) or not self._starts(named):
            return ""
        return named if named in wiring.STORES else f"{OTHERS_HELPER}{named}"

    @property
    def _of_windows(self) -> str:
        """Return the Windows helper that keeps logins for WSL; "" outside WSL."""
        if not self.windows:
            return ""
        names = ("keyring.exe", "wincred.exe", "desktop.exe")
        there = (n for n in names if files.chosen(files.PREFIX + n, self.path))
        return next(there, "")

    def _starts(self, helper: str) -> bool:
        """Return whether a helper can start; a Windows program needs WSL's interop."""
        if not wsl.is_windows_program(helper):
            return True
        return bool(self.windows and not self.windows.off)

    @cached_property
    def windows(self) -> wsl.Subsystem | None:
        """Return the WSL distribution that we run in; None outside WSL."""
        return wsl.find(self.variables)

    @cached_property
    def store(self) -> str:
        """Return the store that will keep logins; "" if there is none."""
        configured = overlay(self.known.defaults)
        if named := self.variables.get("DOCKCRED_STORE") or configured.get(
            "DOCKCRED_STORE", ""
        ):
            return named
        return self.foreign_store or self.known.place()

    @cached_property
    def kept(self) -> dict[str, str]:
        """Return the users of the keychain's logins, by their keys.

        Raises DockcredError if there is no keychain, or it cannot be read.
        """
        if not self.store:
            raise KeychainAbsentError("nothing here keeps credentials")
        if self.store.startswith(OTHERS_HELPER):
            raise KeychainError(f"{self.store} keeps its own logins")
        wanted = self.variables.with_values({"DOCKCRED_STORE": self.store})
        return wiring.keychain_store(self.store, wanted).list()

    @property
    def keychain_problem(self) -> DockcredError | None:
        """Return why no login can be moved into the keychain; None if logins can."""
        try:
            self.kept  # noqa: B018 - read once, and cached
        except DockcredError as error:
            return error
        return None

    @cached_property
    def images(self) -> tuple[str, ...]:
        """Return the repositories of the images in the local engines."""
        found = [*self._of_docker(), *self._of_podman()]
        named = []
        for name in dict.fromkeys(found):
            try:
                reference = Reference(name)
            except DockcredError:
                continue
            if reference.server.host != "localhost":
                named.append(reference.name)
        return tuple(named[:_MOST_IMAGES])

    def _of_docker(self) -> list[str]:
        """Return docker's images through its local socket, never a remote engine's."""
        named = self.variables.get("DOCKER_HOST")
        runtime = self.variables.get("XDG_RUNTIME_DIR")
        sockets = [named.removeprefix("unix://")] if named else ["/var/run/docker.sock"]
        if runtime and not named:
            sockets.insert(0, f"{runtime}/docker.sock")
        there = [path for path in sockets if path.startswith("/")]
        there = [path for path in there if os.access(path, os.W_OK)]
        program = child_program.find("docker", self.variables)
        if not program or not there:
            return []
        command = [program, "--host", f"unix://{there[0]}"]
        command += ["image", "ls", "--format", "{{.Repository}}"]
        try:
            done = child_program.run(
                command, self.variables, kind="refresh-command", timeout_s=_ENGINE_S
            )
        except DockcredError:
            return []
        lines = done.output.split() if done.status == 0 else []
        return [line for line in lines if line != "<none>"]

    def _of_podman(self) -> list[str]:
        """Return the names in podman's image lists; podman itself is too slow.

        Podman takes a second to start.
        """
        base = self.variables.path("XDG_DATA_HOME", ".local/share")
        places = [f"{top}/containers/storage" for top in (base, "/var/lib")]
        drivers = "overlay", "vfs", "btrfs"
        found: list[str] = []
        for path in [f"{p}/{d}-images/images.json" for p in places for d in drivers]:
            try:
                with open(path, "rb") as file:
                    images = json.load(file)
                for image in images:
                    found += map(str, image.get("names") or ())
            except (OSError, ValueError, TypeError, AttributeError, RecursionError):
                continue
        return found

    @cached_property
    def aws_accounts(self) -> list[clouds.AwsAccount]:
        """Return the AWS accounts that this user's profiles belong to."""
        return clouds.aws_accounts(self.variables)

    def named(self, asked: tuple[str, ...]) -> list[str]:
        """Return the named registries: first those asked for, then those found."""
        found = [Reference(name).name for name in asked]
        found += [login.name for login in self.logins]
        found += self.images
        found += self.known.hosts(with_keychain=self.keychain_problem is None)
        return list(dict.fromkeys(name.partition("/")[0] for name in found))

    def unnamed(self, named: list[str]) -> list[str]:
        """Return the further registries that identities on this machine own."""
        found = clouds.own_registries(self.variables, named, self.aws_accounts)
        return [name for name in dict.fromkeys(found) if name not in named]

    def image_of(self, registry: str) -> str:
        """Return an image of the registry that an engine has, or else the registry."""
        of_it = (name for name in self.images if name.partition("/")[0] == registry)
        return next(of_it, registry)

    def here(self) -> list[str]:
        """Return what was found, one sentence each."""
        found = [f"clients: {', '.join(self.clients)}"]
        if self.windows:
            off = self.windows.off
            state = f"do not run here: {'; '.join(off)}" if off else "run here"
            found.append(f"WSL: programs of Windows {state}")
        found += [
            f"docker asks {use.helper} for all ({use.file})"
            for use in self.known.clients.by_default()
        ]
        table = self.known.clients.docker.table("credHelpers")
        for name in sorted({str(helper) for helper in table.values() if helper}):
            count = sum(helper == name for helper in table.values())
            what = "registry" if count == 1 else "registries"
            found.append(f"docker asks {files.PREFIX}{name} for {count} {what}")
        by_file: dict[str, list[str]] = {}
        for login in self.logins:
            by_file.setdefault(login.origin.path, []).append(login.name)
        for path, names in by_file.items():
            found.append(f"readable logins in {path}: {', '.join(names)}")
        if hosts := {name.partition("/")[0] for name in self.images} - {HUB}:
            found.append(f"images of {', '.join(sorted(hosts))}")
        if helm.HELM in self.clients:
            found.append(f"helm reads {self.paths[helm.HELM]} first")
        return found + clouds.here(self.variables)
