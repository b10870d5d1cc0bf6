"""`dockcred doctor`: follow one request as the client makes it.

examination                      the checks in the order in which a request meets them
client_files, containers_files   what docker and podman find in their files
entries                          one credential in such a file
helpers                          the program on PATH, and its answer
case                             who answers, and what the cache holds
registry, realm                  whether the registry takes the credential
"""

from __future__ import annotations

import sys

import click

from dockcred.clients.reference import Reference
from dockcred.commands.console import errors, examples, reporting_errors
from dockcred.commands.doctor import examination
from dockcred.commands.findings import tell
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

    With a repository the credential is tried at the registry. No secret is shown.
    The exit status is 0 for health, 1 for warnings alone and 2 for errors.
    """
    with reporting_errors():
        reference = Reference(name) if name else None
        shown = reference.name if reference else "this machine"
        with errors.status("following the request") as progress:
            findings = list(
                examination.examine(
                    reference, environment.current(), clients, progress.update
                )
            )
        status = tell(shown, findings, as_json=as_json)
    sys.exit(status)
