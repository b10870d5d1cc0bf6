"""Carry a plan out after writing the journal, and undo what the journal holds."""

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
    """Write the journal, then do the steps; clients work after each step.

    After an interruption, the same call goes on, and undo() takes back what was done.
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
    """Remove what a killed run left beside a file that needs no more change.

    A backup may also still hold a login that was moved into the keychain.
    """
    for path, file in kept.files.items():
        with suppress(OSError, InvalidInputError):
            if file.syntax and os.path.isdir(os.path.dirname(path)):
                with file_lock.beside(path):
                    private_file.remove_leftovers(*os.path.split(path))
                    past.remove_moved(path)


def undo_in_words(kept: Journal) -> list[str]:
    """Return what an undo restores, and what it cannot, one sentence each."""
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
    """Return the keys of logins made since, which are in the keychain, not the file."""
    if file.syntax != "json":
        return []
    text = (past.read(file.path) or b"").decode()
    there = SYNTAXES["json"].get(text, ("auths",))
    before = SYNTAXES["json"].get(file.text or "", ("auths",))
    known = {*file.moved, *(before if isinstance(before, dict) else ())}
    table = there if isinstance(there, dict) else {}
    return sorted(key for key, login in table.items() if not login and key not in known)


def undo(kept: Journal) -> None:
    """Restore every file, then clean the keychain, and remove the journal last.

    Raises InvalidInputError before any change if a moved login cannot be read from the
    keychain.
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
    """Return the logins moved out of a file, from the file itself or the keychain."""
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
    """Restore a client's file, and the files that `configure` keeps beside it."""
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
    """Return a file without our changes; its original bytes if only we changed it."""
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
    """Return the content of a text as data, whatever its layout."""
    if file.syntax != "json":
        return toml_table.loads(text)
    found = json.loads(text) if text.strip() else {}
    # An empty table may be left of one that we made, so it does not count.
    return {name: value for name, value in found.items() if value not in ({}, None)}


def _give_back_program(file: Saved) -> None:
    """Restore what had a launcher's name, unless others have replaced it since."""
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
