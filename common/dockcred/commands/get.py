"""`dockcred get`: one registry's credential, for a person or a pipe."""

from __future__ import annotations

import time
from datetime import datetime

import click

from dockcred import api
from dockcred.commands.console import console, errors, examples, refusing, stdout
from dockcred.commands.masking import mask
from dockcred.errors import CredentialsNotFoundError, MissingIdentityError


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
    with refusing():
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


def _resolve(host: str) -> api.Credential:
    try:
        return api.resolve(host)
    except CredentialsNotFoundError:
        raise MissingIdentityError(
            f"no identity answers for {host}", f"see: dockcred doctor {host}"
        ) from None
