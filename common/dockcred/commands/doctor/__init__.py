"""`dockcred doctor`: follow one request as the client makes it.

examination                      the checks in the order in which a request meets them
client_files, containers_files   what docker and podman find in their files
entries                          one credential in such a file
helpers                          the program on PATH, and its answer
case                             who answers, and what the cache holds
registry, realm                  whether the registry takes the credential
machine                          home, sudo, snap, the PATH of services, the cache
agents, service                  kubelet and Nomad, by the unit that starts them
verdict, way                     works, anonymous or broken, and how it is shown
remedies, fix                    a remedy for this machine and shell; carry it out
self_test, locked                does the keychain here keep what it is given
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from dockcred.clients.reference import Reference
from dockcred.commands.console import (
    console,
    examples,
    progress,
    reporting_errors,
    warn,
)
from dockcred.commands.doctor import agents, examination, fix, way
from dockcred.commands.doctor import service as services
from dockcred.commands.help import Choice, complete_host
from dockcred.errors import InvalidInputError
from dockcred.system import environment

if TYPE_CHECKING:
    from dockcred.commands.doctor.verdict import Examination


@click.command(
    epilog=examples(
        "dockcred doctor",
        "dockcred doctor 123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "dockcred doctor ghcr.io/acme/app --client podman",
        "dockcred doctor ghcr.io --fix        # dockcred doctor --undo takes it back",
        "sudo dockcred doctor HOST/REPOSITORY --client kubelet",
        "sudo dockcred doctor HOST --service ci-runner.service",
        "dockcred doctor --self-test           # paste it into an issue",
    ),
)
@click.argument(
    "name",
    metavar="[HOST[/REPOSITORY]]",
    required=False,
    shell_complete=complete_host,
)
@click.option(
    "--client",
    "clients",
    multiple=True,
    type=Choice(examination.CLIENTS),
    help="Whose request is followed; podman stands for skopeo and buildah too.",
)
@click.option(
    "--service",
    "unit",
    metavar="UNIT|FILE",
    help="Ask as this systemd unit does, with its user and variables. The default for"
    " kubelet and nomad is their own unit.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
@click.option(
    "--fix",
    "fixes",
    is_flag=True,
    help="Show the remedies that can be undone, ask, and carry them out.",
)
@click.option("--yes", is_flag=True, help="With --fix: ask nothing.")
@click.option("--undo", is_flag=True, help="Undo what --fix has done.")
@click.option(
    "--self-test",
    "tests_itself",
    is_flag=True,
    help="Test this machine's keychain, under names of its own; paste the output into"
    " an issue.",
)
def doctor(
    name: str | None,
    clients: tuple[str, ...],
    unit: str | None,
    *,
    as_json: bool,
    fixes: bool,
    yes: bool,
    undo: bool,
    tests_itself: bool,
) -> None:
    """Follow one request as the client makes it, and say where it goes wrong.

    The verdict is one of three: it works, it goes anonymously, or it is broken. With a
    repository the credential is tried at the registry. No secret is shown. The exit
    status is 1 for what is broken, and for anonymous where a credential must be had
    (DOCKCRED_ANONYMOUS=false, or anonymous = false in config.toml), else 0.

    --fix carries out the remedies that change only this user's own files and can be
    undone. Then it follows the request again. What needs sudo, a login or a variable is
    left to you.

    --self-test stores, reads, lists and erases in this machine's keychain, by our
    helper and docker's own, under names that end in .invalid. To try a locked keychain
    it makes one of its own. What it prints names no person and no machine. The exit
    status is 1 if a test failed.
    """
    if tests_itself and (name or clients or unit or as_json or fixes or undo):
        raise click.UsageError("--self-test stands alone")
    if fixes and as_json:
        raise click.UsageError("--fix and --json exclude each other")
    if fixes and unit:
        raise click.UsageError("--fix and --service exclude each other")
    if not name and set(clients) & set(agents.AGENTS):
        raise click.UsageError("name a registry: dockcred doctor HOST --client kubelet")
    with reporting_errors():
        if tests_itself:
            from dockcred.commands.doctor import self_test  # noqa: PLC0415 - rarely used

            sys.exit(self_test.run(environment.current()))
        if undo:
            fix.undo(environment.current())
            return
        reference = Reference(name) if name else None
        service = _service(unit, clients)
        variables = service.environment() if service else environment.current()
        if service and (why := service.become()):
            warn(why)

        def followed() -> Examination:
            with progress("following the request") as tell:
                found = examination.examine(
                    reference, variables, clients, tell, service
                )
            _show(found, as_json=as_json)
            return found

        found = followed()
        if fixes and (planned := fix.safe(found.problems, variables)):
            if fix.is_agreed(planned, yes=yes):
                fix.carry_out(planned, variables)
                found = followed()
        elif fixes:
            click.echo("no remedy can be carried out and taken back", err=True)
    sys.exit(found.status)


def _show(found: Examination, *, as_json: bool) -> None:
    if as_json:
        click.echo(found.document())
        return
    for line in way.lines(found, min(way.WIDTH, console.width)):
        console.print(line, soft_wrap=True, highlight=False)


def _service(unit: str | None, clients: tuple[str, ...]) -> services.SystemdUnit | None:
    """Return the systemd unit to ask as: the one named, or the followed agent's own."""
    if unit:
        if found := services.service(unit):
            return found
        raise InvalidInputError(f"no unit {unit!a} is here", "name it, or its file")
    if len(clients) == 1 and clients[0] in agents.AGENTS:
        return services.agent(clients[0])
    return None
