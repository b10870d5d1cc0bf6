"""The sources that a policy names; each is a function that asks for one registry."""

from __future__ import annotations

import time
from contextlib import suppress
from functools import partial

from dockcred import wiring
from dockcred.api import worker
from dockcred.clients import entries, files
from dockcred.clients.containers import read as containers_read
from dockcred.clients.docker import read as docker_read
from dockcred.clients.files import ABSENT, READ
from dockcred.credential import ServerURL
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    InvalidInputError,
    IssueError,
)
from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from dockcred.clients.files import Found
    from dockcred.clients.reference import Reference
    from dockcred.credential import Credential
    from dockcred.system.environment import Environment

    Source = Callable[[Reference, Environment, float], Credential]

_HELPER = "helper:"
NAMES = (
    *("identities", "keychain", "docker", "containers"),
    *(*wiring.PROVIDERS, *wiring.STORES, f"{_HELPER}NAME"),
)
"""What a source may be called."""


def named(name: str, environment: Environment) -> Source:
    """Return the source with a name; raise InvalidInputError if there is none.

    With DOCKCRED_FORWARD another machine answers for all identities and keychains.
    """
    ours = {"identities", "keychain", *wiring.PROVIDERS, *wiring.STORES}
    if name in ours and environment.get("DOCKCRED_FORWARD"):
        return _forwarded
    if name.startswith(_HELPER):
        return partial(_helper, name.removeprefix(_HELPER))
    if name in wiring.PROVIDERS:
        return partial(_identities, (name,))
    if name in wiring.STORES:
        return partial(_keychain, name)
    found: dict[str, Source] = {
        "identities": partial(_identities, ()),
        "keychain": partial(_keychain, ""),
        "docker": _docker,
        "containers": _containers,
    }
    if name not in found:
        raise InvalidInputError(
            f"the policy names {name!a}, which is no source",
            f"choose of {', '.join(NAMES)}",
        )
    return found[name]


def _forwarded(
    reference: Reference, environment: Environment, deadline: float
) -> Credential:
    from dockcred.stores.forwarded import Forwarded  # noqa: PLC0415 - a socket

    server = reference.located
    if reference.is_hub:
        server = ServerURL.parse(reference.docker_key)
    return Forwarded(environment, deadline).get(server)


def _identities(
    names: tuple[str, ...],
    reference: Reference,
    environment: Environment,
    deadline: float,
) -> Credential:
    """Return a credential from the cache, or mint one in a child process."""
    router = wiring.identities(environment, names)
    target, store = router.identity_for(reference.located)
    if store is None:
        raise CredentialsNotFoundError
    whose = store.provider.name
    if (held := store.fresh(target)) is not None:
        if process.meter:
            process.meter.hit(whose)
            process.meter.got(b"", whose)
        return held
    try:
        found = worker.mint(reference.located, names, environment, deadline)
    except DockcredError as error:
        if process.meter:
            process.meter.got(error, whose)
        raise
    if process.meter:
        process.meter.got(b"", whose)
    return found


def _keychain(
    name: str, reference: Reference, environment: Environment, deadline: float
) -> Credential:
    key = ServerURL.parse(reference.docker_key)
    return worker.fetch(key, name, environment, deadline)


def _docker(
    reference: Reference, environment: Environment, deadline: float
) -> Credential:
    file = docker_read.config_file(environment)
    key = reference.docker_key
    found = docker_read.look_up(file, key)
    if file.state in files.BEYOND_US and not (found and found.path != file.path):
        raise IssueError(f"{file.path} is {file.state}", "make it smaller")
    if found and found.helper:
        try:
            return _asked(found.helper, key, environment, deadline)
        except IssueError:
            # `docker pull` sends the file's entry where the helper fails.
            if not found.entry and not found.others:
                raise
        found.helper = ""
    if found and found.others:
        found.entry = _agreed(found)
    if why := docker_read.undecoded(file, key):
        raise IssueError(
            f"{why} in {file.path}", "dockcred check docker-config shows it"
        )
    return _found(found, key, environment, deadline)


def _agreed(found: Found) -> Mapping[str, Any]:
    """Return the entry with a login; raise IssueError if several logins differ."""
    logins: dict[object, Mapping[str, Any]] = {}
    for entry in (found.entry or {}, *found.others):
        try:
            if held := entries.decode(entry):
                logins.setdefault((held.username, held.secret), entry)
        except ValueError:
            # Docker may send an entry that we cannot decode: the caller is told of it.
            logins[entry["auth"]] = entry
    if len(logins) > 1:
        raise IssueError(
            f"{found.path} has several logins for the registry, and docker takes any of"
            " them by chance",
            "have one entry, under the host alone",
        )
    return next(iter(logins.values()), {})


def _containers(
    reference: Reference, environment: Environment, deadline: float
) -> Credential:
    key = reference.containers_key
    first: DockcredError | None = None
    for name in containers_read.all_helpers(environment):
        try:
            if name != containers_read.AUTH_FILES:
                return _helper(name, reference, environment, deadline, key)
            return _auth_files(reference, environment, deadline)
        except CredentialsNotFoundError:
            continue
        except DockcredError as error:
            first = first or error
    raise first or CredentialsNotFoundError


def _auth_files(
    reference: Reference, environment: Environment, deadline: float
) -> Credential:
    """Return the first login found; raise IssueError at an unreadable file."""
    for file in containers_read.auth_files(environment):
        if file.state not in {READ, ABSENT}:
            raise IssueError(f"{file.path} is {file.state_in_words}", "fix it first")
        found = containers_read.look_up(file, reference)
        with suppress(CredentialsNotFoundError):
            return _found(found, reference.containers_key, environment, deadline)
    raise CredentialsNotFoundError


def _found(
    found: Found | None, key: str, environment: Environment, deadline: float
) -> Credential:
    if found is None:
        raise CredentialsNotFoundError
    if found.entry is None:
        return _asked(found.helper, key, environment, deadline)
    try:
        credential = entries.decode(found.entry)
    except ValueError:
        raise IssueError(
            f"{found.key} in {found.path} is not the base64 of user:password",
            "log in again",
        ) from None
    if credential is None and found.entry.get("registrytoken"):
        raise IssueError(
            f"{found.key} in {found.path} has a registry token: docker alone sends it",
            "log in with a user and a password",
        )
    if credential is None:
        raise CredentialsNotFoundError
    return credential


def _helper(
    suffix: str,
    reference: Reference,
    environment: Environment,
    deadline: float,
    key: str = "",
) -> Credential:
    return _asked(suffix, key or reference.docker_key, environment, deadline)


def _asked(
    suffix: str, key: str, environment: Environment, deadline: float
) -> Credential:
    program = files.PREFIX + suffix
    file = files.chosen(program, environment.get("PATH"))
    if not file:
        raise IssueError(f"{program} is not on PATH", "install it, or name another")
    answer = files.ask(file, key, environment, deadline - time.monotonic())
    if answer.problem:
        raise IssueError(
            f"{program} fails: {answer.problem}", "run it by hand to see why"
        )
    if answer.credential is None:
        raise CredentialsNotFoundError
    return answer.credential
