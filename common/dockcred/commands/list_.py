"""`dockcred list`: the registries whose credential is at hand, without any secret."""

from __future__ import annotations

import json

import click
from rich.table import Table

from dockcred import registry_table
from dockcred.commands.console import console, refusing


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def list_(*, as_json: bool) -> None:
    r"""List the registries that are cached or in the keychain, and as whom.

    \b
    Examples:
      dockcred list
      dockcred list --json
    """
    with refusing():
        found = registry_table.auto_store().list()
    if as_json:
        click.echo(json.dumps(found, sort_keys=True))
    elif not found:
        console.print("nothing is cached")
    else:
        table = Table("registry", "user", box=None, pad_edge=False)
        for host, user in sorted(found.items()):
            table.add_row(host, user)
        console.print(table)
