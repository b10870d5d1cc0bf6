"""Whose identity is of the registry's own account, where another one is asked."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockcred.clients.findings import Severity, command, note, warning
from dockcred.commands.doctor import case as identity
from dockcred.commands.doctor import registry
from dockcred.errors import DockcredError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case

_ANSWER = "answer"
_STEPS = frozenset({_ANSWER, identity.STEP, registry.STEP})
# Another identity helps where this one is refused, has ended or is none: neither
# against a network that is down, nor against a clock.
_OF_WHO_ASKS = re.compile(
    r"denies|does not know|expired|does not exist|no AWS identity|several AWS profiles"
    r"|no AWS profile|does not accept|signature wrong|MFA"
    r"|were not had|wrong account|missing permission|has no repository|for everybody"
)


def offered(findings: Sequence[Finding], case: Case | None) -> list[Finding]:
    """Return findings; an error about who asks has the command that names another."""
    if case is None or not any(map(_is_about_who_asks, findings)):
        return list(findings)
    commands = _commands(case)
    if not commands:
        return list(findings)
    text = f"{_led(case)} to the account {_account(case)} of this registry"
    fix, remedy = _remedies(commands)
    return [
        replace(each, text=f"{each.text}; {text}", fix=fix, remedy=remedy)
        if _is_about_who_asks(each)
        else each
        for each in findings
    ]


def check(case: Case, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Return the finding of another identity that answers; none where it fails.

    `findings` are those of the requests. It is no more than a note where the registry
    has taken that other's credential, or where nobody can tell whose it is.
    """
    if any(map(_is_about_who_asks, findings)) or not (commands := _commands(case)):
        return
    other = _other(case)
    text = f"{_led(case)} to the account {_account(case)} of this registry, and {other}"
    is_taken = any(
        found.step == registry.STEP and found.severity is Severity.FINE
        for found in findings
    )
    if is_taken or "account" not in _about(case):
        yield note(identity.STEP, f"{text} is asked; to ask it, run: {commands[0]}")
    else:
        fix, remedy = _remedies(commands)
        yield warning(identity.STEP, f"{text} is asked instead", remedy, fix)


def _is_about_who_asks(found: Finding) -> bool:
    return (
        found.severity is Severity.ERROR
        and found.step in _STEPS
        and bool(_OF_WHO_ASKS.search(found.text))
    )


def _remedies(commands: Sequence[str]) -> tuple[str, str]:
    """Return the one command; where there are several, all to choose from in words."""
    if len(commands) == 1:
        return commands[0], ""
    return "", f"run one of: {'; or: '.join(commands)}"


def _commands(case: Case) -> list[str]:
    """Return the commands that have an identity of the registry's own account asked."""
    words = ("dockcred", "configure", "identity", "--registry")
    host = case.reference.server.host
    return [
        command(*words, host, *_options(settings)) for settings in _identities(case)
    ]


def _options(settings: dict[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        yield from (
            ("--profile", value) if name == "profile" else ("--set", f"{name}={value}")
        )


def _identities(case: Case) -> tuple[dict[str, str], ...]:
    store = case.store
    if store is None:
        return ()
    entry = store.entry(case.target)
    said = entry.principal if entry else ""
    try:
        return store.provider.own_identities(case.target, said, store.environment)
    except DockcredError:
        return ()


def _led(case: Case) -> str:
    names = [name for each in _identities(case) for name in each.values()]
    s, them = ("s", "") if len(names) == 1 else ("", "s")
    return f"the profile{them} {', '.join(names)} lead{s}"


def _account(case: Case) -> str:
    return case.target.host.partition(".")[0]


def _about(case: Case) -> dict[str, str]:
    store = case.store
    if store is None:
        return {}
    entry = store.entry(case.target)
    said = entry.principal if entry else ""
    try:
        return store.provider.about(case.target, said, store.environment)
    except DockcredError:
        return {}


def _other(case: Case) -> str:
    """Return who is asked, in words."""
    about = _about(case)
    of = f" of the account {about['account']}" if "account" in about else ""
    if "arn" in about:
        return about["arn"]
    for name in ("profile", "key", "role"):
        if name in about:
            return f"the {name} {about[name]}{of}"
    return f"another identity{of}"
