"""`dockcred install`: put the fast, isolated launchers on the PATH."""

from __future__ import annotations

import compileall
import os
import sys
import sysconfig

import click

from dockcred.commands.console import console, examples, refusing
from dockcred.errors import InvalidInputError
from dockcred.launcher import render, safety
from dockcred.registry_table import PROGRAMS, provider

_MARK = "written by `dockcred install`"


def _default_directory() -> str:
    return "/usr/local/bin" if os.geteuid() == 0 else os.path.expanduser("~/.local/bin")


@click.command(
    epilog=examples(
        "dockcred install",
        "dockcred install --dir /opt/bin --programs docker-credential-ecr-login",
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
@click.option("--remove", is_flag=True, help="Take away what install has put there.")
def install(directory: str, programs: str | None, *, remove: bool) -> None:
    """Put the fast launchers of the helpers into a directory on the PATH.

    They start this Python isolated, and answer a fresh cache hit without it.
    """
    with refusing():
        names = _chosen(programs)
        directory = os.path.abspath(directory)
        if remove:
            _remove(directory, names)
        else:
            _install(directory, names)


def _chosen(programs: str | None) -> list[str]:
    names = programs.split(",") if programs else list(PROGRAMS)
    for name in names:
        if name not in PROGRAMS:
            raise InvalidInputError(
                f"there is no program {name!a}", f"choose of {', '.join(PROGRAMS)}"
            )
    return names


def _install(directory: str, names: list[str]) -> None:
    os.makedirs(directory, mode=0o755, exist_ok=True)
    python = os.path.realpath(sys.executable)
    imports = _import_directories()
    for path in (directory, python, *imports):
        safety.check(path)
    compileall.compile_dir(os.path.dirname(os.path.dirname(__file__)), quiet=2)
    for name in names:
        target = os.path.join(directory, name)
        if os.path.lexists(target) and not _is_ours(target):
            raise InvalidInputError(
                f"{target} is there and is not ours", "move it away, or choose --dir"
            )
        # The front's clock is a pipe in /proc: it has been run on Linux only.
        fronted = sys.platform == "linux" and PROGRAMS[name]
        served = provider(PROGRAMS[name]) if fronted else None
        _write(target, render.launcher(name, python, imports, served))
        console.print(f"wrote {target}", highlight=False)
    if directory not in os.environ.get("PATH", "").split(":"):
        console.print(f"[yellow]{directory} is not on your PATH[/]", highlight=False)


def _import_directories() -> tuple[str, ...]:
    """Name where our two roots and the SDKs are: -I -S reads no .pth file."""
    import docker_credential_ecr_login as a_helper  # noqa: PLC0415 - names a root

    found = [
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
        os.path.dirname(os.path.abspath(a_helper.__file__)),
        sysconfig.get_path("purelib"),
        sysconfig.get_path("platlib"),
    ]
    return tuple(dict.fromkeys(found))


def _write(target: str, text: str) -> None:
    aside = f"{target}.{os.getpid()}.new"
    with open(aside, "x", encoding="ascii") as file:
        file.write(text)
    os.chmod(aside, 0o755)  # noqa: S103 - a program is for all to run
    os.rename(aside, target)


def _remove(directory: str, names: list[str]) -> None:
    for name in names:
        target = os.path.join(directory, name)
        if os.path.lexists(target) and _is_ours(target):
            os.unlink(target)
            console.print(f"removed {target}", highlight=False)


def _is_ours(path: str) -> bool:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return _MARK in file.read(500)
    except OSError:
        return False
