"""The sources that a policy names, each asked for one registry until a deadline."""

from __future__ import annotations

import time
from functools import partial

from dockcred import minting, registry_table
from dockcred.errors import (
    CredentialsNotFoundError,
    InvalidInputError,
    IssueError,
)
from dockcred.lookup import auths, containers, docker, helper
from dockcred.lookup.files import READ, ClientFile
from dockcred.server_url import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.lookup.files import Found
    from dockcred.reference import Reference

    Source = Callable[[Reference, Environment, float], Credential]

_HELPER = "helper:"


def named(name: str) -> Source:
    """Answer the source of a name; raise InvalidInputError where there is none."""
    if name.startswith(_HELPER):
        return partial(_helper, name.removeprefix(_HELPER))
    if name in registry_table.PROVIDERS:
        return partial(_identities, (name,))
    if name in registry_table.STORES:
        return partial(_keychain, name)
    found: dict[str, Source] = {
        "identities": partial(_identities, ()),
        "keychain": partial(_keychain, ""),
        "docker": _docker,
        "containers": _containers,
    }
    if name not in found:
        clouds, stores = registry_table.PROVIDERS, registry_table.STORES
        known = (*found, *clouds, *stores, f"{_HELPER}NAME")
        raise InvalidInputError(
            f"the policy names {name!a}, which is no source",
            f"choose of {', '.join(known)}",
        )
    return found[name]


def _identities(
    names: tuple[str, ...],
    reference: Reference,
    environment: Environment,
    deadline: float,
) -> Credential:
    """Answer from the cache in this process; mint in another."""
    router = registry_table.identities(environment, names)
    target, store = router.identity_for(reference.located)
    if store is None:
        raise CredentialsNotFoundError
    if (held := store.fresh(target)) is not None:
        return held
    return minting.mint(reference.located, names, environment, deadline)


def _keychain(
    name: str, reference: Reference, environment: Environment, deadline: float
) -> Credential:
    key = ServerURL.parse(reference.docker_key)
    return minting.fetch(key, name, environment, deadline)


def _docker(
    reference: Reference, environment: Environment, deadline: float
) -> Credential:
    file = docker.config_file(environment)
    key = reference.docker_key
    return _found(docker.look_up(file, key), key, environment, deadline)


def _containers(
    reference: Reference, environment: Environment, deadline: float
) -> Credential:
    key = reference.containers_key
    for name in containers.helpers(environment):
        try:
            if name != containers.AUTH_FILES:
                return _helper(name, reference, environment, deadline, key)
            for path in containers.auth_paths(environment):
                file = ClientFile(path)
                if file.state == READ and (
                    found := containers.look_up(file, reference)
                ):
                    return _found(found, key, environment, deadline)
        except CredentialsNotFoundError:
            continue
    raise CredentialsNotFoundError


def _found(
    found: Found | None, key: str, environment: Environment, deadline: float
) -> Credential:
    if found is None:
        raise CredentialsNotFoundError
    if found.helper:
        return _asked(found.helper, key, environment, deadline)
    try:
        credential = auths.decode(found.entry or {})
    except ValueError:
        raise IssueError(
            f"{found.key} in {found.path} is not the base64 of user:password",
            "log in again",
        ) from None
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
    program = helper.PREFIX + suffix
    file = helper.chosen(program, environment.get("PATH"))
    if not file:
        raise IssueError(f"{program} is not on PATH", "install it, or name another")
    answer = helper.ask(file, key, environment, deadline - time.monotonic())
    if answer.problem:
        raise IssueError(f"{program} fails: {answer.problem}")
    if answer.credential is None:
        raise CredentialsNotFoundError
    return answer.credential
