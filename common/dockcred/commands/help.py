"""Help with typing a command: lists, suggestions for misspelt words, completion.

Two options for kubelet's images are here as well, since two commands have them.
"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from dockcred.commands.console import examples, meant, reporting_errors
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    _Choice = click.Choice[str]
else:
    _Choice = click.Choice  # it takes no type before click 8.2

_WHOLE = 1000
"""How many characters of a summary click lists: none is longer, so none is cut."""


class HelpfulGroup(click.Group):
    """A group that lists whole sentences, and suggests a command for a misspelt one.

    `sections` has the titles of its list, each with the summaries of its commands by
    name. Without sections all commands stand in one list, with their own summaries.
    """

    sections: dict[str, dict[str, str]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sections = kwargs.pop("sections", {})
        super().__init__(*args, **kwargs)

    def format_commands(
        self, context: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the list, folded between words."""
        for title, rows in self.listed(context).items():
            if rows:  # the one-file dockcred has no commands for operators
                with formatter.section(title):
                    formatter.write_dl(list(rows.items()))

    def listed(self, context: click.Context) -> dict[str, dict[str, str]]:
        """Return what is listed: titles, names and summaries."""
        names = self.list_commands(context)
        if self.sections:
            return {
                title: {name: rows[name] for name in rows if name in names}
                for title, rows in self.sections.items()
            }
        found = ((name, self.get_command(context, name)) for name in names)
        return {
            "Commands": {
                name: command.get_short_help_str(_WHOLE)
                for name, command in found
                if command and not command.hidden
            }
        }

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is called; fail with a suggestion without one."""
        name = args[0]
        # A shell that asks for completions after an unknown word gets none, no error.
        is_word = not name.startswith("-") and not context.resilient_parsing
        if is_word and self.get_command(context, name) is None:
            asked = self.meant(context, name)
            context.fail(f"No such command {name!r}.{asked}")
        return super().resolve_command(context, args)

    def meant(self, context: click.Context, name: str) -> str:
        """Return a question that suggests a similar command, or nothing."""
        return meant(name, self.list_commands(context))

    def shell_complete(
        self, context: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """Return commands and options; commands in sections are not loaded for it."""
        if not self.sections:
            return super().shell_complete(context, incomplete)
        rows = self.listed(context).values()
        found = [
            CompletionItem(name, help=summary)
            for each in rows
            for name, summary in each.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, context, incomplete)


class Choice(_Choice):
    """One of some values; the error for a misspelt one suggests a similar one."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Return the value; raise click.BadParameter for any other."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            text = f"{error.message}{meant(str(value), self.choices)}"
            raise click.BadParameter(text, ctx, param) from None


def complete_host(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the known registries that begin with what was typed; no network is used.

    Returns none if a file is broken: nobody reads an error while typing.
    """
    del context, parameter
    from dockcred.commands.known import Survey  # noqa: PLC0415 - for a shell only
    from dockcred.system import environment  # noqa: PLC0415

    try:
        found = Survey(environment.current()).hosts(with_keychain=False)
    except Exception:  # noqa: BLE001 - see above
        return []
    return [host for host in found if host.startswith(incomplete.lower())]


def complete(*names: str) -> Callable[..., list[str]]:
    """Return a function for click that completes one of these words."""

    def found(
        _context: click.Context, _parameter: click.Parameter, incomplete: str
    ) -> list[str]:
        return [name for name in names if name.startswith(incomplete)]

    return found


COMPLETING = "_DOCKCRED_COMPLETE"
"""The variable in which click's script asks for completions.

click derives it from the program's name.
"""


def know_powershell(asked: str) -> None:
    """Register PowerShell with click, if `asked` begins with its name."""
    if asked.startswith("powershell"):
        from dockcred.commands import powershell  # noqa: F401, PLC0415 - it registers


@click.command(
    epilog=examples(
        "source <(dockcred completion bash)",
        "dockcred completion bash >~/.local/share/bash-completion/completions/dockcred",
        "dockcred completion powershell | Out-String | Invoke-Expression",
        'dockcred completion zsh >"${fpath[1]}/_dockcred"',
        "dockcred completion fish >~/.config/fish/completions/dockcred.fish",
    )
)
@click.argument("shell", type=Choice(("bash", "zsh", "fish", "powershell")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for a shell: commands, options, known registries."""
    with reporting_errors():
        know_powershell(shell)
        script = get_completion_class(shell)
        if script is None:
            raise InvalidInputError(f"click knows no {shell}", "update click")
        program = context.find_root().command
        click.echo(script(program, {}, "dockcred", COMPLETING).source())


PATTERNS = click.option(
    "--registry",
    "patterns",
    metavar="PATTERN",
    multiple=True,
    help="Images for which kubelet asks the provider; * matches within one label.",
)
EVERY_CLOUD = click.option(
    "--all",
    "everything",
    is_flag=True,
    help="All registries of the clouds that we know.",
)
