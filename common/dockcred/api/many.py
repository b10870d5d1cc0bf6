"""Many credentials at once, each by its registry."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from threading import Semaphore, Thread
from typing import TypeVar

from dockcred.api.resolve import Policy, resolve, unanswered
from dockcred.clients.entries import Login, check_name
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    InvalidInputError,
    IssueError,
    MissingIdentityError,
    TimedOutError,
)
from dockcred.system.environment import Environment, current
from dockcred.system.environment import timeout_s as default_timeout_s

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
_SLOTS = 8


def ask_all(ask: Callable[[Asked], Answer], everybody: Iterable[Asked]) -> list[Answer]:
    """Call `ask` for each, eight at a time; return the answers in order.

    Raises the error of the first, in this order, that failed.
    """
    asked = list(everybody)
    found: dict[int, Answer] = {}
    failed: dict[int, BaseException] = {}
    slots = Semaphore(_SLOTS)

    def one(number: int) -> None:
        try:
            with slots:
                found[number] = ask(asked[number])
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller
            failed[number] = error

    numbers = range(len(asked))
    threads = [Thread(target=one, args=(n,), daemon=True) for n in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in sorted(failed):
        raise failed[number]
    return [found[number] for number in numbers]


def resolve_logins(
    registries: Iterable[str],
    *,
    policy: Policy | None = None,
    min_life_s: float = 0,
    timeout_s: float | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[Login]:
    """Return a login for each registry, in their order, each once.

    `timeout_s` bounds the whole call in seconds (default: DOCKCRED_TIMEOUT, else 8).
    A credential that has less than `min_life_s` seconds left is minted anew.

    Raises what `dockcred.resolve` raises, with the registry named: MissingIdentityError
    for a registry that no source has a credential for, and IssueError if even a new
    credential has less than `min_life_s` seconds.
    """
    named = list(dict.fromkeys(registries))
    if not named:
        raise InvalidInputError("no registry is named", "use --registry HOST")
    if not 0 <= min_life_s < float("inf"):
        raise InvalidInputError("the life asked for is no time", "give some seconds")
    for registry in named:
        check_name(registry)

    variables = current() if environment is None else Environment(environment)
    seconds = default_timeout_s(variables) if timeout_s is None else timeout_s
    deadline = time.monotonic() + seconds

    def ask(registry: str, policy: Policy) -> Login:
        if (left := deadline - time.monotonic()) <= 0:
            raise TimedOutError(f"gave up after {seconds:g} s", "raise timeout_s")
        return Login(
            registry,
            resolve(registry, policy=policy, timeout_s=left, environment=environment),
        )

    def login(registry: str) -> Login:
        return _lasting(registry, ask, policy or Policy(), min_life_s)

    if len(named) == 1:
        return [login(*named)]

    return ask_all(login, named)


def _lasting(
    registry: str,
    ask: Callable[[str, Policy], Login],
    policy: Policy,
    min_life_s: float,
) -> Login:
    try:
        found = ask(registry, policy)
        if found.seconds_left() < min_life_s:
            # The cached one may be old; a new one may last long enough.
            found = ask(registry, replace(policy, cache=False))
    except CredentialsNotFoundError as error:
        why = unanswered(registry, error)
        cause = why.cause if registry in why.cause else f"{registry}: {why.cause}"
        raise MissingIdentityError(cause, why.remedy) from None
    except DockcredError as error:
        raise type(error)(f"{registry}: {error.cause}", error.remedy) from None
    if found.credential.secret.endswith(("\n", "\r")):
        raise IssueError(
            f"{registry}: its password ends in a newline, which no registry takes",
            "log in again",
        )
    if found.seconds_left() < min_life_s:
        raise IssueError(
            f"{registry}: a new credential lasts {found.seconds_left():.0f} s, and"
            f" {min_life_s:.0f} s are asked for",
            "ask for less",
        )
    return found
