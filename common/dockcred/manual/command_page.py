"""The page of `dockcred`, or of one of its subcommands, from what --help prints."""

from __future__ import annotations

import click

from dockcred.environment import meanings
from dockcred.manual.roff import Page
from dockcred.version import __version__

_AS_IT_IS = "\b"
"""By which a text tells click, and us, to keep a paragraph's lines."""


def pages(command: click.Command, name: str) -> dict[str, str]:
    """Answer the pages of a command and of all below it, by file name."""
    context = click.Context(command, info_name=name.replace("-", " "))
    found = {f"{name}.1": _page(command, context, name)}
    if isinstance(command, click.Group):
        for part in command.list_commands(context):
            below = command.get_command(context, part)
            if below is not None and not below.hidden:
                found |= pages(below, f"{name}-{part}")
    return found


def _page(command: click.Command, context: click.Context, name: str) -> str:
    page = Page(name, __version__, _summary(command))
    page.section("SYNOPSIS")
    usage = command.collect_usage_pieces(context)
    page.paragraph(" ".join([str(context.info_name), *usage]))
    page.section("DESCRIPTION")
    _paragraphs(page, command.help or "")
    page.section("OPTIONS")
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            page.item(*record)
    if isinstance(command, click.Group):
        page.section("COMMANDS")
        for part in command.list_commands(context):
            below = command.get_command(context, part)
            if below is not None and not below.hidden:
                page.item(part, f"{_summary(below)}: {name}-{part}(1)")
    if command.epilog:
        page.section("EXAMPLES")
        _paragraphs(page, command.epilog.replace("Examples:\n", ""))
    if name == "dockcred":
        page.section("ENVIRONMENT")
        for variable, meaning in meanings.ALL.items():
            page.item(variable, meaning)
    _end(page, name)
    return str(page)


def _end(page: Page, name: str) -> None:
    page.section("EXIT STATUS")
    if name == "dockcred-doctor":
        page.paragraph("0 for health, 1 for warnings, 2 for errors.")
    else:
        page.paragraph(
            "0 for success; 1 for a failure, whose cause and remedy stand in one line "
            "on stderr; 2 for a wrong command line; where a COMMAND is run, its own."
        )
    parent, _, _ = name.rpartition("-")
    page.section("SEE ALSO")
    page.paragraph(f"{parent}(1)" if parent else "docker-credential-auto(1)")


def _summary(command: click.Command) -> str:
    first = (command.help or "").strip().partition("\n\n")[0]
    return " ".join(first.split()).removesuffix(".")


def _paragraphs(page: Page, text: str) -> None:
    for paragraph in text.split("\n\n"):
        if paragraph.strip().startswith(_AS_IT_IS):
            page.as_it_is(paragraph.replace(_AS_IT_IS, "").strip("\n").split("\n"))
        elif paragraph.strip():
            page.paragraph(paragraph)
