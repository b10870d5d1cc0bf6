"""`dockcred setup`: set a machine up by one plan that can be undone.

survey, clouds  what is on this machine; no request is sent
plan            the steps, which source will serve which registry, and questions
steps           each step: what it says, what it saves, what it does
journal         the state before, written ahead of the first change
carry_out       runs the steps after the journal is written, and the undo
served          which source serves each registry; asks it as the proof
"""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext, redirect_stdout
from typing import TYPE_CHECKING

import click

from dockcred.commands.console import (
    examples,
    has_person,
    progress,
    reporting_errors,
    say,
    warn,
)
from dockcred.commands.doctor import verdict
from dockcred.commands.help import complete_host
from dockcred.commands.setup import carry_out, journal, served
from dockcred.commands.setup.journal import Journal
from dockcred.commands.setup.plan import Plan
from dockcred.commands.setup.survey import Surroundings
from dockcred.errors import InvalidInputError
from dockcred.system import environment

if TYPE_CHECKING:
    from dockcred.commands.setup.served import Proof

_MARKS = {
    verdict.WORKS: ("✓", "green"),
    verdict.ANONYMOUS: ("·", ""),
    verdict.BROKEN: ("✗", "red"),
}


@click.command(
    epilog=examples(
        "dockcred setup",
        "dockcred setup --dry-run",
        "dockcred setup --yes ghcr.io",
        "dockcred setup --undo",
    )
)
@click.argument("hosts", metavar="[HOST]...", nargs=-1, shell_complete=complete_host)
@click.option("--yes", is_flag=True, help="Ask nothing; accept every default.")
@click.option("--dry-run", is_flag=True, help="Change nothing; show the plan.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
@click.option("--undo", is_flag=True, help="Restore every file as it was before.")
def setup(
    hosts: tuple[str, ...], *, yes: bool, dry_run: bool, as_json: bool, undo: bool
) -> None:
    """Set up this machine: helpers, clients, logins and identities; then test it.

    It looks at this machine without using the network, shows one plan, and asks before
    it changes anything. Each HOST is set up, besides the registries that are known here
    already. It can be run again, and --undo restores what was there before. The exit
    status is 1 if a registry that was named does not work.
    """
    with reporting_errors(), nullcontext() if dry_run else journal.alone():
        kept = Journal(environment.current())
        if undo:
            _undo(kept, yes=yes, dry_run=dry_run)
            return
        broken = _set_up(hosts, kept, yes=yes, dry_run=dry_run, as_json=as_json)
    sys.exit(1 if broken else 0)


def _set_up(
    hosts: tuple[str, ...], kept: Journal, *, yes: bool, dry_run: bool, as_json: bool
) -> bool:
    """Plan, ask, carry out and prove; return whether a named registry is broken."""
    variables = environment.current()
    machine = Surroundings(variables)
    plan = Plan(machine, hosts)
    if dry_run and as_json:
        click.echo(json.dumps(plan.document(), indent=2))
    elif not as_json:
        _show(plan)
    if dry_run:
        return False
    if plan.steps and not yes:
        answers = _answers(plan)
        plan = Plan(machine, hosts, answers) if answers else plan
        if not click.confirm("Go on?", default=True, err=True):
            return False
    # The messages of the steps must not mix with the JSON on stdout.
    spoken = redirect_stdout(sys.stderr) if as_json else nullcontext()
    try:
        with spoken:
            carry_out.carry_out(plan.steps, kept)
    except BaseException:
        warn(
            "stopped halfway: dockcred setup goes on, dockcred setup --undo gives back"
        )
        raise
    with progress("asking for each registry"):
        names = [machine.image_of(each.registry) for each in plan.registries]
        proofs = served.prove(names, environment.current())
    if as_json:
        whole = plan.document() | {"proofs": [each.document() for each in proofs]}
        click.echo(json.dumps(whole, indent=2))
    else:
        _tell(proofs)
    named = {each.verdict for each in proofs if each.registry in plan.named}
    return verdict.BROKEN in named


def _answers(plan: Plan) -> dict[str, str]:
    """Ask the user; raise InvalidInputError if there is no terminal to ask on."""
    if not has_person():
        raise InvalidInputError(
            "nothing is changed yet: there is no terminal to ask on",
            "add --yes to take every default, or --dry-run to see the plan",
        )
    return {
        each.name: click.prompt(
            each.text,
            type=click.Choice(each.choices),
            default=each.default,
            err=True,
        )
        for each in plan.questions
    }


def _undo(kept: Journal, *, yes: bool, dry_run: bool) -> None:
    if kept.is_empty:
        if not dry_run:
            kept.end()  # removes a journal whose write was interrupted
        click.echo("nothing to undo")
        return
    for line in carry_out.undo_in_words(kept):
        say(f"  {line}")
    if dry_run:
        return
    if not yes:
        if not (sys.stdin and sys.stdin.isatty()):
            raise InvalidInputError(
                "nothing is undone yet: there is no terminal to ask on", "add --yes"
            )
        if not click.confirm("Go on?", default=True, err=True):
            return
    carry_out.undo(kept)
    click.echo("undone")


def _show(plan: Plan) -> None:
    document = plan.document()
    say("Here", "bold")
    for line in document["here"]:
        say(f"  {line}")
    say("Plan", "bold")
    for number, step in enumerate(plan.steps, 1):
        say(f"  {number}. {step.do} {step.what}")
        say(f"     {step.where}: {step.why}", "dim")
    if not plan.steps:
        say("  nothing: all is set up")
    if plan.registries:
        say("Then", "bold")
    for each in plan.registries:
        who = ", ".join(part for part in (each.identity, each.source) if part)
        say(f"  {each.registry}: {who or 'nobody'}")
    for question in plan.questions:
        others = ", ".join(question.choices[1:])
        say(f"? {question.text} {question.default}, or {others}")
    for note in plan.notes:
        say(f"! {note}", "yellow")


def _tell(proofs: list[Proof]) -> None:
    say("Proof", "bold")
    for each in proofs:
        mark, style = _MARKS[each.verdict]
        say(f"  {mark} {each.registry} {each.verdict}: {each.cause}", style)
        if each.remedy:
            say(f"    {each.remedy}")
    if not proofs:
        say("  no registry is known yet; of any says: dockcred doctor HOST")
    say("undo it all with: dockcred setup --undo")
