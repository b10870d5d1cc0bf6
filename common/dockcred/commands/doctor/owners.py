"""Suggest an identity of the registry's own account, if another one is asked."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from dockcred.clients.findings import Severity, command, note, warning
from dockcred.commands.doctor import case as identity
from dockcred.commands.doctor import helpers, registry
from dockcred.errors import DockcredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Provider
    from dockcred.system.environment import Environment

    Answer = TypeVar("Answer")
    Identities = tuple[dict[str, str], ...]

_STEPS = frozenset({helpers.ANSWER_STEP, identity.STEP, registry.STEP})
# Errors for which another identity helps: the present one is refused, has expired or
# does not exist. It does not help against a network that is down, or a wrong clock.
_OF_WHO_ASKS = re.compile(
    r"denies|does not know|expired|does not exist|no AWS identity|several AWS profiles"
    r"|no AWS profile|does not accept|signature wrong|MFA"
    r"|were not had|wrong account|missing permission|has no repository|for everybody"
)


def offered(findings: Sequence[Finding], case: Case | None) -> list[Finding]:
    """Return the findings; an error about the identity gets a command for another."""
    if case is None or not any(map(_is_about_who_asks, findings)):
        return list(findings)
    identities = _identities(case)
    if not identities:
        return list(findings)
    text = _led(identities, case)
    fix, remedy = _remedies(_commands(identities, case))
    return [
        replace(each, text=f"{each.text}; {text}", fix=fix, remedy=remedy)
        if _is_about_who_asks(each)
        else each
        for each in findings
    ]


def check(case: Case, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield a finding if an identity answers that is not of the registry's account.

    `findings` are those of the requests; if they have errors about the identity,
    nothing is yielded. The finding is only a note if the registry has taken the
    credential, or if the identity's account is not known.
    """
    if any(map(_is_about_who_asks, findings)) or not (identities := _identities(case)):
        return
    nobody: dict[str, str] = {}
    about = _asked(case, lambda provider: provider.about, nobody)
    commands = _commands(identities, case)
    text = f"{_led(identities, case)}, and {_other(about)}"
    is_taken = any(
        found.step == registry.STEP and found.severity is Severity.FINE
        for found in findings
    )
    if is_taken or "account" not in about:
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
    """Return a single command to run, or a sentence with several to choose from."""
    if len(commands) == 1:
        return commands[0], ""
    return "", f"run one of: {'; or: '.join(commands)}"


def _commands(identities: Identities, case: Case) -> list[str]:
    """Return the commands that configure identities of the registry's own account."""
    words = ("dockcred", "configure", "identity", "--registry")
    host = case.reference.server.host
    return [command(*words, host, *_options(settings)) for settings in identities]


def _options(settings: dict[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        yield from (
            ("--profile", value) if name == "profile" else ("--set", f"{name}={value}")
        )


def _identities(case: Case) -> Identities:
    return _asked(case, lambda provider: provider.own_identities, ())


def _asked(
    case: Case,
    question: Callable[[Provider], Callable[[ServerURL, str, Environment], Answer]],
    nothing: Answer,
) -> Answer:
    """Return what the provider says of the identity that asks; `nothing` on failure."""
    store = case.store
    if store is None:
        return nothing
    entry = store.entry(case.target)
    said = entry.principal if entry else ""
    try:
        return question(store.provider)(case.target, said, store.environment)
    except DockcredError:
        return nothing


def _led(identities: Identities, case: Case) -> str:
    names = [name for each in identities for name in each.values()]
    s, them = ("s", "") if len(names) == 1 else ("", "s")
    account = case.target.host.partition(".")[0]
    return (
        f"the profile{them} {', '.join(names)} lead{s} to the account {account} of this"
        " registry"
    )


def _other(about: dict[str, str]) -> str:
    """Return which identity is asked, in words."""
    of = f" of the account {about['account']}" if "account" in about else ""
    if "arn" in about:
        return about["arn"]
    for name in ("profile", "key", "role"):
        if name in about:
            return f"the {name} {about[name]}{of}"
    return f"another identity{of}"
