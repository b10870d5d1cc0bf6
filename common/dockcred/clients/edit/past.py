"""Keep a record beside a file that we have changed, until the change is undone.

FILE.before-dockcred  the backup: all bytes of the old file, if there was one
FILE.dockcred-undo    the record: our changes, and the digest of what we wrote
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterable
from typing import Any, NamedTuple

from dockcred import system
from dockcred.clients.edit import ABSENT, Change
from dockcred.errors import InvalidInputError
from dockcred.system import file_lock, private_file

_NEW_DIRECTORY = 0o700


def read(path: str) -> bytes | None:
    """Return a file's content, or None if it is missing.

    Raises InvalidInputError if it is not a regular file.
    """
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidInputError(f"{path} is not a plain file", "name another")
            return file.read()
    except FileNotFoundError:
        return None


def make_directories(path: str) -> list[str]:
    """Create the directories above a file; return the new ones, the deepest first."""
    directory = os.path.dirname(path)
    made = []
    while not os.path.isdir(directory):
        made.append(directory)
        directory = os.path.dirname(directory)
    for missing in reversed(made):
        os.mkdir(missing, _NEW_DIRECTORY)
    return made


def remove(path: str) -> None:
    """Remove a file, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def remove_directories(made: Iterable[str]) -> None:
    """Remove those of these directories that are empty, the deepest first."""
    for directory in sorted(made, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(directory)


def refuse_for_root(path: str) -> None:
    """Raise InvalidInputError if root would leave files in another user's home."""
    place = path
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    owner = system.stat(place).st_uid
    if system.user() == 0 and owner != 0:
        raise InvalidInputError(
            f"{place} belongs to uid {owner}, not to root", "run it as that user"
        )


def write(path: str, data: bytes) -> None:
    """Write a file that only this user can read, and the directories above it.

    Raises InvalidInputError if root would leave it in another user's home.
    """
    refuse_for_root(path)
    make_directories(path)
    private_file.replace(path, data, private_file.NEW_FILE)


BACKUP = ".before-dockcred"
RECORD = ".dockcred-undo"
_FORGOTTEN = b"null"
_NOTHING: tuple[Any, ...] = (ABSENT, None, "", {})


class Past(NamedTuple):
    """The record of a file: its content before our first change, and our changes.

    `digest` is the digest of the file with all changes. `was` is the digest before the
    last change: the file still has it if the writer was killed in between. `moved` are
    the keys of logins that `import --remove` has taken out of the file. A record may
    have only these, if we have made no other change yet.
    """

    before: bytes | None
    digest: str
    made: list[str]
    changes: list[Change]
    was: str = ""
    moved: list[str] = []  # noqa: RUF012 - never changed in place

    def is_of(self, data: bytes | None) -> bool:
        """Return whether a file is as we left it, with or without the last change."""
        return data is not None and digest(data) in {self.digest, self.was}


def digest(data: bytes | None) -> str:
    """Return the SHA-256 digest of a file's content, "" for no file."""
    return hashlib.sha256(data).hexdigest() if data is not None else ""


def load(path: str) -> Past | None:
    """Return the record of a file; None if it has no change of ours.

    Raises InvalidInputError for a damaged record.
    """
    text = read(path + RECORD)
    if text in {None, _FORGOTTEN}:
        return None
    try:
        kept = json.loads(text)
        changes = [
            Change(tuple(change["path"]), change.get("was", ABSENT), change["now"])
            for change in kept["changes"]
        ]
        before = read(path + BACKUP) if kept["existed"] else None
        was, moved = kept.get("was", ""), kept.get("moved", [])
        return Past(before, kept["digest"], kept["made"], changes, was, moved)
    except (ValueError, KeyError, TypeError):
        raise InvalidInputError(
            f"{path + RECORD} is damaged", f"remove it; {path + BACKUP} is the backup"
        ) from None


def save(path: str, past: Past) -> None:
    """Write the backup, then the record that refers to it."""
    changes = [
        {"path": change.path, "now": change.now}
        | ({} if change.was is ABSENT else {"was": change.was})
        for change in past.changes
    ]
    kept = {
        "existed": past.before is not None,
        "digest": past.digest,
        "was": past.was,
        "made": past.made,
        "moved": past.moved,
        "changes": changes,
    }
    if past.before is not None:
        private_file.replace(path + BACKUP, past.before)
    private_file.replace(path + RECORD, json.dumps(kept, indent=1).encode())


def forget(path: str) -> None:
    """Remove a file's record and backup.

    First the record is marked as forgotten. The backup may have logins, so it must
    never be there without a record. After a kill, `remove_forgotten` does the rest.
    """
    if os.path.lexists(path + RECORD):
        private_file.replace(path + RECORD, _FORGOTTEN)
        remove(path + BACKUP)
        remove(path + RECORD)


def record_moved(path: str, keys: Iterable[str]) -> None:
    """Record the keys of logins that are about to be taken out of a file.

    This is done even if the file has no change of ours yet. A later change will make
    the client ask the store, and the undo of that change must know these logins. A key
    with another program's helper needs no record.
    """
    known = load(path)
    if known is None:
        text = (read(path) or b"").decode()
        keys = [key for key in keys if not has_helper(text, key)]
        known = Past(None, "", [], [])
    if moved := sorted({*known.moved, *keys}):
        save(path, known._replace(moved=moved))
        if not file_lock.is_mine(path):  # root writes in another user's home
            private_file.give_away(path + RECORD, path)


def restore(path: str, known: Past | None) -> None:
    """Restore the old record, because no login was taken out after all."""
    if known is None:
        forget(path)
    else:
        save(path, known)


def has_helper(text: str, key: str) -> bool:
    """Return whether a client's text names a helper for a key, or for all keys."""
    from dockcred.clients.edit import json_text  # noqa: PLC0415 - a file of logins alone

    places = ("credHelpers", key), ("credsStore",)
    return any(json_text.get(text, place) not in _NOTHING for place in places)


def unfound(text: str, keys: Iterable[str]) -> list[str]:
    """Return the keys for which a client's text has neither a login nor a helper."""
    from dockcred.clients.edit import json_text  # noqa: PLC0415 - as above

    return [
        key
        for key in keys
        if json_text.get(text, ("auths", key)) in _NOTHING and not has_helper(text, key)
    ]


def remove_moved(path: str) -> None:
    """Remove the logins that were taken out of the file from the backup too."""
    known = load(path)
    if known is None or not known.moved or known.before is None:
        return
    from dockcred.clients.edit import json_text  # noqa: PLC0415 - a file of logins alone

    text, there = known.before.decode(), (read(path) or b"").decode()
    for key in known.moved:
        place = "auths", key
        if json_text.get(there, place) is ABSENT:
            text = json_text.drop(text, place)
    if text.encode() != known.before:
        save(path, known._replace(before=text.encode()))


def remove_forgotten(path: str) -> None:
    """Finish a `forget` that was killed, or a `save` killed before its record.

    After such a `save` the backup is equal to the file.
    """
    text = read(path + RECORD)
    if text == _FORGOTTEN:
        forget(path)
    elif text is None:
        backup = read(path + BACKUP)
        if backup is not None and backup == read(path):
            remove(path + BACKUP)
