"""`dockcred status`: who answers for each registry, until when, for which clients."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import click

from dockcred.api.many import ask_all
from dockcred.api.resolve import resolve
from dockcred.clients.findings import command, shown
from dockcred.clients.reference import Reference
from dockcred.commands import shape
from dockcred.commands.console import (
    examples,
    progress,
    reporting_errors,
    say,
    span,
    until,
)
from dockcred.commands.help import complete_host
from dockcred.commands.known import Survey
from dockcred.errors import DockcredError, MissingIdentityError, WireError
from dockcred.system import environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockcred.commands.shape import Answerer, ClientUse, Known
    from dockcred.system.environment import Environment

_MARKS = {
    shape.CACHED: ("✓", "green"),
    shape.ANSWERED: ("✓", "green"),
    shape.KEPT: ("✓", "green"),
    shape.OTHERS: ("·", ""),
    shape.OVER: ("·", ""),
    shape.CONFIGURED: ("·", ""),
    shape.MACHINE: ("·", ""),
    shape.IN_CLEAR: ("!", "yellow"),
    shape.NOBODY: ("!", "yellow"),
    shape.BROKEN: ("✗", "red"),
}
_WORDS = {
    shape.OVER: "what is cached has ended; the next get mints anew",
    shape.CONFIGURED: "not asked yet",
    shape.MACHINE: "not asked yet; nothing else is configured",
    shape.IN_CLEAR: "readable in the file",
    shape.OTHERS: "a helper that is not ours answers",
}


@click.command(
    epilog=examples(
        "dockcred status",
        "dockcred status ghcr.io",
        "dockcred status --ask",
        "dockcred status --json | jq '.registries[] | {registry, state, expires}'",
    )
)
@click.argument("host", required=False, shell_complete=complete_host)
@click.option(
    "--ask",
    is_flag=True,
    help="Request a credential where none is cached or kept, and ask AWS who the"
    " caller is.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def status(host: str | None, *, ask: bool, as_json: bool) -> None:
    """Show who answers for each registry, until when, and for which clients.

    The registries are those that are cached, were answered before, are kept in the
    keychain, or are named in config.toml and the clients' files; or HOST alone. Without
    --ask no network is used. No secret is shown. The exit status is 1 if something that
    is configured cannot work, or if nobody answers for HOST.
    """
    with reporting_errors():
        variables = environment.current()
        survey = Survey(variables)
        hosts = [Reference(host).name] if host else survey.hosts()
        found = [survey.describe(name) for name in hosts]
        if ask:
            with progress("asking for what is not cached"):
                found = _asked(found, variables)
        if as_json:
            click.echo(_document(found, survey))
        else:
            _show(found, survey, is_named=bool(host))
    broken = any(each.state == shape.BROKEN for each in found)
    nobody = bool(host) and found[0].state == shape.NOBODY
    sys.exit(1 if broken or nobody or survey.problems else 0)


_TO_ASK = {shape.OVER, shape.CONFIGURED, shape.MACHINE}


def _asked(found: list[Known], variables: Environment) -> list[Known]:
    """Ask for a credential for each registry that needs it, and describe it again.

    `variables` are those from before the first description: for that an SDK may have
    read its configuration, and changed the process's variables.
    """
    survey = Survey(variables)
    waiting = [each for each in found if each.state in _TO_ASK]
    names = [each.registry for each in waiting]
    problems = ask_all(lambda name: _failure(name, variables), names)
    failed = dict(zip(names, problems, strict=True))
    again = []
    for each in found:
        if each.registry not in failed:
            again.append(each)
            continue
        known = survey.describe(each.registry)
        if problem := failed[each.registry]:
            nobody = isinstance(problem, (WireError, MissingIdentityError))
            known.state = shape.NOBODY if nobody else shape.BROKEN
            known.problem = None if isinstance(problem, WireError) else problem
            known.answerer = shape.Answerer("") if nobody else known.answerer
        elif known.state in _TO_ASK:
            known.state = shape.ANSWERED
        again.append(known)
    for known in again:
        if known.state in {shape.CACHED, shape.ANSWERED}:
            survey.ask_who(known)
    return again


def _failure(registry: str, variables: Environment) -> DockcredError | None:
    """Ask for a registry's credential; return why there is none, None if there is."""
    try:
        resolve(registry, environment=variables.set_values())
    except DockcredError as error:
        return error
    return None


def _document(found: list[Known], survey: Survey) -> str:
    now = time.time()
    problem = survey.keychain_problem
    return shape.document(
        registries=[each.document(now) for each in found],
        keychain={
            "place": survey.place() or None,
            "logins": [
                {"registry": key, "user": user}
                for key, user in sorted(survey.logins.items())
            ],
            "problem": shape.problem_of(problem) if problem else None,
        },
        problems=[shape.problem_of(each) for each in survey.problems],
    )


def _show(found: list[Known], survey: Survey, *, is_named: bool) -> None:
    for problem in survey.problems:
        say(f"✗ {problem}", "red")
    for each in found:
        say(shown(each.registry), "bold")
        for line, style in _lines(each, survey):
            say(f"  {line}", style)
    if not found:
        say("no registry is known here yet; see: dockcred")
    if is_named:
        return
    if survey.keychain_problem:
        say(f"✗ keychain: {survey.keychain_problem}", "red")
        return
    place = survey.place()
    if place:
        kept = [f"{key} ({user})" for key, user in sorted(survey.logins.items())]
        say(f"keychain {place}: {', '.join(map(shown, kept)) or 'keeps nothing'}")
    else:
        say("keychain: there is none here")


def _lines(known: Known, survey: Survey) -> Iterator[tuple[str, str]]:
    """Return the lines on a registry, each with its style."""
    mark, style = _MARKS[known.state]
    if str(known.problem) in map(str, survey.problems):
        yield f"{mark} nobody can tell: see above", style
    elif known.problem:
        yield f"{mark} {known.problem}", style
    elif known.state == shape.NOBODY:
        yield f"{mark} nobody answers: clients go on anonymously", style
    else:
        words = _WORDS.get(known.state, "")
        yield f"{mark} {_answers(known.answerer)}{words and '; '}{words}", style
        if known.state in {shape.CACHED, shape.OVER}:
            yield f"  until {until(known.answerer.expires_at)}", ""
    for other in known.others:
        yield f"  cached besides: {_answers(other)}; {until(other.expires_at)}", ""
    if known.failure:
        cause, when = known.failure
        yield f"  failed {span(time.time() - when)} ago: {cause}", "yellow"
    for use in known.clients:
        yield _client(use)


def _answers(answerer: Answerer) -> str:
    user = f"{answerer.user}, " if answerer.user else ""
    return f"{user}by {answerer.said()}"


def _client(use: ClientUse) -> tuple[str, str]:
    home = environment.current().home()
    file = use.file
    if home and file.startswith((f"{home}/", f"{home}{os.sep}")):
        file = f"~{file.removeprefix(home)}"
    # The registry is left out of the key: it stands above.
    where = f"{shown(use.key.partition('[')[0])} in {file}"
    if use.key == shape.BY_DEFAULT:
        where = "by default: no file names it"
    if not use.helper:
        return f"  {use.client}: the login of {use.user}, readable: {where}", "yellow"
    if not use.is_installed:
        gone = "not there" if use.client == "kubelet" else "not on PATH"
        return f"  {use.client}: {use.helper}, which is {gone}: {where}", "red"
    return f"  {use.client}: {use.helper} ({where})", ""


def next_step(names: Iterable[str]) -> tuple[str, str]:
    """Return the state of this machine in words, and the command to run next.

    No network is used. `names` are the commands of this dockcred.
    """
    survey = Survey(environment.current())
    if survey.problems:
        return str(survey.problems[0]), "dockcred doctor"
    names_here = survey.hosts(with_keychain=False)
    uses = [use for name in names_here for use in survey.uses(name)]
    uses += survey.clients.by_default()
    ours = [use for use in uses if use.is_ours]
    if gone := [use for use in ours if not use.is_installed]:
        here = f"{gone[0].client} asks {gone[0].helper}, which is not on PATH"
        return here, "dockcred install"
    readable = [use for use in uses if use.user]
    file = readable[0].file if readable else ""
    told = f"a login in {file} can be read" if readable else ""
    if not ours:
        first = "setup" if "setup" in names else "configure docker --all"
        said = ["no client asks our helpers yet", *([told] if told else [])]
        return "; ".join(said), f"dockcred {first}"
    clients = " and ".join(sorted({use.client for use in ours}))
    asks = f"{clients} {'ask' if ' and ' in clients else 'asks'} our helpers"
    if readable and survey.place():
        source = "docker" if file == survey.clients.docker.path else file
        return f"{asks}; {told}", command("dockcred", "import", source, "--remove")
    if names_here:
        return f"{asks}; {len(names_here)} registries are known", "dockcred status"
    return f"{asks}; none was asked yet", "dockcred doctor HOST"
