"""Keep a password that is about to be printed out of a CI system's log.

GitHub Actions and Azure Pipelines take a line of a step's output for the order to show
a text as *** from then on:
docs.github.com/actions, "Workflow commands", add-mask; learn.microsoft.com, "Logging
commands", setsecret. The helpers give no such order: their answer goes to a client, and
their stderr may be the log of a daemon, where the order itself would be the leak. So it
is for commands that print a password because somebody asked, and only where stderr is
the pipe of a step, not a file.
"""

from __future__ import annotations

import os
import stat
from base64 import b64encode
from typing import TYPE_CHECKING

import click

from dockcred import environment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.credential import Credential

_ORDERS = {"GITHUB_ACTIONS": "::add-mask::{}", "TF_BUILD": "##vso[task.setsecret]{}"}


def mask(credentials: Iterable[Credential]) -> None:
    """Order it for each password, and for the form that clients' files have it in."""
    variables = environment.current()
    orders = [order for name, order in _ORDERS.items() if variables.is_on(name)]
    if not orders or not stat.S_ISFIFO(os.fstat(2).st_mode):
        return
    for credential in credentials:
        pair = f"{credential.username}:{credential.secret}".encode()
        for text in (credential.secret, b64encode(pair).decode()):
            for order in orders:
                click.echo(order.format(_escaped(text)), err=True)


def _escaped(text: str) -> str:
    """Keep a text to one line, as the commands' values have it."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
