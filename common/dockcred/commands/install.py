"""`dockcred install`: put the fast, isolated launchers on the PATH."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from base64 import b64decode, b64encode
from collections.abc import Iterable
from importlib.util import find_spec

import click

from dockcred import system
from dockcred.commands import shims
from dockcred.commands.console import examples, reporting_errors, say, warn
from dockcred.commands.help import complete
from dockcred.errors import InvalidInputError
from dockcred.protocol.launcher import render as launcher_render
from dockcred.protocol.launcher import walls
from dockcred.system import environment, private_file
from dockcred.wiring import ALIASES, PROGRAMS, provider

_FOR_ALL_TO_RUN = 0o755
_START = "dock"  # the name of every program of ours begins with it


@click.command(
    epilog=examples(
        "dockcred install",
        "dockcred install --dir /opt/bin --programs docker-credential-ecr-login",
        "dockcred install --alias gcloud=gcr --alias env",
        "dockcred install --remove",
    )
)
@click.option(
    "--dir",
    "directory",
    metavar="DIR",
    help="The directory; the default is /usr/local/bin for root, else ~/.local/bin.",
)
@click.option(
    "--programs",
    metavar="NAME,…",
    shell_complete=complete(*PROGRAMS),
    help="Which programs, such as docker-credential-ecr-login; the default is all.",
)
@click.option(
    "--alias",
    "aliases",
    metavar="NAME[=HELPER]",
    shell_complete=complete(*ALIASES),
    multiple=True,
    help="Have docker-credential-NAME answer as docker-credential-HELPER does; of"
    f" {', '.join(ALIASES)} the name is enough.",
)
@click.option("--remove", is_flag=True, help="Remove what install has put there.")
def install(
    directory: str | None,
    programs: str | None,
    aliases: tuple[str, ...],
    *,
    remove: bool,
) -> None:
    """Put the fast launchers of the helpers into a directory on the PATH.

    A launcher answers from a fresh cache entry without Python. Otherwise it starts this
    Python, isolated. Windows runs no launchers: there the programs stay as they are.
    """
    with reporting_errors():
        if not system.RUNS_SCRIPTS:
            shims.tell(aliases, remove=remove)
            return
        directory = os.path.abspath(directory or shims.usual_directory())
        # First, so that no temporary file of a killed call is taken for an alias.
        private_file.remove_leftovers(directory, _START)
        asked = dict(
            launcher_render.parse(ALIASES.get(text, text), _programs())
            for text in aliases
        )
        if remove and asked and not programs:
            _remove(directory, asked)
            return
        chosen = _chosen(programs)
        launchers = {name: name for name in chosen} | {
            # An alias goes with its program: both are rewritten, or both removed.
            alias: program
            for alias, program in launcher_render.aliases(directory).items()
            if program in chosen
        }
        if remove:
            _remove(directory, launchers)
        else:
            put(directory, launchers | asked)


def _chosen(programs: str | None) -> list[str]:
    known = _programs()
    chosen = programs.split(",") if programs else list(known)
    for name in chosen:
        if name not in known:
            raise InvalidInputError(
                f"there is no program {name!a}", f"choose of {', '.join(known)}"
            )
    return chosen


def _programs() -> dict[str, str]:
    """Return the installed programs, each with the file of its module.

    Some may be missing: Debian has a package for each family.
    """
    specs = {name: find_spec(name.replace("-", "_")) for name in PROGRAMS}
    return {name: str(spec.origin) for name, spec in specs.items() if spec}


def missing(directory: str, path: str) -> tuple[list[str], list[str]]:
    """Return the programs to put into a directory, and the files in it of others.

    A program is left out if `path` finds it as a launcher of ours elsewhere, such as
    one of Debian's packages.
    """
    if not system.RUNS_SCRIPTS:
        return [], []
    if is_one_file():
        there = [name for name in _LINKED if shutil.which(name, path=path)]
        return [name for name in _LINKED if name not in there], []
    wanted, foreign = [], []
    for name in _programs():
        target = os.path.join(directory, name)
        runs = shutil.which(name, path=path) or target
        if runs != target and launcher_render.written_for(runs):
            continue
        if os.path.lexists(target) and not is_ours(target, name):
            foreign.append(target)
        elif _text(name) != _read(target).partition(_BEFORE)[0]:
            wanted.append(name)
    return wanted, foreign


_LINKED = ("docker-credential-auto", "docker-credential-keyring")
"""The helpers that people's clients ask.

The one-file dockcred is linked under these names: it acts as the program of its name.
"""


def put(directory: str, launchers: dict[str, str]) -> None:
    """Write launchers, each for its program.

    Raises InvalidInputError if a file of that name is not ours.
    """
    if is_one_file():
        raise InvalidInputError(
            "this dockcred is one file, which is its own launcher",
            f"link it: ln -s {sys.path[-1]} {directory}/docker-credential-ecr-login",
        )
    # Root's umask may be 077, but what root installs is for all to run.
    os.umask(0o022)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    launcher_render.check(directory)
    walls.check_source(_package(), _programs().values())
    launcher_render.compile_package(_package())
    launcher_render.compile_modules(_programs().values())
    python = os.path.realpath(sys.executable)
    for unseen in walls.check_all(python, _import_directories()):
        warn(f"who can write below {unseen} was not looked at")
    for name, program in launchers.items():
        target = os.path.join(directory, name)
        if os.path.lexists(target) and not is_ours(target, program):
            raise InvalidInputError(
                f"{target} is there and is not ours", "move it away, or choose --dir"
            )
        _write(target, _text(program) + _kept(target))
        say(f"wrote {target}")
    for text in shims.off_path(directory, environment.current().get("PATH")):
        say(text, style="yellow")


def link(directory: str, names: Iterable[str]) -> None:
    """Link the one-file dockcred under these names; files that exist stay."""
    os.makedirs(directory, mode=0o755, exist_ok=True)
    for name in names:
        target = os.path.join(directory, name)
        if not os.path.lexists(target):
            os.symlink(os.path.abspath(sys.path[-1]), target)
            say(f"wrote {target}")


def is_one_file() -> bool:
    """Return whether this is the one-file dockcred, which is its own launcher."""
    return not os.path.isdir(_package())


def is_ours(target: str, program: str) -> bool:
    """Return whether a file is ours: a launcher, or what pip has put there."""
    return bool(launcher_render.written_for(target)) or (
        launcher_render.is_entry_point(target, program)
    )


def _text(program: str) -> str:
    """Return the text of a program's launcher."""
    # front.sh measures time by a pipe in /proc, and has been run on Linux only.
    fronted = sys.platform == "linux" and PROGRAMS[program]
    served = provider(PROGRAMS[program]) if fronted else None
    python = os.path.realpath(sys.executable)
    return launcher_render.launcher(program, python, _import_directories(), served)


def _read(target: str, *, surely: bool = False) -> str:
    """Return a launcher's text; empty if there is none.

    With `surely`, a file that is there and cannot be read raises OSError.
    """
    try:
        with open(target, encoding="ascii") as file:
            return file.read()
    except (FileNotFoundError, ValueError):
        return ""
    except OSError:
        if surely:
            raise
        return ""


def _import_directories() -> tuple[str, ...]:
    """Return the directories of our two source roots and of the SDKs.

    A launcher names them, since `python -I -S` reads no .pth file.
    """
    found = [
        os.path.dirname(_package()),
        *map(os.path.dirname, _programs().values()),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
    ]
    return tuple(dict.fromkeys(found))


def _package() -> str:
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _write(target: str, text: str) -> None:
    private_file.replace(target, text.encode("ascii"), _FOR_ALL_TO_RUN)


_BEFORE = "# Before `dockcred install` here was a "
"""Begins a launcher's last line, which sh and Python never reach."""
_LINK, _SCRIPT = "link", "script"


def _kept(target: str) -> str:
    """Return the line from which `--remove` restores what pip, pipx or uv put there.

    Empty if nothing was there. A launcher that is rewritten keeps the line it has.
    """
    if launcher_render.written_for(target, surely=True):
        _, line, kept = _read(target, surely=True).partition(_BEFORE)
        return line + kept
    if os.path.islink(target):
        kind, data = _LINK, os.fsencode(os.readlink(target))
    elif os.path.isfile(target):
        with open(target, "rb") as script:
            kind, data = _SCRIPT, script.read()
    else:
        return ""
    return f"{_BEFORE}{kind}: {b64encode(data).decode()}\n"


def _remove(directory: str, launchers: Iterable[str]) -> None:
    for name in launchers:
        target = os.path.join(directory, name)
        if program := launcher_render.written_for(target, surely=True):
            _give_back(target, program)


def _give_back(target: str, program: str) -> None:
    """Restore what a launcher has replaced; if that cannot run, remove the launcher."""
    kind, _, coded = _read(target, surely=True).partition(_BEFORE)[2].partition(": ")
    data = b64decode(coded) if coded else b""
    link = os.path.join(os.path.dirname(target), os.fsdecode(data))
    shebang = os.fsdecode(data.partition(b"\n")[0]).removeprefix("#!").split(" ")[0]
    if kind == _LINK and launcher_render.is_entry_point(link, program):
        private_file.replace_by_link(target, os.fsdecode(data))
    elif kind == _SCRIPT and os.access(shebang, os.X_OK):
        private_file.replace(target, data, _FOR_ALL_TO_RUN)
    else:
        os.unlink(target)
        say(f"removed {target}")
        return
    say(f"restored {target}, as it was before")
