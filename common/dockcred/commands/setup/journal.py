"""The journal: the state before `setup`, one file, written before the first change.

It is $XDG_STATE_HOME/dockcred/setup.json, readable only by its user. It holds each file
that setup changes, with its text. A login that moves into the keychain is a mark in
that text, not a secret. The undo fills the mark from the keychain.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from dockcred.clients import entries
from dockcred.clients.edit import ABSENT, Change, past
from dockcred.clients.entries import Login
from dockcred.commands import cache
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.system import environment, file_lock, machine, people, private_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dockcred.credential import Credential
    from dockcred.system.environment import Environment

_MARK = "\ue000"
NOTHING, FILE, LINK = "nothing", "file", "link"
_SECRET_FIELDS = ("auth", "password", "identitytoken", "registrytoken")


@dataclass
class Saved:
    """One path before setup (nothing, a file or a link), and what setup does to it.

    text     a file's text or a link's target; None if the secrets in it could not be
             replaced by marks: the undo then restores the file key by key
    marks    mark, key of `auths`, field: the place of each secret
    beside   the files that `configure` keeps beside it, by their suffix
    changes  the keys that we change in the file, as `past` writes them
    moved    the keys of the logins that we move out of the file
    """

    path: str
    syntax: str = ""
    kind: str = NOTHING
    text: str | None = ""
    mode: int = private_file.NEW_FILE
    marks: list[list[str]] = field(default_factory=list)
    beside: dict[str, str | None] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)

    def add(self, later: Saved) -> None:
        """Add the changes of a later run to the same path; the first state is kept."""
        self.changes += [each for each in later.changes if each not in self.changes]
        self.moved = sorted({*self.moved, *later.moved})

    def original(self, logins: Mapping[str, Credential]) -> bytes | None:
        """Return the file's original bytes; None if a text or a login is missing."""
        if self.text is None:
            return None
        text = _filled(self.text, self.marks, logins)
        return None if text is None else text.encode("utf-8", "surrogateescape")

    def companion(self, ending: str, logins: Mapping[str, Credential]) -> bytes | None:
        """Return the original bytes of a file beside it; None if there was none."""
        kept = self.beside.get(ending)
        if kept is None:
            return None
        return Saved("", kind=FILE, text=kept, marks=self.marks).original(logins)

    def edits(self) -> list[Change]:
        """Return our changes in the form that the syntax can revert."""
        return [
            Change(tuple(each["path"]), each.get("was", ABSENT), each["now"])
            for each in self.changes
        ]


def saved(path: str, syntax: str = "", changes: Iterable[Change] = ()) -> Saved:
    """Return the current state of a path, with the changes that are planned for it."""
    made = Saved(path, syntax)
    made.changes = [
        {"path": list(each.path), "now": each.now}
        | ({} if each.was is ABSENT else {"was": each.was})
        for each in changes
    ]
    if os.path.islink(path):
        made.kind, made.text = LINK, os.readlink(path)
        return made
    data = past.read(path)
    if data is not None:
        made.kind, made.text = FILE, _text(data)
        made.mode = stat.S_IMODE(os.stat(path).st_mode)
    if syntax:
        for ending in (past.BACKUP, past.RECORD):
            kept = past.read(path + ending)
            made.beside[ending] = None if kept is None else _text(kept)
    return made


def hide(file: Saved, logins: Mapping[str, Credential]) -> None:
    """Replace the secrets of moved logins by marks.

    A secret is kept only in the keychain. If an entry cannot be rebuilt from its login,
    or the text from its marks, no text is kept.
    """
    new = {key: login for key, login in logins.items() if key not in file.moved}
    file.moved = sorted({*file.moved, *new})
    if file.text is None or file.kind != FILE or not new:
        return
    texts = {"": file.text, **file.beside}
    marks: list[list[str]] = []
    try:
        table = json.loads(file.text).get("auths") or {}
        for key in new:
            for name in _SECRET_FIELDS:
                if written := table.get(key, {}).get(name):
                    mark = f"{_MARK}{len(file.marks) + len(marks)}{_MARK}"
                    marks.append([mark, key, name])
                    for ending, text in texts.items():
                        texts[ending] = text and text.replace(written, mark)
        left = json.loads(texts[""] or "").get("auths") or {}
        is_whole = all(left[key][name] == mark for mark, key, name in marks)
    except (ValueError, LookupError, TypeError, AttributeError):
        is_whole = False
    if not is_whole or _filled(texts[""] or "", marks, new) != file.text:
        file.text, file.marks = None, []
        file.beside = dict.fromkeys(file.beside)
        return
    file.marks += marks
    file.text = texts.pop("")
    file.beside = texts


def _filled(
    text: str, marks: Sequence[Sequence[str]], logins: Mapping[str, Credential]
) -> str | None:
    """Return a text with secrets in place of its marks; None if a login is missing."""
    for mark, key, name in reversed(marks):
        if key not in logins:
            return None
        text = text.replace(mark, _value(name, key, logins[key]))
    return text


def _value(name: str, key: str, login: Credential) -> str:
    """Return the value of a login's field, as docker writes it."""
    if name == "auth":
        return entries.entry(Login(key, login))["auth"]
    return login.secret


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


@contextmanager
def alone() -> Iterator[None]:
    """Hold a lock against other setups in this home; InvalidInputError if one runs.

    Each of two setups would take the other's changes for the original state. The lock
    is on the home directory itself, and leaves no file.
    """
    with ExitStack() as held:
        try:
            home = environment.current().home()
            held.enter_context(file_lock.of_directory(home))
        except TimeoutError:
            raise InvalidInputError(
                "another dockcred setup is at work here, and this one has changed "
                "nothing",
                "wait until it has ended, then run this again",
            ) from None
        except (ImportError, OSError):
            pass  # without locks or a home; an error comes later, where they are needed
        yield


class Journal:
    """All that the runs of setup have changed since the last undo.

    stored  the keys of logins that the keychain did not have before
    made    the directories that did not exist before
    """

    def __init__(self, variables: Environment) -> None:
        """Read the journal; raise InvalidInputError if it is damaged."""
        people.require_home(variables)
        home = variables.path("XDG_STATE_HOME", ".local/state")
        self.path = f"{home}/dockcred/setup.json"
        self.files: dict[str, Saved] = {}
        self.stored: list[str] = []
        self.made: list[str] = []
        self._cache = machine.locate(variables)
        if self._cache and not os.path.lexists(self._cache):
            self.add_directory_of(f"{self._cache}/entry")
        data = past.read(self.path)
        if data is not None:
            self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            kept = json.loads(data)
            self.files = {each["path"]: Saved(**each) for each in kept["files"]}
            self.stored = kept["stored"]
            self.made = kept["made"]
        except (ValueError, KeyError, TypeError):
            raise InvalidInputError(
                f"{self.path} is damaged, which says what was there before setup",
                "move it away; what setup wrote then stays",
            ) from None

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is set up, so there is nothing to undo."""
        return not self.files and not self.stored

    def add(self, file: Saved) -> None:
        """Add a path. If the path is known already, its first state is kept."""
        if file.path in self.files:
            self.files[file.path].add(file)
        else:
            self.files[file.path] = file

    def add_directory_of(self, path: str) -> None:
        """Add the missing directories above a path."""
        directory = os.path.dirname(path)
        while not os.path.isdir(directory):
            if directory not in self.made:
                self.made.append(directory)
            directory = os.path.dirname(directory)

    def write(self) -> None:
        """Write the whole journal, and flush it to the disk."""
        self.add_directory_of(self.path)
        kept = {
            "files": [asdict(file) for file in self.files.values()],
            "stored": self.stored,
            "made": self.made,
        }
        past.write(self.path, json.dumps(kept, indent=1).encode())

    def end(self) -> None:
        """Remove a cache made since, our directories if empty, and the journal."""
        if self._cache in self.made and os.path.isdir(self._cache):
            with suppress(DockcredError, OSError):
                cache.remove(self._cache)
        # If we are killed in between, the journal still names the rest.
        past.remove_directories(self.made)
        past.remove(self.path)
        private_file.remove_leftovers(*os.path.split(self.path))
        past.remove_directories(self.made)
