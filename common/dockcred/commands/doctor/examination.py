"""The checks in the order in which a client's request meets them."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import partial

from dockcred.clients import files, helm
from dockcred.clients.containers import read as containers_read
from dockcred.clients.docker import crane
from dockcred.clients.docker import read as docker_read
from dockcred.clients.findings import Severity, error, note
from dockcred.clients.reference import HUB, Reference
from dockcred.commands.doctor import (
    agents,
    client_files,
    containers_files,
    entries,
    helpers,
    machine,
    owners,
    registry,
    remedies,
)
from dockcred.commands.doctor.case import Case, check_identity
from dockcred.commands.doctor.verdict import (
    Examination,
    FollowedRequest,
    Sent,
    collected,
    whose,
)
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from dockcred.clients.files import ClientFile, Found, HelperAnswer
    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.service import SystemdUnit
    from dockcred.commands.doctor.verdict import Following
    from dockcred.credential import Credential
    from dockcred.system.environment import Environment

DOCKER = "docker"
PODMAN = "podman"
CRANE = "crane"
CLIENTS = (DOCKER, PODMAN, CRANE, helm.ORAS, helm.HELM, *agents.AGENTS)


def examine(
    reference: Reference | None,
    environment: Environment,
    clients: Iterable[str] = (),
    tell: Callable[[str], object] = lambda _: None,
    service: SystemdUnit | None = None,
) -> Examination:
    """Follow a request by each client; without a registry, look at the clients' files.

    Without `clients` those of `present` are followed. One of them beside docker does
    not count if it has nothing for the registry. `tell` is called with what is done
    next. `service` is the systemd unit that asks.
    """
    asked = tuple(clients)
    followed = asked or present(environment)
    case = Case(reference, environment, service) if reference else None
    requests = []
    for client in followed:
        tell(f"following {client}")
        by_name = client == DOCKER or bool(asked) or DOCKER not in followed
        requests.append(_request(client, environment, case, by_name=by_name))
    about: list[Finding] = []
    must_be_known = environment.get("DOCKCRED_ANONYMOUS").lower() == "false"
    if reference:
        tell("looking at identity and cache")
        case = Case(reference, environment)  # again: a helper may have made a cache
        about = owners.offered(
            [*check_identity(case), *machine.check_cache(case)], case
        )
        about += owners.check(case, [f for each in requests for f in each.findings])
        about = [remedies.fitted(each, environment) for each in about]
        must_be_known = case.must_be_known
    return Examination(reference, requests, about, must_be_known=must_be_known)


def _request(
    client: str, environment: Environment, case: Case | None, *, by_name: bool
) -> FollowedRequest:
    """Follow one client; errors of one that does not count become warnings."""
    found: list[Finding] = []
    sent = collected(_followed(client, environment, case), found)
    if case and not sent.who and case.needs_credential and not _has_failed(found):
        text = f"{case.reference.authority} answers nobody, and {client} has no login"
        fix = client_files.configure(case, client)
        found.append(error(registry.STEP, text, fix=fix))
    found = owners.offered(found, case)
    counts = by_name or sent.is_configured or _stops_at_a_file(found)
    most = Severity.ERROR if counts else Severity.WARNING
    findings = [
        replace(each, client=client, severity=min(each.severity, most))
        for each in (remedies.fitted(each, environment) for each in found)
    ]
    return FollowedRequest(client, findings, sent, counts=counts)


def _has_failed(found: list[Finding]) -> bool:
    return any(each.severity is Severity.ERROR for each in found)


def _stops_at_a_file(found: list[Finding]) -> bool:
    return _has_failed([each for each in found if each.step == client_files.FILE])


def present(environment: Environment) -> tuple[str, ...]:
    """Return the clients to follow: docker, unless podman alone is installed."""
    path = environment.get("PATH", os.defpath)
    podman = containers_files.programs(path)
    docker = shutil.which("docker", path=path)
    if podman and not docker:
        return (PODMAN,)
    return (DOCKER, PODMAN) if podman else (DOCKER,)


def _followed(client: str, environment: Environment, case: Case | None) -> Following:
    if client == DOCKER:
        return _docker(environment, case)
    if client == PODMAN:
        return _podman(environment, case)
    if client == agents.KUBELET and case:
        return agents.follow_kubelet(case)
    if client == agents.NOMAD and case:
        return agents.follow_nomad(case, _asked)
    return _library(client, case or Case(Reference(HUB), environment), case)


def _library(client: str, files_of: Case, case: Case | None) -> Following:
    """Follow a client that reads docker's file by a library of its own.

    Without a registry (`case` is None) only its files are looked at.
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
        return Sent()
    if case is None:
        file: ClientFile = docker_read.config_file(known)
        if client == helm.HELM:
            file = helm.OrasFile(helm.path(known))
        return (yield from _helpers(known, _named(file), [file]))
    if not places:
        yield _nothing(case, client)
    return (yield from _asked(case, places, client))


def _nothing(case: Case, client: str) -> Finding:
    text = f"{client} asks {case.reference.name} anonymously: no file has a key for it"
    if not (fix := client_files.configure(case, client)) or not case.needs_credential:
        return note(client_files.KEY, text)
    return error(client_files.KEY, text, fix=fix)


def _docker(environment: Environment, case: Case | None) -> Following:
    file = yield from client_files.check_file(environment, case)
    yield from entries.check_exposure(file)
    hidden = list(entries.check_hidden(file, environment, case, DOCKER))
    if case:
        found = yield from client_files.check(case, file)
        sent = yield from _asked(case, [found] if found else [], DOCKER)
        yield from client_files.check_others(_named(file), found, case)
    else:
        named = _named(file) | {file.store} - {""}
        sent = yield from _helpers(environment, named, [file])
    yield from _lost(hidden, case, sent)
    yield from machine.check(environment, file)
    return sent


def _podman(environment: Environment, case: Case | None) -> Following:
    read = yield from containers_files.check_files(environment)
    hidden = list(containers_files.check_hidden(environment, read, case))
    if case:
        asked = yield from containers_files.check_keys(case, read)
        sent = yield from _asked(case, asked, PODMAN)
        yield from _lost(hidden, case, sent)
        return sent
    yield from hidden
    named = {name for file in read for name in _named(file)}
    named |= set(containers_read.all_helpers(environment)) - {
        containers_read.AUTH_FILES
    }
    return (yield from _helpers(environment, named, read))


def _lost(hidden: list[Finding], case: Case | None, sent: Sent) -> Iterator[Finding]:
    """Yield the findings on logins that are not sent; errors if nothing else is."""
    is_error = case and not sent.who
    for each in hidden:
        yield replace(each, severity=Severity.ERROR) if is_error else each


def _named(file: ClientFile) -> set[str]:
    """Return the helpers that a file names for single registries."""
    return {str(name) for name in file.table("credHelpers").values() if name}


def _asked(case: Case, places: list[Found], client: str) -> Following:
    """Check each place for the credential, then whether the registry accepts it."""
    credential, renew, why, answer, who = None, "", None, None, ""
    failed = False
    for found in places:
        if found.helper:
            last = found is places[-1]
            answer = yield from _helper(case, found, client, is_last=last)
            credential = answer.credential if answer else None
            why = answer.why if answer else None
            failed = answer is None or bool(answer.problem)
            if found.entry and failed:
                credential = entries.credential(found)
                yield from _sent_instead(found, credential)
        else:
            failed, credential = False, entries.credential(found)
            renew = _renew(found, case, client)
            if (found.entry or {}).get("registrytoken"):
                who = "a registry token"
        if credential or who or (failed and client in _STOPPING):
            break
    if not credential and any(case.slip):
        yield error("name", *case.slip)
    elif who:
        yield note(registry.STEP, f"{who} is good for one pull: it is not tried")
    elif credential or not (case.needs_credential or failed):
        yield from registry.check(case, credential, renew, why)
    return Sent(who or whose(credential), is_configured=bool(places))


_STOPPING = frozenset(CLIENTS) - {DOCKER, PODMAN}
"""The clients that stop when a helper fails, even if more places would follow."""


def _helper(
    case: Case, found: Found, client: str, *, is_last: bool
) -> Generator[Finding, None, HelperAnswer | None]:
    reference = case.reference
    key = reference.docker_key if client == DOCKER else reference.containers_key
    key = found.asks or key
    meant = partial(remedies.meant_helper, found, case, client)
    file = yield from helpers.check(
        found.helper, case.path, case.environment.home(), meant
    )
    if not file:
        return None
    instead = client_files.configure(case, client)
    answer = yield from helpers.check_answer(case, file, key, instead, is_last=is_last)
    if answer.credential or remedies.is_ours(file):
        yield from helpers.check_namesakes(file, case.path)
    yield from machine.service_path(file)
    return answer


def _sent_instead(found: Found, credential: Credential | None) -> Iterator[Finding]:
    """Note the entry that docker pull sends instead; docker login and buildx stop."""
    if credential:
        yield note(
            entries.STEP,
            f"docker pull sends the entry of {found.path} while the helper fails: the"
            f" user {credential.username}",
        )


def _renew(found: Found, case: Case, client: str) -> str:
    """Return the command to run for an entry that the registry refuses."""
    if client == PODMAN:
        return containers_files.logout(found, case)
    held = entries.credential(found)
    return entries.renew(found, case, client, held.username if held else "USER")


def _helpers(
    environment: Environment, suffixes: set[str], read: Iterable[ClientFile]
) -> Following:
    """Check each helper that a client's files name; return helpers and login files."""
    path, home = environment.get("PATH", os.defpath), environment.home()
    for suffix in sorted(suffixes):
        if file := (yield from helpers.check(suffix, path, home)):
            yield from helpers.check_namesakes(file, path)
    held = [file.path for file in read if any(file.table("auths").values())]
    names = [f"{files.PREFIX}{suffix}" for suffix in sorted(suffixes)]
    return Sent(", ".join([*names, *held]), is_configured=bool(names or held))
