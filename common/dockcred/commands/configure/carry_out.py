"""What every `configure` does with its edits, and the options they share."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Callable, Iterable
from typing import Any

import click

from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import WantedValue, past, whole_text
from dockcred.clients.edit.client_file import Edit, EditableFile
from dockcred.clients.reference import keys
from dockcred.commands.console import warn
from dockcred.errors import InvalidInputError
from dockcred.wiring import PROGRAMS

_PREFIX = "docker-credential-"


def complete_helper(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the helpers for the shell."""
    return [name for name in _helpers() if name.startswith(incomplete)]


def check_helper(name: str) -> None:
    """Refuse a helper that is neither ours nor there; warn of one that is not there."""
    found = shutil.which(_PREFIX + name)
    if not found and name not in _helpers():
        raise InvalidInputError(
            f"there is no helper {name!a}", f"choose of {', '.join(_helpers())}"
        )
    if not found:
        warn(f"{_PREFIX}{name} is not on your PATH; run: dockcred install")


def check_chosen(registries: tuple[str, ...], *, everything: bool) -> None:
    """Refuse a call that names no registries."""
    if not registries and not everything:
        raise InvalidInputError("no registry is named", "use --registry HOST or --all")


def all_keys(registries: Iterable[str], hub: tuple[str, ...]) -> list[str]:
    """Return every key for some registries, each once."""
    found = [key for registry in registries for key in keys(registry, hub)]
    return list(dict.fromkeys(found))


def change(
    file: EditableFile,
    wanted: Callable[[str], list[WantedValue]],
    *,
    dry_run: bool,
    aside: bool = False,
) -> None:
    """Write values to a file and say so, or show the difference.

    `aside` says it on stderr, where stdout has a text of its own.
    """
    planned = file.configure(wanted) if dry_run else file.commit(wanted)
    if planned.past is None:
        click.echo(f"{file.path} says so already", err=aside)
    elif dry_run:
        click.echo(_difference(planned), nl=False, err=aside)
    else:
        click.echo(f"wrote {file.path}", err=aside)


def change_whole(file: EditableFile, text: str, *, dry_run: bool) -> None:
    """Write a file that is all ours; raise InvalidInputError where another's is."""

    def wanted(there: str) -> list[WantedValue]:
        if there and there != text and not file.is_ours():
            raise InvalidInputError("it is not ours", "name another file")
        return [WantedValue(whole_text.WHOLE, text)]

    change(file, wanted, dry_run=dry_run)


def undo(files: Iterable[EditableFile], *, dry_run: bool) -> None:
    """Undo our changes and write how; files without one are passed over."""
    nothing = True
    made: list[str] = []
    for file in files:
        planned = file.undo() if dry_run else file.give_back()
        if planned is None:
            continue
        nothing = False
        if dry_run:
            click.echo(_difference(planned), nl=False)
            continue
        made += planned.made
        click.echo(_told(planned))
        for lost in planned.lost:
            warn(f"{'.'.join(lost.path) or 'it'} was changed since and stays as it is")
    past.remove_directories(made)
    if nothing:
        click.echo("nothing to undo")


def _told(planned: Edit) -> str:
    if planned.after is None:
        return f"removed {planned.path}, which was not there before"
    if planned.untouched:
        return f"restored {planned.path}, byte for byte"
    if planned.after == planned.before:
        return f"left {planned.path} as it is; others have changed it since"
    return f"took our keys out of {planned.path}; others have changed it since"


def _difference(planned: Edit) -> str:
    return "".join(
        difflib.unified_diff(
            _lines(planned.before),
            _lines(planned.after),
            _name(planned.before, planned.path),
            _name(planned.after, planned.path),
        )
    )


def _name(data: bytes | None, path: str) -> str:
    return "/dev/null" if data is None else path


def _lines(data: bytes | None) -> list[str]:
    text = (data or b"").decode()
    if text.lstrip().startswith("{"):
        text = docker_edit.masked(text)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n\\ No newline at end of file\n"
    return lines


def _helpers() -> list[str]:
    return [name.removeprefix(_PREFIX) for name in PROGRAMS if name.startswith(_PREFIX)]


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
    shell_complete=complete_helper,
    help="The helper, as in docker-credential-NAME.",
)
_DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Write nothing; show what would change."
)
_UNDO = click.option("--undo", is_flag=True, help="Give back what was there before.")


def options(*own: Command) -> Callable[[Command], Command]:
    """Add these options to a command, and those that every client has."""

    def decorate(command: Command) -> Command:
        for option in (_UNDO, _DRY_RUN, *reversed(own)):
            command = option(command)
        return command

    return decorate
