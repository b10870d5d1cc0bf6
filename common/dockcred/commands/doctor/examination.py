"""The checks in the order in which a request meets them, and the known traps."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

from dockcred.clients import helm
from dockcred.clients.containers import read as containers_read
from dockcred.clients.docker import crane
from dockcred.clients.docker import read as docker_read
from dockcred.clients.findings import Severity, command, error, note, warning
from dockcred.clients.reference import HUB, Reference
from dockcred.commands.doctor import (
    client_files,
    containers_files,
    entries,
    helpers,
    registry,
)
from dockcred.commands.doctor.case import (
    DEFAULT_PATH,
    Case,
    check_cache,
    check_identity,
)
from dockcred.commands.doctor.entries import home_behind_sudo
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from dockcred.clients.docker.read import DockerFile
    from dockcred.clients.files import Found, HelperAnswer
    from dockcred.clients.findings import Finding
    from dockcred.credential import Credential
    from dockcred.system.environment import Environment

STEP = "machine"
_SNAP = "/snap/"


def check(environment: Environment, file: DockerFile) -> Iterator[Finding]:
    """Check home, sudo, snap and Docker Desktop."""
    home = environment.home()
    if not environment.get("HOME"):
        known = (
            f"the password database says {home}" if home else "nor has this user one"
        )
        yield warning(
            STEP,
            f"HOME is not set, as in many agents; {known}",
            fix=f"export {command('HOME=' + home)}" if home else "",
            remedy="" if home else "set HOME or DOCKER_CONFIG for the agent",
        )
    yield from _sudo(environment)
    yield from _snap(environment)
    if file.store.startswith("desktop"):
        yield note(STEP, "Docker Desktop's store answers for what has no helper")


def _sudo(environment: Environment) -> Iterator[Finding]:
    theirs = home_behind_sudo(environment)
    if not theirs or theirs == environment.home() or os.geteuid() != 0:
        return
    yield note(
        STEP,
        f"under sudo docker reads {docker_read.directory(environment)},"
        f" not {theirs}/.docker",
    )


def _snap(environment: Environment) -> Iterator[Finding]:
    found = shutil.which("docker", path=environment.get("PATH"))
    if not found or _SNAP not in f"{found} {os.path.realpath(found)}":
        return
    yield warning(
        STEP,
        f"{found} is snap's docker: it sees neither this PATH nor {environment.home()}"
        "/.docker",
        remedy="install docker from your distribution or from docker.com",
    )


def service_path(file: str) -> Iterator[Finding]:
    """Return a finding for a helper that services and desktops do not find."""
    directory = os.path.dirname(file)
    if directory in DEFAULT_PATH.split(":"):
        return
    yield note(
        STEP,
        f"{directory} is not on the PATH of services (Nomad, kubelet, cron) or of a"
        " desktop",
        "for them run: sudo dockcred install --dir /usr/local/bin",
    )


DOCKER = "docker"
PODMAN = "podman"
CRANE = "crane"
CLIENTS = (DOCKER, PODMAN, CRANE, helm.ORAS, helm.HELM)


def examine(
    reference: Reference | None,
    environment: Environment,
    clients: Iterable[str] = (),
    tell: Callable[[str], object] = lambda _: None,
) -> Iterator[Finding]:
    """Return findings of a request by each client, or of what is there without one.

    Without `clients` those are followed that are installed or configured; one that
    was not asked for by name can only cause warnings when docker too was followed.
    `tell` hears what is done next.
    """
    asked = tuple(clients)
    followed = asked or present(environment)
    case = Case(reference, environment) if reference else None
    for client in followed:
        tell(f"following {client}")
        for finding in _followed(client, environment, case):
            yield replace(_softened(finding, client, asked, followed), client=client)
    if reference:
        tell("looking at identity and cache")
        case = Case(reference, environment)
        yield from check_identity(case)
        yield from check_cache(case)


def present(environment: Environment) -> tuple[str, ...]:
    """Return the clients to follow: docker, unless podman alone is installed."""
    path = environment.get("PATH", os.defpath)
    podman = containers_files.programs(path)
    docker = shutil.which("docker", path=path)
    if podman and not docker:
        return (PODMAN,)
    return (DOCKER, PODMAN) if podman else (DOCKER,)


def _softened(
    finding: Finding, client: str, asked: tuple[str, ...], followed: tuple[str, ...]
) -> Finding:
    if client != DOCKER and not asked and DOCKER in followed:
        return replace(finding, severity=min(finding.severity, Severity.WARNING))
    return finding


def _followed(
    client: str, environment: Environment, case: Case | None
) -> Iterator[Finding]:
    if client == DOCKER:
        return _docker(environment, case)
    if client == PODMAN:
        return _podman(environment, case)
    return _library(client, case or Case(Reference(HUB), environment), case)


def _library(client: str, files_of: Case, case: Case | None) -> Iterator[Finding]:
    """Follow a client that reads docker's file by a library of its own.

    Without a registry its files are looked at alone, as for any.
    """
    name, known = files_of.reference, files_of.environment
    look_up = crane.look_up(name, known)
    if client != CRANE:
        look_up = helm.look_up(client, name, known)
    places: list[Found] = []
    try:
        for found in look_up:
            places.append(found)
            if case:
                yield from entries.check_place(found, case, client)
    except InvalidInputError as stopped:
        yield error(client_files.FILE, stopped.cause, stopped.remedy)
        return
    if case:
        if not places:
            yield _nothing(case, client)
        yield from _asked(case, places, client)


def _nothing(case: Case, client: str) -> Finding:
    text = f"{client} asks {case.reference.name} anonymously: no file has a key for it"
    of = client if client == helm.HELM else DOCKER
    if not (fix := client_files.configure(case, of)) or not case.needs_credential:
        return note(client_files.KEY, text)
    return error(client_files.KEY, text, fix=fix)


def _docker(environment: Environment, case: Case | None) -> Iterator[Finding]:
    file = yield from client_files.check_file(environment, case)
    yield from entries.check_exposure(file)
    yield from entries.check_hidden(file, case, DOCKER)
    named = {str(name) for name in file.table("credHelpers").values() if name}
    if case:
        found = yield from client_files.check(case, file)
        yield from _asked(case, [found] if found else [], DOCKER)
        yield from client_files.check_others(named, found, case)
    else:
        yield from _helpers(environment, named | {file.store} - {""})
    yield from check(environment, file)


def _podman(environment: Environment, case: Case | None) -> Iterator[Finding]:
    read = yield from containers_files.check_files(environment)
    yield from containers_files.check_hidden(environment, read, case)
    if case:
        asked = yield from containers_files.check_keys(case, read)
        yield from _asked(case, asked, PODMAN)
        return
    named = {str(n) for f in read for n in f.table("credHelpers").values() if n}
    named |= set(containers_read.all_helpers(environment)) - {
        containers_read.AUTH_FILES
    }
    yield from _helpers(environment, named)


def _asked(case: Case, places: list[Found], client: str) -> Iterator[Finding]:
    """Check each place for the credential, then whether the registry accepts it."""
    credential, renew, why, answer = None, "", None, None
    for found in places:
        if found.helper:
            last = found is places[-1]
            answer = yield from _helper(case, found, client, is_last=last)
            credential = answer.credential if answer else None
            why = answer.why if answer else None
            if found.entry and _has_failed(answer):
                credential = entries.credential(found)
                yield from _sent_instead(found, credential)
        else:
            credential = entries.credential(found)
            renew = _renew(found, case, client)
        if credential or (found.helper and client in _STOPPING and _has_failed(answer)):
            break
    if not credential and any(case.slip):
        yield error("name", *case.slip)
    elif credential or not case.needs_credential:
        yield from registry.check(case, credential, renew, why)


_STOPPING = frozenset(CLIENTS) - {DOCKER, PODMAN}
"""Whom a helper that fails stops, whatever comes behind it."""


def _has_failed(answer: HelperAnswer | None) -> bool:
    return answer is None or bool(answer.problem)


def _helper(
    case: Case, found: Found, client: str, *, is_last: bool
) -> Generator[Finding, None, HelperAnswer | None]:
    reference = case.reference
    key = reference.docker_key if client == DOCKER else reference.containers_key
    key = found.asks or key
    home = case.environment.home()
    file = yield from helpers.check(found.helper, case.path, home)
    if not file:
        return None
    answer = yield from helpers.check_answer(case, file, key, is_last=is_last)
    yield from service_path(file)
    return answer


def _sent_instead(found: Found, credential: Credential | None) -> Iterator[Finding]:
    """Return whom `docker pull` is where the helper fails; login and buildx stop."""
    if credential:
        yield note(
            entries.STEP,
            f"docker pull sends the entry of {found.path} while the helper fails: the"
            f" user {credential.username}",
        )


def _renew(found: Found, case: Case, client: str) -> str:
    """Write the command for an entry that the registry refuses."""
    if client == PODMAN:
        return containers_files.logout(found, case)
    held = entries.credential(found)
    return entries.renew(found, case, client, held.username if held else "USER")


def _helpers(environment: Environment, suffixes: set[str]) -> Iterator[Finding]:
    path, home = environment.get("PATH", os.defpath), environment.home()
    for suffix in sorted(suffixes):
        yield from helpers.check(suffix, path, home)
