"""Where programs are installed, and whether that is on PATH.

On Windows, which runs no launchers, the programs stay as pip has put them.
"""

from __future__ import annotations

import os
import sys
import sysconfig

from dockcred import system
from dockcred.clients import files
from dockcred.commands.console import say
from dockcred.errors import InvalidInputError
from dockcred.protocol.launcher import render as launcher_render
from dockcred.system import environment, machine, people
from dockcred.wiring import ALIASES, PROGRAMS

_PROGRAM = "docker-credential-auto"


def directory() -> str:
    """Return where pip has put the programs; InvalidInputError if there are none."""
    user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    called = os.path.dirname(os.path.abspath(sys.argv[0]))
    for place in (called, sysconfig.get_path("scripts"), user):
        for file in files.candidates(_PROGRAM, place):
            if launcher_render.is_entry_point(file, _PROGRAM):
                return place
    raise InvalidInputError(
        "pip has put no program of dockcred on this machine",
        "run: py -m pip install --force-reinstall dockcred",
    )


def usual_directory() -> str:
    """Return where launchers go without --dir; InvalidInputError without a home."""
    if machine.is_root():
        return "/usr/local/bin"
    people.require_home(environment.current())
    return os.path.expanduser("~/.local/bin")


def directory_on(path: str) -> str:
    """Return where launchers go: the usual directory, or one of this user's on `path`.

    The usual directory is returned if it is on `path`, or if no other fits.
    """
    if not system.RUNS_SCRIPTS:
        return directory()
    usual = usual_directory()
    listed = path.split(os.pathsep)
    if usual in listed:
        return usual
    home = os.path.expanduser("~/")
    own = (each for each in listed if each.startswith(home) and _is_fit(each))
    return next(own, usual)


def _is_fit(directory: str) -> bool:
    """Return whether only this user can write a directory, outside a virtualenv."""
    try:
        launcher_render.check(directory)
    except (OSError, InvalidInputError):
        return False
    is_environment = os.path.exists(f"{os.path.dirname(directory)}/pyvenv.cfg")
    return os.access(directory, os.W_OK) and not is_environment


def off_path(directory: str, path: str) -> list[str]:
    """Return a sentence on what to run if a directory is not on PATH, else nothing."""
    listed = map(os.path.normcase, path.split(os.pathsep))
    if os.path.normcase(directory) in listed:
        return []
    text = f"{directory} is not on your PATH, and clients would not find helpers; run:"
    if system.RUNS_SCRIPTS:
        more = f'export PATH="{directory}:$PATH", and put that into your profile'
        return [f"{text} {more}"]
    own = "[Environment]::GetEnvironmentVariable('Path', 'User')"
    more = f"[Environment]::SetEnvironmentVariable('Path', {own} + ';{directory}'"
    return [f"{text} {more}, 'User'), and open a new terminal"]


def tell(aliases: tuple[str, ...], *, remove: bool) -> None:
    """Print, on Windows, where the programs are and that they stay.

    Raises InvalidInputError for an alias, since that would be a launcher.
    """
    place = directory()
    for text in aliases:
        known = dict.fromkeys(PROGRAMS)
        alias, program = launcher_render.parse(ALIASES.get(text, text), known)
        (ending,) = {os.path.splitext(f)[1] for f in files.candidates(program, place)}
        old, new = (os.path.join(place, f"{name}{ending}") for name in (program, alias))
        raise InvalidInputError(
            "an alias is a launcher, and Windows runs none",
            f"run: Copy-Item '{old}' '{new}'",
        )
    if remove:
        say("nothing was installed: the programs go with dockcred itself")
        return
    say(f"the programs in {place} stay as they are: Windows runs no launchers")
    for text in off_path(place, environment.current().get("PATH")):
        say(text, style="yellow")
