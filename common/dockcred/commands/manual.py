"""`dockcred manual`: the manual pages in roff, for those who installed by pip.

They are made from the programs' help texts and docstrings; none is written by hand.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from dockcred import protocol, wiring
from dockcred.commands.console import console, examples, reporting_errors
from dockcred.system import hardening
from dockcred.system.environment import meanings, oidc, programs
from dockcred.system.version import __version__
from dockcred.wiring import PROGRAMS


class Page:
    """One page of section 1, written from top to bottom."""

    def __init__(self, name: str, version: str, summary: str) -> None:
        """Begin with the title and NAME, which apropos(1) reads."""
        title = name.upper().replace("-", "\\-")
        self._lines = [f'.TH {title} 1 "" "dockcred {version}" "User Commands"']
        self.section("NAME")
        self._lines.append(f"{_text(name)} \\- {_text(summary)}")

    def section(self, title: str) -> None:
        """Begin a section."""
        self._lines.append(f".SH {title}")

    def paragraph(self, text: str) -> None:
        """Write one paragraph, which man folds between words."""
        self._lines += [".PP", _line(" ".join(text.split()))]

    def as_it_is(self, lines: Iterable[str]) -> None:
        """Write lines that keep their line ends and blanks, such as commands."""
        self._lines += [".PP", ".nf", *map(_line, lines), ".fi"]

    def item(self, tag: str, text: str) -> None:
        """Write one entry of a list: the tag, and below it what it means."""
        self._lines += [".TP", f"\\fB{_text(tag)}\\fR", _line(" ".join(text.split()))]

    def __str__(self) -> str:
        """Return the page's source."""
        return "\n".join([*self._lines, ""])


def _text(text: str) -> str:
    """Escape the characters that are special in roff; a hyphen stays a hyphen."""
    for plain, written in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga")):
        text = text.replace(plain, written)
    return text.replace("…", "...").encode("ascii", "replace").decode("ascii")


def _line(text: str) -> str:
    """Escape a line; one that begins with a dot must not become a request to roff."""
    written = _text(text)
    return f"\\&{written}" if written.startswith(".") else written


_HELPER = "docker-credential-auto"
_STATUS = {
    "dockcred doctor": "0 for works and anonymous; 1 for broken, and for anonymous "
    "where a credential must be had; 2 for a wrong command line.",
    "dockcred status": "0; 1 if something that is configured cannot work, or nobody "
    "answers for HOST.",
}
_ANY_STATUS = (
    "0 for success; 1 for a failure, whose cause and remedy stand in one line on "
    "stderr; 2 for a wrong command line; where a COMMAND is run, its own."
)
_AS_IT_IS = "\b"
"""Begins a paragraph of a help text whose lines click, and this module, keep."""


def pages(command: click.Command, context: click.Context) -> dict[str, str]:
    """Return the pages of a command and of all below it, by file name."""
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


VERBS = {
    "get": "read a registry from stdin, and answer its credential as one line of JSON",
    "store": "read a credential as JSON from stdin, and keep it; a helper of a cloud "
    "keeps nothing, and says so",
    "erase": "read a registry from stdin, and drop what is kept or cached for it",
    "list": "answer the registries that `get` is answered for, with their users, as "
    "JSON",
    "version": "print the version",
}
_OF_PROGRAM = {
    "docker-credential-keyring": programs.KEYCHAIN_MEANINGS,
    "docker-credential-oidc": oidc.MEANINGS,
    "docker-credential-auto": meanings.ALL,
    protocol.PLUGIN: meanings.ALL,
}


def page(program: str) -> str:
    """Return the page of a program that is listed in wiring.PROGRAMS."""
    summary, *paragraphs = _said(program)
    written = Page(program, __version__, summary)
    written.section("SYNOPSIS")
    written.paragraph(protocol.USAGE.format(program).removeprefix("Usage: "))
    written.section("DESCRIPTION")
    for paragraph in paragraphs:
        written.paragraph(paragraph)
    if program == protocol.PLUGIN:
        written.paragraph(
            "Without a verb it reads a CredentialProviderRequest from stdin, and "
            "answers a CredentialProviderResponse."
        )
    written.paragraph(
        'A failure is one line on stdout and stderr. "credentials not found in native '
        'keychain" means only that the client may go on anonymously.'
    )
    written.section("VERBS")
    for verb, meaning in VERBS.items():
        written.item(verb, meaning)
    _variables(written, program)
    written.section("FILES")
    written.item(
        "/etc/dockcred/config.toml, ~/.config/dockcred/config.toml",
        "which identity serves which registry",
    )
    written.item("~/.cache/dockcred", "the cache of tokens, for its owner alone")
    written.section("EXIT STATUS")
    written.paragraph("0 for an answer, 1 for none.")
    written.section("SEE ALSO")
    written.paragraph("dockcred(1), dockcred-doctor(1)")
    return str(written)


def _variables(written: Page, program: str) -> None:
    name = wiring.PROGRAMS[program]
    served = wiring.provider(name) if name else None
    own = served.names.MEANINGS if served else _OF_PROGRAM.get(program, {})
    written.section("ENVIRONMENT")
    for variable, meaning in (meanings.OURS | own).items():
        written.item(variable, meaning)
    if served:
        names = {*served.variables, *served.secrets} - {*own, *meanings.OURS}
        written.item("Heard besides", ", ".join(sorted(names)))


def _said(program: str) -> list[str]:
    """Return the docstring of a program's module: a summary, then the paragraphs.

    The module is not run. Raises ImportError if it is not installed.
    """
    spec = importlib.util.find_spec(program.replace("-", "_"))
    if spec is None or spec.loader is None or not hasattr(spec.loader, "get_source"):
        raise ImportError(f"{program} is not installed beside dockcred")
    module = ast.parse(spec.loader.get_source(spec.name))
    text = ast.get_docstring(module) or ""
    summary, *paragraphs = text.removeprefix(f"{program}: ").split("\n\n")
    return [" ".join(summary.split()).removesuffix("."), *paragraphs]


def all_pages() -> dict[str, str]:
    """Return the pages of `dockcred`, its subcommands and all helpers, by file name."""
    from dockcred.commands import main  # noqa: PLC0415 - which loads this command

    helpers = {f"{program}.1": page(program) for program in PROGRAMS}
    top = click.Context(main, info_name="dockcred")
    return pages(main, top) | helpers


@click.command(
    epilog=examples(
        "dockcred manual ~/.local/share/man/man1",
        "man docker-credential-auto",
    )
)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def manual(directory: Path) -> None:
    """Write the manual pages of all programs into DIRECTORY."""
    with reporting_errors(), hardening.as_called():
        directory.mkdir(parents=True, exist_ok=True)
        pages = all_pages()
        for name, text in pages.items():
            (directory / name).write_text(text, encoding="ascii")
    console.print(f"{len(pages)} pages in {directory}", highlight=False, markup=False)
