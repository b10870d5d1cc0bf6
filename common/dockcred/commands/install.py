"""`dockcred install`: put the fast, isolated launchers on the PATH."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable
from importlib.util import find_spec

import click

from dockcred.commands.console import console, examples, reporting_errors, warn
from dockcred.errors import InvalidInputError
from dockcred.protocol.launcher import render as launcher_render
from dockcred.protocol.launcher import walls
from dockcred.system import private_file
from dockcred.wiring import PROGRAMS, provider

_FOR_ALL_TO_RUN = 0o755
_START = "dock"  # of every program of ours


def _default_directory() -> str:
    return "/usr/local/bin" if os.geteuid() == 0 else os.path.expanduser("~/.local/bin")


@click.command(
    epilog=examples(
        "dockcred install",
        "dockcred install --dir /opt/bin --programs docker-credential-ecr-login",
        "dockcred install --alias gcloud=gcr --alias acr=acr-login",
        "dockcred install --remove",
    )
)
@click.option(
    "--dir",
    "directory",
    default=_default_directory,
    metavar="DIR",
    help="Where to; /usr/local/bin for root, else ~/.local/bin.",
)
@click.option(
    "--programs",
    metavar="NAME,…",
    help="Which programs, such as docker-credential-ecr-login; all without it.",
)
@click.option(
    "--alias",
    "aliases",
    metavar="NAME=HELPER",
    multiple=True,
    help="Have docker-credential-NAME answer as docker-credential-HELPER does.",
)
@click.option("--remove", is_flag=True, help="Take away what install has put there.")
def install(
    directory: str, programs: str | None, aliases: tuple[str, ...], *, remove: bool
) -> None:
    """Put the fast launchers of the helpers into a directory on the PATH.

    They start this Python isolated, and answer a fresh cache hit without it.
    """
    with reporting_errors():
        directory = os.path.abspath(directory)
        # Before a launcher that a killed call has left aside is taken for an alias.
        private_file.remove_leftovers(directory, _START)
        asked = dict(launcher_render.parse(text, _programs()) for text in aliases)
        if remove and asked and not programs:
            _remove(directory, asked)
            return
        chosen = _chosen(programs)
        launchers = {name: name for name in chosen} | {
            # An alias is as old as its program: both are written anew, or removed.
            alias: program
            for alias, program in launcher_render.aliases(directory).items()
            if program in chosen
        }
        if remove:
            _remove(directory, launchers)
        else:
            _install(directory, launchers | asked)


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
    """Return what is installed, and where: Debian has a package for each family."""
    specs = {name: find_spec(name.replace("-", "_")) for name in PROGRAMS}
    return {name: str(spec.origin) for name, spec in specs.items() if spec}


def _install(directory: str, launchers: dict[str, str]) -> None:
    if not os.path.isdir(_package()):
        raise InvalidInputError(
            "this dockcred is one file, which is its own launcher",
            f"link it: ln -s {sys.path[-1]} {directory}/docker-credential-ecr-login",
        )
    # Root's umask may be 077, but what root installs is for all to run.
    os.umask(0o022)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    python = os.path.realpath(sys.executable)
    imports = _import_directories()
    launcher_render.check(directory)
    walls.check_source(_package(), _programs().values())
    launcher_render.compile_package(_package())
    launcher_render.compile_modules(_programs().values())
    for unseen in walls.check_all(python, imports):
        warn(f"who can write below {unseen} was not looked at")
    for name, program in launchers.items():
        target = os.path.join(directory, name)
        ours = launcher_render.written_for(target) or launcher_render.is_entry_point(
            target, program
        )
        if os.path.lexists(target) and not ours:
            raise InvalidInputError(
                f"{target} is there and is not ours", "move it away, or choose --dir"
            )
        # The front's clock is a pipe in /proc: it has been run on Linux only.
        fronted = sys.platform == "linux" and PROGRAMS[program]
        served = provider(PROGRAMS[program]) if fronted else None
        _write(target, launcher_render.launcher(program, python, imports, served))
        _say(f"wrote {target}")
    if directory not in os.environ.get("PATH", "").split(":"):
        _say(f"{directory} is not on your PATH", style="yellow")


def _import_directories() -> tuple[str, ...]:
    """Return where our two roots and the SDKs are: -I -S reads no .pth file."""
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


def _remove(directory: str, launchers: Iterable[str]) -> None:
    for name in launchers:
        target = os.path.join(directory, name)
        if launcher_render.written_for(target, surely=True):
            os.unlink(target)
            _say(f"removed {target}")


def _say(text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
