"""`dockcred exec`: run a command that is logged in, and leave nothing behind."""

from __future__ import annotations

import os
import sys

import click

from dockcred import environment
from dockcred.commands.console import examples, refusing, warn
from dockcred.commands.exec_.becoming import become
from dockcred.commands.exec_.configuration import Configuration, Wanted
from dockcred.commands.starting import not_started
from dockcred.ephemeral.directory import is_in_memory, private_directory
from dockcred.system import process


@click.command(
    "exec",
    epilog=examples(
        "dockcred exec --registry ghcr.io -- docker pull ghcr.io/me/app",
        "dockcred exec --registry ghcr.io -- helm push app-1.0.tgz oci://ghcr.io/me",
        "dockcred exec --registry ghcr.io --secret -- contrast generate app.yml",
    ),
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--registry",
    "registries",
    metavar="HOST",
    multiple=True,
    required=True,
    help="A registry that the command is logged in to; may be repeated.",
)
@click.option(
    "--config",
    metavar="FILE",
    help="The config.toml that says whom to be there; for the command as well.",
)
@click.option("--only", is_flag=True, help="Hide the logins for all other registries.")
@click.option(
    "--secret",
    is_flag=True,
    help="Write the password into config.json, for what cannot call a helper.",
)
@click.option(
    "--secret-variable",
    is_flag=True,
    help="Set DOCKER_AUTH_CONFIG to it, for what reads nothing else.",
)
@click.option(
    "--home",
    is_flag=True,
    help="Set HOME to a view of it with that config.json in .docker.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(
    *,
    registries: tuple[str, ...],
    config: str | None,
    only: bool,
    secret: bool,
    secret_variable: bool,
    home: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND logged in to each HOST, by configuration files of its own.

    They name our helper, so that COMMAND may live longer than a password, and end with
    it. Contexts, plugins, proxies and other registries' logins are as without. This
    process becomes COMMAND: its signals, limits and exit status are its own.
    """
    wanted = Wanted(registries, only, secret, secret_variable, home)
    pinned = {"DOCKCRED_CONFIG": os.path.abspath(config)} if config else {}
    with refusing():
        variables = environment.current().with_values(pinned)
        with private_directory(variables) as directory:
            if secret and not is_in_memory(directory):
                warn(f"there is no place in memory; the password is in {directory}")
            changed = Configuration(directory, wanted, variables).write()
            try:
                with process.AsCalled():
                    become(command, os.environ | pinned | changed)
            except OSError as error:
                sys.exit(not_started("dockcred exec", command[0], error))
