"""`dockcred doctor`: follow one request as the client makes it.

examination                      the checks in the order in which a request meets them
client_files, containers_files   what docker and podman find in their files
entries                          one credential in such a file
helpers                          the program on PATH, and its answer
case                             who answers, and what the cache holds
registry, realm                  whether the registry takes the credential
machine                          home, sudo, snap, the PATH of services
verdict, way                     works, anonymous or broken, and how it is shown
remedies                         what fits this machine, shell and person
"""

from __future__ import annotations

import sys

import click

from dockcred.clients.reference import Reference
from dockcred.commands.console import console, errors, examples, reporting_errors
from dockcred.commands.doctor import examination, way
from dockcred.commands.help import Choice, complete_host
from dockcred.system import environment


@click.command(
    epilog=examples(
        "dockcred doctor",
        "dockcred doctor 123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "dockcred doctor ghcr.io/acme/app --client podman",
        "env -i PATH=/usr/bin:/bin dockcred doctor HOST    # as an agent would",
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
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def doctor(name: str | None, clients: tuple[str, ...], *, as_json: bool) -> None:
    """Follow one request as the client makes it, and say where it goes wrong.

    The verdict is one of three: it works, it goes anonymously, or it is broken. With a
    repository the credential is tried at the registry. No secret is shown. The exit
    status is 1 for what is broken, and for anonymous where a credential must be had
    (DOCKCRED_ANONYMOUS=false, or anonymous = false in config.toml), else 0.
    """
    with reporting_errors():
        reference = Reference(name) if name else None
        with errors.status("following the request") as progress:
            found = examination.examine(
                reference, environment.current(), clients, progress.update
            )
        if as_json:
            click.echo(found.document())
        else:
            for line in way.lines(found, min(way.WIDTH, console.width)):
                console.print(line, soft_wrap=True, highlight=False)
    sys.exit(found.status)
