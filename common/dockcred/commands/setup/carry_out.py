"""Carries a plan out behind its journal, and undoes what the journal says."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from dockcred import wiring
from dockcred.clients.edit import ABSENT, past, revert
from dockcred.clients.entries import Login, entry
from dockcred.commands.setup import journal
from dockcred.commands.setup.steps import SYNTAXES, erase
from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.protocol.launcher import render as launcher_render
from dockcred.stores.auth_file import AuthFile
from dockcred.stores.problems import KeychainError
from dockcred.system import file_lock, private_file, shared_file, toml_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dockcred.commands.setup.journal import Journal, Saved
    from dockcred.commands.setup.steps import Step
    from dockcred.credential import Credential


def carry_out(steps: Iterable[Step], kept: Journal) -> None:
    """Write down what is there, then do the steps; each leaves clients at work.

    Whoever is stopped in between goes on by the same call, or undoes what was done.
    """
    steps = list(steps)
    _remove_leftovers(kept)
    for step in steps:
        step.keep(kept)
    if steps:
        kept.write()
    for step in steps:
        step.carry_out()


def _remove_leftovers(kept: Journal) -> None:
    """Remove what a killed run has left beside a file that needs no change any more.

    A backup, too, may have a login yet that was moved into the keychain.
    """
    for path, file in kept.files.items():
        with suppress(OSError, InvalidInputError):
            if file.syntax and os.path.isdir(os.path.dirname(path)):
                with file_lock.beside(path):
                    private_file.remove_leftovers(*os.path.split(path))
                    past.remove_moved(path)


def undo_in_words(kept: Journal) -> list[str]:
    """Return what an undo gives back, and what it cannot."""
    said = []
    for file in kept.files.values():
        if not file.syntax:
            continue
        if file.text is None:
            said.append(f"{file.path}, key by key: its logins were written unusually")
        elif file.kind == journal.NOTHING:
            said.append(f"{file.path} goes, as it was not there before")
        else:
            said.append(f"{file.path}, byte for byte unless others have changed it")
        if since := _logins_since(file):
            said.append(
                f"logins made since stay in the keychain: {', '.join(since)}; log in"
                " again after the undo"
            )
    programs = [file for file in kept.files.values() if not file.syntax]
    if programs:
        where = os.path.dirname(programs[0].path)
        said.append(f"{len(programs)} programs in {where}, as they were")
    if kept.stored:
        names = ", ".join(kept.stored)
        said.append(f"logins leave the keychain, readable in files again: {names}")
        said.append("the keychain's own files keep nothing of them, in other bytes")
    return said


def _logins_since(file: Saved) -> list[str]:
    """Return the keys that a login has left in a file since: the keychain has those."""
    if file.syntax != "json":
        return []
    text = (past.read(file.path) or b"").decode()
    there = SYNTAXES["json"].get(text, ("auths",))
    before = SYNTAXES["json"].get(file.text or "", ("auths",))
    known = {*file.moved, *(before if isinstance(before, dict) else ())}
    table = there if isinstance(there, dict) else {}
    return sorted(key for key, login in table.items() if not login and key not in known)


def undo(kept: Journal) -> None:
    """Restore every file as it was; then the keychain, and remove the journal last.

    Raises InvalidInputError before anything is undone where a login that was moved
    cannot be read in the keychain.
    """
    logins = {path: _logins(file) for path, file in kept.files.items()}
    for path, file in reversed(kept.files.items()):
        if file.syntax:
            _give_back(file, logins[path])
    for file in reversed(kept.files.values()):
        if not file.syntax:
            _give_back_program(file)
    for key in kept.stored:
        erase(key)
    kept.end()


def _logins(file: Saved) -> dict[str, Credential]:
    """Return the logins that were moved out of a file, from there or the keychain."""
    if not file.moved:
        return {}
    there = AuthFile(file.path)
    found = {}
    for key in file.moved:
        login = None
        with suppress(KeychainError):
            login = there.read(key)
        found[key] = login or _stored(key)
    return found


def _stored(key: str) -> Credential:
    server = ServerURL.parse(key)
    try:
        return wiring.keychain_for(server).get(server)
    except DockcredError as failure:
        raise InvalidInputError(
            f"{key} cannot be given back ({failure.cause}), and nothing is undone yet",
            "see to the store, then run: dockcred setup --undo",
        ) from None


def _give_back(file: Saved, logins: Mapping[str, Credential]) -> None:
    """Restore a client's file, and what `configure` keeps beside it."""
    if not os.path.isdir(os.path.dirname(file.path)):
        return
    with file_lock.beside(file.path):
        private_file.remove_leftovers(*os.path.split(file.path))
        for _ in shared_file.attempts():
            before = past.read(file.path)
            after = _before_us(file, before, logins)
            if before == after or shared_file.swap(file.path, before, after):
                break
        else:
            raise InvalidInputError(
                f"another program goes on changing {file.path}",
                "try again when that has ended",
            )
        for ending in file.beside:
            text = file.companion(ending, logins)
            if text is None:
                past.remove(file.path + ending)
            else:
                private_file.replace(file.path + ending, text)
    click.echo(f"{'removed' if after is None else 'restored'} {file.path}")


def _before_us(
    file: Saved, data: bytes | None, logins: Mapping[str, Credential]
) -> bytes | None:
    """Return a file without our changes: its own bytes where nobody else changed it."""
    original = None if file.kind == journal.NOTHING else file.original(logins)
    if data is None:
        return original
    syntax = SYNTAXES[file.syntax]
    text, _ = revert(syntax, data.decode(), file.edits())
    for key, login in logins.items():
        if syntax.get(text, ("auths", key)) in (ABSENT, {}):
            if syntax.get(text, ("auths",)) in (ABSENT, None):
                text = syntax.put(text, ("auths",), {})
            text = syntax.put(text, ("auths", key), entry(Login(key, login)))
    if file.kind == journal.NOTHING and syntax.is_blank(text):
        return None
    if original is not None and _read(file, text) == _read(file, original.decode()):
        return original
    return text.encode()


def _read(file: Saved, text: str) -> Any:
    """Return what a text says, whatever its layout."""
    if file.syntax != "json":
        return toml_table.loads(text)
    found = json.loads(text) if text.strip() else {}
    # A table that we have made and that is empty again says nothing.
    return {name: value for name, value in found.items() if value not in ({}, None)}


def _give_back_program(file: Saved) -> None:
    """Restore what had a launcher's name, unless another has taken it since."""
    private_file.remove_leftovers(*os.path.split(file.path))
    is_ours = launcher_render.written_for(file.path) or os.path.islink(file.path)
    if os.path.lexists(file.path) and not is_ours:
        return
    if file.kind == journal.NOTHING:
        past.remove(file.path)
    elif not os.path.isdir(os.path.dirname(file.path)):
        return
    elif file.kind == journal.LINK:
        private_file.replace_by_link(file.path, file.text or "")
    else:
        private_file.replace(file.path, file.original({}) or b"", file.mode)
