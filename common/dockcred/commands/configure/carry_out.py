"""Write, show and undo the edits of all `configure` commands; their common options."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Callable, Collection, Iterable
from typing import Any

import click

from dockcred import wiring
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import WantedValue, WholeText, past
from dockcred.clients.edit.client_file import Edit, EditableFile
from dockcred.clients.entries import Login, entry
from dockcred.clients.findings import command
from dockcred.clients.reference import keys
from dockcred.commands.console import has_person, warn
from dockcred.commands.help import complete_host
from dockcred.commands.import_ import copy_logins
from dockcred.credential import Credential, ServerURL
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.stores.auth_file import AuthFile
from dockcred.wiring import PROGRAMS

_PREFIX = "docker-credential-"


def complete_helper(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the names of our helpers for the shell's completion."""
    return [name for name in _helpers() if name.startswith(incomplete)]


def check_helper(name: str) -> None:
    """Raise InvalidInputError for a helper that is neither ours nor on PATH.

    A helper of ours that is not on PATH is only warned of.
    """
    found = shutil.which(_PREFIX + name)
    if not found and name not in _helpers():
        raise InvalidInputError(
            f"there is no helper {name!a}", f"choose of {', '.join(_helpers())}"
        )
    if not found:
        warn(f"{_PREFIX}{name} is not on your PATH; run: dockcred install")


def check_chosen(registries: tuple[str, ...], *, everything: bool) -> None:
    """Raise InvalidInputError if a call names no registries."""
    if not registries and not everything:
        raise InvalidInputError("no registry is named", "use --registry HOST or --all")


def all_keys(registries: Iterable[str], hub: tuple[str, ...]) -> list[str]:
    """Return all keys that a client has for these registries, each once.

    `hub` are the client's keys for Docker Hub.
    """
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

    With `aside` that goes to stderr, because stdout has a text of its own.
    """
    planned = file.configure(wanted) if dry_run else file.commit(wanted)
    if planned.past is None:
        click.echo(f"{file.path} says so already", err=aside)
    elif dry_run:
        click.echo(_difference(planned), nl=False, err=aside)
    else:
        click.echo(f"wrote {file.path}", err=aside)


def change_whole(file: EditableFile, text: str, *, dry_run: bool) -> None:
    """Write a file that is all ours; InvalidInputError if a file of others is there."""

    def wanted(there: str) -> list[WantedValue]:
        if there and there != text and not file.is_ours():
            raise InvalidInputError("it is not ours", "name another file")
        return [WantedValue(WholeText.WHOLE, text)]

    change(file, wanted, dry_run=dry_run)


KEEPING = frozenset(("auto", "keyring"))
"""The helpers that answer from the store into which `import` puts logins."""


def offer_import(
    path: str, source: str, hidden: Collection[str], *, at_once: bool, dry_run: bool
) -> None:
    """Import the logins that a change hides, if that is wanted; else print how.

    Without `at_once` a person at a terminal is asked. Raises InvalidInputError if a
    login cannot be imported: the change is not made yet then.
    """
    hidden = sorted(set(hidden))
    if not hidden:
        return
    words = command("dockcred", "import", source)
    if dry_run or not (at_once or is_asked("Import them into the store now?")):
        warn(f"to go on using them, run: {words}")
        return
    if not set(hidden) <= set(copy_logins(AuthFile(path), hidden)):
        raise InvalidInputError(
            f"not all logins could be imported, and {path} stays as it is",
            f"see above; then run: {words}",
        )


def is_asked(question: str) -> bool:
    """Ask a yes-or-no question on a terminal; return False without a terminal."""
    return has_person() and click.confirm(question, default=True, err=True)


def _give_back_logins(
    file: EditableFile,
    others: Collection[EditableFile],
    *,
    logins: bool | None,
    dry_run: bool,
) -> None:
    """Write imported logins back in the clear, if the client loses them by the undo.

    The helper that is asked for them may be named in one of `others`. Raises
    InvalidInputError if `logins` is None and nobody agrees, or if a login cannot be
    read from the store.
    """
    planned = file.undo()
    stranded: Collection[str] = planned.stranded if planned else ()
    if planned is None and any(other.undo() for other in others):
        stranded = file.unfound()
    if not stranded:
        return
    names = ", ".join(stranded)
    warn(
        f"import --remove has moved logins out of {file.path} into the store, which is"
        f" not asked any more after the undo: {names}"
    )
    if dry_run or logins is False:
        return
    if logins is None and not is_asked("Write them back, in the clear?"):
        raise InvalidInputError(
            "nothing is undone yet",
            "add --logins to have them written back in the clear, or --no-logins to"
            " leave them in the store alone",
        )
    found = [Login(key, _stored(key)) for key in stranded]
    file.add([(("auths", login.registry), entry(login)) for login in found])
    if planned is None:
        past.forget(file.path)


def _stored(key: str) -> Credential:
    """Return what the store keeps for a key; InvalidInputError where it keeps none."""
    server = ServerURL.parse(key)
    try:
        return wiring.keychain_for(server).get(server)
    except DockcredError as failure:
        raise InvalidInputError(
            f"{key} cannot be given back ({failure.cause}), and nothing is undone yet",
            "see to the store, or add --no-logins",
        ) from None


def undo(
    files: Iterable[EditableFile], *, dry_run: bool, logins: bool | None = None
) -> None:
    """Undo our changes and print what is done; a file without changes is passed over.

    `logins` says whether imported logins are written back in the clear. With None a
    person is asked, if there are any.
    """
    files = list(files)
    for file in files:
        others = [other for other in files if other is not file]
        _give_back_logins(file, others, logins=logins, dry_run=dry_run)
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
    shell_complete=complete_host,
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
IMPORT = click.option(
    "--import",
    "at_once",
    is_flag=True,
    help="If logins in the file get hidden, import them into the store.",
)
LOGINS = click.option(
    "--logins/--no-logins",
    default=None,
    help="With --undo: write imported logins back in plain text, or leave them in the"
    " store.",
)
_DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Write nothing; show what would change."
)
_UNDO = click.option("--undo", is_flag=True, help="Restore what was there before.")


def options(*own: Command) -> Callable[[Command], Command]:
    """Return a decorator that adds these options, and those of every `configure`."""

    def decorate(decorated: Command) -> Command:
        for option in (_UNDO, _DRY_RUN, *reversed(own)):
            decorated = option(decorated)
        return decorated

    return decorate
