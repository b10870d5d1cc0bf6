"""`dockcred configure`: have a client ask our helpers, and undo that.

What each client's file looks like is in `clients`; here are the options.
"""

from __future__ import annotations

import click

from dockcred.commands.configure.agents import for_kubelet, for_nomad
from dockcred.commands.configure.clients import docker, helm, podman
from dockcred.commands.console import examples
from dockcred.commands.help import HelpfulGroup


@click.group(
    cls=HelpfulGroup,
    epilog=examples(
        "dockcred configure docker --all",
        "dockcred configure podman --all --dry-run",
        "dockcred configure docker --undo",
    ),
)
def configure() -> None:
    """Have a client ask our helpers for its registries' credentials.

    The client's own file is edited: all else in it stays, a backup is kept beside it,
    and --undo gives it back to the byte.
    """


for command in (docker, helm, podman, for_nomad, for_kubelet):
    configure.add_command(command)
