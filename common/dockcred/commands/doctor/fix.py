"""`dockcred doctor --fix` and `--undo`: carry out safe remedies, and take them back.

A remedy is safe if each of its commands has an inverse. It is shown first, and run
without a shell. Before a command is run, its inverse is saved in
$XDG_STATE_HOME/dockcred/fixes.json.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
from typing import TYPE_CHECKING

import click

from dockcred.clients import helm
from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import past
from dockcred.clients.findings import command
from dockcred.commands.console import has_person, warn
from dockcred.errors import InvalidInputError
from dockcred.system import file_lock, people

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.clients.findings import Finding
    from dockcred.system.environment import Environment

Words = list[str]
_LIMIT_S = 60
_KEPT = ".before-fix"


def safe(problems: Iterable[Finding], environment: Environment) -> list[str]:
    """Return the remedies that can be taken back, in the order of the problems."""
    found = []
    for fix in dict.fromkeys(problem.fix for problem in problems if problem.fix):
        commands = _commands(fix)
        if all(_is_safe(words, environment) for words in commands):
            found.append(fix)
    return found


def _commands(fix: str) -> list[Words]:
    """Return the commands that `&&` joins."""
    commands: list[Words] = [[]]
    for word in shlex.split(fix):
        if word == "&&":
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def _is_safe(words: Words, environment: Environment) -> bool:
    """Return whether a command changes only this user's files, and has an inverse."""
    match words:
        case ["chmod", _, path]:
            return file_lock.is_mine(path)
        case ["rm", path]:
            return os.path.islink(path)
        case ["mv", _, new]:
            return not os.path.lexists(new)
        case ["rmdir", _]:
            return True
        case ["sed", "-i", _, path]:
            return file_lock.is_mine(path) and not os.path.lexists(path + _KEPT)
        case ["dockcred", "install", "--dir", _, "--programs", _]:
            return True
        case ["dockcred", "configure", client, *_]:
            # An undo would take back what was configured before, too.
            places = {"docker": docker_edit.path, "helm": helm.path}
            place = places.get(client)
            return place is not None and past.load(place(environment)) is None
        case _:
            return False


def _inverse(words: Words) -> Words:
    """Return the inverse of a safe command, from the state before that is run.

    It is empty if there is nothing to take back.
    """
    match words:
        case ["chmod", _, path]:
            return ["chmod", f"{stat.S_IMODE(os.stat(path).st_mode):o}", path]
        case ["rm", path]:
            return ["ln", "-s", os.readlink(path), path]
        case ["mv", old, new]:
            return ["mv", new, old]
        case ["rmdir", path]:
            return ["mkdir", "-m", f"{stat.S_IMODE(os.stat(path).st_mode):o}", path]
        case ["sed", "-i", _, path]:
            return ["mv", path + _KEPT, path]
        case ["dockcred", "install", "--dir", directory, "--programs", program]:
            there = os.path.lexists(os.path.join(directory, program))
            return [] if there else [*words, "--remove"]
        case ["dockcred", "configure", client, *_]:
            return ["dockcred", "configure", client, "--undo"]
        case _:
            return []


class Fixes:
    """The saved commands that take back what was done, the newest first."""

    def __init__(self, environment: Environment) -> None:
        """Read the saved commands; raise InvalidInputError if their file is damaged."""
        people.require_home(environment, "XDG_STATE_HOME")
        home = environment.path("XDG_STATE_HOME", ".local/state")
        self._path = f"{home}/dockcred/fixes.json"
        try:
            self.commands: list[Words] = json.loads(past.read(self._path) or b"[]")
        except ValueError:
            raise InvalidInputError(
                f"{self._path} is damaged", "move it away; what was fixed stays"
            ) from None

    def add(self, words: Words) -> None:
        """Save the inverse of the command that is run next."""
        self.commands.insert(0, words)
        self._write()

    def drop(self) -> None:
        """Forget the newest one, after it was run."""
        del self.commands[0]
        self._write()

    def _write(self) -> None:
        if not self.commands:
            past.remove(self._path)
            return
        past.write(self._path, json.dumps(self.commands, indent=1).encode())


def carry_out(fixes: Iterable[str], environment: Environment) -> None:
    """Run the remedies; raise InvalidInputError at the first that fails."""
    kept = Fixes(environment)
    for fix in fixes:
        for words in _commands(fix):
            if not _is_safe(words, environment):
                continue  # an earlier one has done it, or has moved it away
            if back := _inverse(words):
                kept.add(back)
            if words[0] == "sed":
                _run(["cp", "-p", words[-1], words[-1] + _KEPT])
            _run(words)


def undo(environment: Environment) -> None:
    """Run the saved commands, the newest first; warn of each that fails."""
    kept = Fixes(environment)
    if not kept.commands:
        click.echo("nothing to undo")
    while kept.commands:
        words = kept.commands[0]
        if not _is_undone(words):
            try:
                _run(words)
            except InvalidInputError as error:
                warn(f"not taken back: {error}")
        kept.drop()


def _is_undone(words: Words) -> bool:
    """Return whether there is nothing to take back: the remedy was never run."""
    if words[0] == "mv":
        return not os.path.lexists(words[1])
    return words[0] in {"ln", "mkdir"} and os.path.lexists(words[-1])


def _run(words: Words) -> None:
    """Run a command, ours in this process; raise InvalidInputError where it fails."""
    click.echo(command(*words))
    if words[0] == "dockcred":
        from dockcred.commands import main  # noqa: PLC0415 - it imports this

        try:
            main.main(words[1:], standalone_mode=False)
        except SystemExit as end:
            if end.code:
                raise InvalidInputError(
                    f"{command(*words)} has failed", "see above"
                ) from None
        return
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise InvalidInputError(
            f"{command(*words)} has failed", said[-1] if said else "run it by hand"
        )


def is_agreed(fixes: Iterable[str], *, yes: bool) -> bool:
    """Show what would be run, and ask; InvalidInputError without a terminal."""
    click.echo("to be run, and taken back by dockcred doctor --undo:", err=True)
    for fix in fixes:
        click.echo(f"  {fix}", err=True)
    if yes:
        return True
    if not has_person():
        raise InvalidInputError(
            "nothing is changed yet: there is no terminal to ask on", "add --yes"
        )
    return click.confirm("Go on?", default=True, err=True)
