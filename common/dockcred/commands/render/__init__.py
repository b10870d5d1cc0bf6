"""`dockcred render FORMAT`: write credentials for a client that calls no helper.

The formats are in `clients`. This package has the options, and writes the output.
"""

from __future__ import annotations

import inspect
from typing import Any

import click

from dockcred.api.many import resolve_logins
from dockcred.clients import formats
from dockcred.clients.entries import earliest_end
from dockcred.commands.console import examples, mask, reporting_errors, warn
from dockcred.commands.help import HelpfulGroup
from dockcred.commands.render import output
from dockcred.commands.render.options import LOGINS, OUTPUT, chosen, of_format
from dockcred.commands.render.output import EXAMPLES, KUBELET_CONFIG, kubelet_config


class _Formats(HelpfulGroup):
    """One subcommand per format, created when it is called or listed."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the names of the formats."""
        del context
        return sorted((*formats.FORMATS, KUBELET_CONFIG))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Create the command of one format; None for an unknown name."""
        del context
        if name == KUBELET_CONFIG:
            return kubelet_config
        return _command(name) if name in formats.FORMATS else None


@click.command(
    cls=_Formats,
    subcommand_metavar="FORMAT [OPTIONS]",
    epilog=examples(
        "dockcred render docker-config --registry ghcr.io --output /kaniko/.docker/",
        "dockcred render kubernetes-secret --registry ghcr.io --namespace apps |",
        "    kubectl apply --server-side -f -",
        "dockcred render user-pass --registry ghcr.io | base64 -w0",
    ),
)
def render() -> None:
    """Write credentials in the format of a client that cannot call a helper.

    Credentials are requested now, from the sources that docker-credential-auto would
    ask. What is written is valid as long as the credential in it: a minute, an hour,
    half a day.
    """


def _command(name: str) -> click.Command:
    form = formats.load(name)

    def run(
        registries: tuple[str, ...],
        sources: tuple[str, ...],
        min_life: float,
        path: str | None,
        *,
        show: bool,
        **given: Any,
    ) -> None:
        if not show:
            output.refuse_terminal(path)
        with reporting_errors():
            place = output.place_for(path, form.FILE)
            options = chosen(given)
            logins = resolve_logins(
                registries, policy=output.policy(sources), min_life_s=min_life
            )
            data = formats.render(name, logins, options)
            for caution in formats.cautions(name, logins):
                warn(caution)
            if not place:
                mask(login.credential for login in logins)
            output.write(data, place, earliest_end(logins))

    told = inspect.getdoc(form) or ""
    summary = told.partition("\n")[0].removesuffix(".")
    command = click.command(
        name, help=told, short_help=summary, epilog=examples(*EXAMPLES[name])
    )(run)
    for option in (*LOGINS, *of_format(form), *OUTPUT):
        command = option(command)
    return command
