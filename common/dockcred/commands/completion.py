"""`dockcred completion`: the script that completes `dockcred` in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from dockcred.commands.console import examples, reporting_errors
from dockcred.errors import InvalidInputError

_VARIABLE = "_DOCKCRED_COMPLETE"
"""By which click's script asks the program, as click derives it from its name."""


@click.command(
    epilog=examples(
        "source <(dockcred completion bash)",
        "dockcred completion bash >~/.local/share/bash-completion/completions/dockcred",
        'dockcred completion zsh >"${fpath[1]}/_dockcred"',
        "dockcred completion fish >~/.config/fish/completions/dockcred.fish",
    )
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell."""
    with reporting_errors():
        script = get_completion_class(shell)
        if script is None:
            raise InvalidInputError(f"click knows no {shell}", "update click")
        program = context.find_root().command
        click.echo(script(program, {}, "dockcred", _VARIABLE).source())
