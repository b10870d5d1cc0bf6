"""The page of `dockcred`, or of one of its subcommands, from what --help prints."""

from __future__ import annotations

from collections.abc import Iterator

import click

from dockcred.environment import meanings
from dockcred.manual.roff import Page
from dockcred.version import __version__

_HELPER = "docker-credential-auto"
_STATUS = {"dockcred doctor": "0 for health, 1 for warnings, 2 for errors."}
_ANY_STATUS = (
    "0 for success; 1 for a failure, whose cause and remedy stand in one line on "
    "stderr; 2 for a wrong command line; where a COMMAND is run, its own."
)
_AS_IT_IS = "\b"
"""By which a text tells click, and us, to keep a paragraph's lines."""


def pages(command: click.Command, context: click.Context) -> dict[str, str]:
    """Answer the pages of a command and of all below it, by file name."""
    found = {f"{_name(context)}.1": _page(command, context)}
    for part, below in _below(command, context):
        found |= pages(below, click.Context(below, context, part))
    return found


def _below(
    command: click.Command, context: click.Context
) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            below = command.get_command(context, part)
            if below is not None and not below.hidden:
                yield part, below


def _name(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _page(command: click.Command, context: click.Context) -> str:
    page = Page(_name(context), __version__, _summary(command))
    page.section("SYNOPSIS")
    usage = command.collect_usage_pieces(context)
    page.paragraph(" ".join([context.command_path, *usage]))
    page.section("DESCRIPTION")
    _paragraphs(page, command.help or "")
    page.section("OPTIONS")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            page.item(*record)
    if isinstance(command, click.Group):
        page.section("COMMANDS")
        for part, below in _below(command, context):
            page.item(part, f"{_summary(below)}: {_name(context)}-{part}(1)")
    if command.epilog:
        page.section("EXAMPLES")
        _paragraphs(page, command.epilog.replace("Examples:\n", ""))
    if context.parent is None:
        page.section("ENVIRONMENT")
        for variable, meaning in meanings.ALL.items():
            page.item(variable, meaning)
    page.section("EXIT STATUS")
    page.paragraph(_STATUS.get(context.command_path, _ANY_STATUS))
    page.section("SEE ALSO")
    page.paragraph(f"{_name(context.parent) if context.parent else _HELPER}(1)")
    return str(page)


def _summary(command: click.Command) -> str:
    first = (command.help or "").strip().partition("\n\n")[0]
    return " ".join(first.split()).removesuffix(".")


def _paragraphs(page: Page, text: str) -> None:
    for paragraph in text.split("\n\n"):
        if paragraph.strip().startswith(_AS_IT_IS):
            page.as_it_is(paragraph.replace(_AS_IT_IS, "").strip("\n").split("\n"))
        elif paragraph.strip():
            page.paragraph(paragraph)
