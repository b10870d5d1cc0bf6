"""The options that the commands of `dockcred configure` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from dockcred.commands.configure import carry_out

Command = Callable[..., Any]

REGISTRY = click.option(
    "--registry",
    "registries",
    metavar="HOST",
    multiple=True,
    help="A registry that the helper answers for; may be repeated.",
)
ALL = click.option(
    "--all", "everything", is_flag=True, help="The helper answers for every registry."
)
HELPER = click.option(
    "--helper",
    metavar="NAME",
    default="auto",
    show_default=True,
    shell_complete=carry_out.complete_helper,
    help="The helper, as in docker-credential-NAME.",
)
_DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Write nothing; show what would change."
)
_UNDO = click.option("--undo", is_flag=True, help="Give back what was there before.")


def options(*own: Command) -> Callable[[Command], Command]:
    """Give a command these options, and those that every client has."""

    def decorate(command: Command) -> Command:
        for option in (_UNDO, _DRY_RUN, *reversed(own)):
            command = option(command)
        return command

    return decorate
