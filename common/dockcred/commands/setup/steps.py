"""The steps of a plan: each describes itself, saves the state before, and runs."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import click

from dockcred import wiring
from dockcred.clients.edit import apply, json_text, past, toml_text
from dockcred.clients.edit.client_file import EditableFile
from dockcred.commands import install
from dockcred.commands.configure.identity import RegistryText
from dockcred.commands.import_ import copy_logins
from dockcred.commands.setup import journal
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.stores import server_keys
from dockcred.system import file_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dockcred.clients.edit import Path, Syntax, WantedValue
    from dockcred.commands.setup.journal import Journal
    from dockcred.commands.setup.logins import Clear
    from dockcred.credential import Credential


class ConfigText(RegistryText):
    """The syntax of config.toml: settings in entries, and settings before them."""

    def get(self, text: str, path: Path, /) -> Any:
        """Return a setting, or ABSENT."""
        if len(path) == 1:
            return toml_text.get(text, path)
        return super().get(text, path)

    def put(self, text: str, path: Path, value: Any, /) -> str:
        """Return the text with a setting added or replaced."""
        if len(path) == 1:
            return toml_text.put(text, path, value)
        return super().put(text, path, value)

    def drop(self, text: str, path: Path, /) -> str:
        """Return the text without a setting that it has."""
        if len(path) == 1:
            return toml_text.drop(text, path)
        return super().drop(text, path)


SYNTAXES: dict[str, Syntax] = {
    "json": json_text,
    "toml": toml_text,
    "config": ConfigText(),
}


_AUTO = "docker-credential-auto"


class Step:
    """One step: verb `do`, object `what`, place `where`, reason `why`."""

    def __init__(self, do: str, what: str, where: str, why: str) -> None:
        """Keep the words that describe the step."""
        self.do, self.what, self.where, self.why = do, what, where, why

    def document(self) -> dict[str, str]:
        """Return the step as a JSON object of the plan."""
        return {"do": self.do, "what": self.what, "where": self.where, "why": self.why}

    def keep(self, kept: Journal) -> None:
        """Add to the journal the state that the step will change."""
        raise NotImplementedError

    def carry_out(self) -> None:
        """Do the step; a step that is done already changes nothing."""
        raise NotImplementedError


class Launchers(Step):
    """Put launchers into a directory, or links if we are installed as one file."""

    def __init__(self, directory: str, programs: Sequence[str]) -> None:
        """Hold the programs' names; in the directory, each is free or ours."""
        super().__init__(
            "install",
            _named(programs),
            directory,
            "clients find helpers by PATH, and a cached answer takes 2 ms",
        )
        self._programs = programs

    def keep(self, kept: Journal) -> None:
        """Save what has these names now."""
        for name in self._programs:
            target = os.path.join(self.where, name)
            kept.add(journal.saved(target))
            kept.add_directory_of(target)

    def carry_out(self) -> None:
        """Write the launchers or the links."""
        if install.is_one_file():
            install.link(self.where, self._programs)
        else:
            install.put(self.where, {name: name for name in self._programs})


def _named(programs: Sequence[str]) -> str:
    first = _AUTO if _AUTO in programs else programs[0]
    others = len(programs) - 1
    return f"{first} and {others} others" if others else first


class FileEdit(Step):
    """Change keys of a client's file, or of config.toml."""

    def __init__(
        self,
        path: str,
        syntax: str,
        wanted: Callable[[str], list[WantedValue]],
        what: str,
        why: str,
        *,
        do: str = "configure",
    ) -> None:
        """Plan the change; raise InvalidInputError if the file has another syntax.

        Raises OSError if this user cannot write the file, before anything is changed.
        """
        self._file = EditableFile(path, SYNTAXES[syntax])
        self._syntax = syntax
        self._wanted = wanted
        self.is_needed = self._file.configure(wanted).past is not None
        super().__init__(do, what, self._file.path, why)
        if self.is_needed and file_lock.obstacle(self.where, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self.where)

    def keep(self, kept: Journal) -> None:
        """Save the file, and the keys that will change."""
        text = (past.read(self.where) or b"").decode()
        _, changes = apply(SYNTAXES[self._syntax], text, self._wanted(text))
        kept.add(journal.saved(self.where, self._syntax, changes))
        kept.add_directory_of(self.where)

    def carry_out(self) -> None:
        """Write the keys."""
        if self._file.commit(self._wanted).past is not None:
            click.echo(f"wrote {self.where}")


class Move:
    """Moves the logins of one file into the keychain, in two steps."""

    def __init__(self, logins: Sequence[Clear], store: str, strict: set[str]) -> None:
        """Hold logins of one file; setup stops if a `strict` key cannot be kept."""
        self.origin = logins[0].origin
        self.keys = [login.key for login in logins]
        self.names = ", ".join(f"{login.name} ({login.user})" for login in logins)
        self.store = store
        self.strict = strict
        self.safe: list[str] = []

    def steps(self) -> tuple[Step, Step]:
        """Return the step that copies, and the one that removes.

        Between the two, clients are set up to ask the keychain.
        """
        return _Copy(self), _Remove(self)


class _Copy(Step):
    def __init__(self, move: Move) -> None:
        super().__init__(
            "keep",
            move.names,
            move.store,
            f"anybody who reads {move.origin.path} has them",
        )
        self._move = move

    def keep(self, kept: Journal) -> None:
        """Save which of the logins the keychain does not have yet."""
        for key in self._move.keys:
            server = server_keys.parse(key)
            if server is None or key in kept.stored:
                continue
            if not server_keys.same(server, wiring.keychain_for(server).list()):
                kept.stored.append(key)

    def carry_out(self) -> None:
        """Copy the logins, read each back; InvalidInputError if one would be lost."""
        move = self._move
        move.safe = copy_logins(move.origin, move.keys)
        lost = sorted(move.strict - set(move.safe))
        if lost:
            raise InvalidInputError(
                f"{', '.join(lost)} could not be kept, and {move.origin.path} stays as"
                " it is",
                "see above, then run: dockcred setup, which goes on; or: dockcred"
                " setup --undo",
            )


class _Remove(Step):
    def __init__(self, move: Move) -> None:
        super().__init__(
            "remove",
            move.names,
            move.origin.path,
            "they are in the keychain then, read back equal",
        )
        self._move = move

    def keep(self, kept: Journal) -> None:
        """Save the file, with marks in place of secrets."""
        origin = self._move.origin
        logins: dict[str, Credential] = {}
        for key in self._move.keys:
            if found := origin.read(key):
                logins[key] = found
        if origin.path not in kept.files:
            kept.add(journal.saved(origin.path, "json"))
        journal.hide(kept.files[origin.path], logins)

    def carry_out(self) -> None:
        """Remove the logins that are safe in the keychain."""
        gone = self._move.origin.remove(self._move.safe)
        if gone:
            click.echo(f"removed {len(gone)} from {self.where}")


def erase(key: str) -> None:
    """Remove a login from the keychain; InvalidInputError if the keychain fails.

    A login that is not there is no error.
    """
    server = server_keys.parse(key)
    if server is None:
        return
    try:
        wiring.keychain_for(server).erase(server)
    except DockcredError as failure:
        raise InvalidInputError(
            f"{key} stays in the keychain ({failure.cause})",
            "see to the store, then run: dockcred setup --undo",
        ) from None
