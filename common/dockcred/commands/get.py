"""`dockcred get` and `dockcred list`: one credential, and the servers that have one."""

from __future__ import annotations

import json
import time
from datetime import datetime

import click
from rich.table import Table

from dockcred import wiring
from dockcred.api import resolve
from dockcred.commands.console import (
    console,
    errors,
    examples,
    mask,
    reporting_errors,
    stdout,
)
from dockcred.errors import CredentialsNotFoundError


@click.command(
    epilog=examples(
        "dockcred get 123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "dockcred get ghcr.io --password | docker login ghcr.io -u me --password-stdin",
    ),
)
@click.argument("host")
@click.option(
    "--password",
    is_flag=True,
    help="Print the password alone, for --password-stdin; refused on a terminal.",
)
def get(host: str, *, password: bool) -> None:
    """Show who would be let into HOST, as whom and until when."""
    if password and stdout().isatty():
        raise click.UsageError("a password is not shown: pipe it to --password-stdin")
    with reporting_errors():
        with errors.status(f"asking for {host}"):
            credential = _resolve(host)
        if password:
            mask([credential])
            click.echo(credential.secret.encode())
            return
        console.print(f"user      {credential.username}", highlight=False, markup=False)
        if credential.expires_at is None:
            console.print("expires   never, as far as its issuer says")
        else:
            ends = datetime.fromtimestamp(credential.expires_at).astimezone()
            minutes = int((credential.expires_at - time.time()) // 60)
            console.print(
                f"expires   {ends:%Y-%m-%d %H:%M:%S %z}, in {minutes} min",
                highlight=False,
            )


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
    """List the registries that would be answered, and as whom.

    What is cached or in the keychain, what config.toml and docker's credHelpers name,
    and the registry of your own identity: each cloud is asked once at most.
    """
    with reporting_errors():
        store = wiring.auto_store()
        with errors.status("asking the clouds that are configured"):
            found = store.list()
        if store.left_out and not found and not as_json:
            raise store.left_out
    if store.left_out:
        errors.print(f"left out: {store.left_out}", highlight=False, markup=False)
    if as_json:
        click.echo(json.dumps(found, sort_keys=True))
    elif not found:
        console.print("nothing is cached, and no identity here names a registry")
    else:
        table = Table("registry", "user", box=None, pad_edge=False)
        for host, user in sorted(found.items()):
            table.add_row(host, user)
        console.print(table)
