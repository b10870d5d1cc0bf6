"""The checks in the order in which a request meets them."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

from dockcred.doctor import (
    cache,
    client_files,
    containers_files,
    docker_key,
    entries,
    helper_answer,
    helpers_on_path,
    identity,
    registry_trial,
    traps,
)
from dockcred.doctor.case import Case
from dockcred.doctor.finding import Severity
from dockcred.lookup import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from dockcred.credential import Credential
    from dockcred.doctor.finding import Finding
    from dockcred.environment import Environment
    from dockcred.lookup.files import Found
    from dockcred.reference import Reference

DOCKER = "docker"
PODMAN = "podman"
CLIENTS = (DOCKER, PODMAN)


def examine(
    reference: Reference | None,
    environment: Environment,
    clients: Iterable[str] = (),
    tell: Callable[[str], object] = lambda _: None,
) -> Iterator[Finding]:
    """Follow a request for the registry by each client, or look without one.

    Without `clients` those are followed that are installed or configured; one that
    was not asked for by name can only cause warnings when docker too was followed.
    `tell` hears what is done next.
    """
    asked = tuple(clients)
    followed = asked or present(environment)
    case = Case(reference, environment) if reference else None
    for client in followed:
        tell(f"following {client}")
        checks = _docker if client == DOCKER else _podman
        for finding in checks(environment, case):
            yield replace(_softened(finding, client, asked, followed), client=client)
    if reference:
        tell("looking at identity and cache")
        case = Case(reference, environment)
        yield from identity.check(case)
        yield from cache.check(case)


def present(environment: Environment) -> tuple[str, ...]:
    """Name the clients to follow: docker, unless podman alone is installed."""
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


def _docker(environment: Environment, case: Case | None) -> Iterator[Finding]:
    file = yield from client_files.check_file(environment, case)
    yield from client_files.check_exposure(file)
    named = {str(name) for name in file.table("credHelpers").values() if name}
    if case:
        found = yield from docker_key.check(case, file)
        yield from _asked(case, [found] if found else [], DOCKER)
        yield from docker_key.check_others(named, found, case)
    else:
        yield from _helpers(environment, named | {file.text("credsStore")} - {""})
    yield from traps.check(environment, file)


def _podman(environment: Environment, case: Case | None) -> Iterator[Finding]:
    read = yield from containers_files.check_files(environment)
    if case:
        asked = yield from containers_files.check_keys(case, read)
        yield from _asked(case, asked, PODMAN)
        return
    named = {str(n) for f in read for n in f.table("credHelpers").values() if n}
    named |= set(containers.helpers(environment)) - {containers.AUTH_FILES}
    yield from _helpers(environment, named)


def _asked(case: Case, places: list[Found], client: str) -> Iterator[Finding]:
    """Ask place by place for the credential, then the registry whether it takes it."""
    credential, renew = None, ""
    for found in places:
        if found.helper:
            last = found is places[-1]
            credential = yield from _helper(case, found.helper, client, is_last=last)
        else:
            credential = entries.credential(found)
            renew = _renew(found, case, client)
        if credential:
            break
    if credential or not case.needs_credential:
        yield from registry_trial.check(case, credential, renew)


def _helper(
    case: Case, suffix: str, client: str, *, is_last: bool
) -> Generator[Finding, None, Credential | None]:
    reference = case.reference
    key = reference.docker_key if client == DOCKER else reference.containers_key
    home = case.environment.home()
    file = yield from helpers_on_path.check(suffix, case.path, home)
    if not file:
        return None
    credential = yield from helper_answer.check(case, file, key, is_last=is_last)
    yield from traps.service_path(file)
    return credential


def _renew(found: Found, case: Case, client: str) -> str:
    """Write the command for an entry that the registry refuses."""
    if client != DOCKER:
        return containers_files.logout(found, case)
    held = entries.credential(found)
    return entries.renew(found, case, DOCKER, held.username if held else "USER")


def _helpers(environment: Environment, suffixes: set[str]) -> Iterator[Finding]:
    path, home = environment.get("PATH", os.defpath), environment.home()
    for suffix in sorted(suffixes):
        yield from helpers_on_path.check(suffix, path, home)
