"""`dockcred get` and `dockcred list`: one credential, and the servers that have one."""

from __future__ import annotations

import time

import click
from rich.table import Table

from dockcred import protocol, wiring
from dockcred.api import resolve
from dockcred.clients.reference import Reference
from dockcred.commands import shape
from dockcred.commands.console import (
    console,
    errors,
    examples,
    mask,
    progress,
    reporting_errors,
    stdout,
    until,
)
from dockcred.commands.help import complete_host
from dockcred.commands.known import Survey
from dockcred.errors import CredentialsNotFoundError, DockcredError
from dockcred.system import environment


@click.command(
    epilog=examples(
        "dockcred get 123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "dockcred get ghcr.io --password | docker login ghcr.io -u me --password-stdin",
        "dockcred get ghcr.io --json | jq -r '.registries[0].expires'",
    ),
)
@click.argument("host", shell_complete=complete_host)
@click.option(
    "--password",
    is_flag=True,
    help="Print only the password, for --password-stdin; refused on a terminal.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def get(host: str, *, password: bool, as_json: bool) -> None:
    """Show the user name that a client gets for HOST, and until when it is valid.

    The password is shown with --password only, and never in JSON.
    """
    if password and as_json:
        raise click.UsageError("--password and --json exclude each other")
    if password and stdout().isatty():
        raise click.UsageError("a password is not shown: pipe it to --password-stdin")
    with reporting_errors():
        with progress(f"asking for {host}"):
            credential = _resolve(host)
        if password:
            mask([credential])
            click.echo(credential.secret.encode())
            return
        known = _known(host, credential)
        if as_json:
            click.echo(shape.document(registries=[known.document(time.time())]))
            return
        _say(f"user      {credential.username}")
        if known.answerer.source:
            _say(f"by        {known.answerer.said()}")
        _say(f"expires   {until(credential.expires_at)}")


def _known(host: str, credential: resolve.Credential) -> shape.Known:
    """Return what is known of a registry for which a credential was just fetched."""
    known = Survey(environment.current()).describe(host)
    held = known.answerer
    if known.state in {shape.CONFIGURED, shape.OVER, shape.NOBODY}:
        known.state = shape.ANSWERED
    if held.expires_at != credential.expires_at:
        held.issued_at = credential.issued_at or None
    held.user, held.expires_at = credential.username, credential.expires_at
    return known


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def _resolve(host: str) -> resolve.Credential:
    try:
        return resolve.resolve(host)
    except CredentialsNotFoundError as error:
        raise resolve.unanswered(host, error) from None


@click.command(
    "list",
    epilog=examples(
        "dockcred list",
        "dockcred list --json",
    ),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def list_(*, as_json: bool) -> None:
    """List the registries that have a credential, with their user names.

    These are the registries that are cached or in the keychain, those that config.toml
    and docker's credHelpers name, and the registry of your own identity. Each cloud is
    asked once at most.
    """
    with reporting_errors():
        store = protocol.forwarded(environment.current()) or wiring.auto_store()
        with progress("asking the clouds that are configured"):
            found = store.list()
        if store.left_out and not found and not as_json:
            raise store.left_out
        if as_json:
            click.echo(_listed(found, store.left_out))
            return
    if store.left_out:
        errors.print(f"left out: {store.left_out}", highlight=False, markup=False)
    if not found:
        console.print("nothing is cached, and no identity here names a registry")
    else:
        table = Table("registry", "user", box=None, pad_edge=False)
        for host, user in sorted(found.items()):
            table.add_row(host, user)
        console.print(table)


def _listed(found: dict[str, str], left_out: DockcredError | None) -> str:
    """Return the list as JSON: what is known of each registry, and what is left out."""
    survey = Survey(environment.current())
    now = time.time()
    rows = []
    for key, user in sorted(found.items()):
        known = survey.describe(key)
        known.answerer.user = user
        rows.append({**known.document(now), "registry": Reference(key).name})
    problems = [shape.problem_of(left_out)] if left_out else []
    return shape.document(registries=rows, problems=problems)
