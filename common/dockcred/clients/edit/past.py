"""What is kept beside a file that we have changed, until the change is taken back.

FILE.before-dockcred  the file as it was, to the byte; none where there was no file
FILE.dockcred-undo    our changes, and the digest of what we wrote
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
    """Return what is in a file, None where there is none.

    Raises InvalidInputError for what is not a plain file.
    """
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InvalidInputError(f"{path} is not a plain file", "name another")
            return file.read()
    except FileNotFoundError:
        return None


def make_directories(path: str) -> list[str]:
    """Make the directories above a file; return those made, the lowest first."""
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
    """Remove of these directories those that are empty, the deepest first."""
    for directory in sorted(made, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(directory)


def refuse_for_root(path: str) -> None:
    """Raise InvalidInputError where root would leave files in somebody else's home."""
    place = path
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    owner = system.stat(place).st_uid
    if system.user() == 0 and owner != 0:
        raise InvalidInputError(
            f"{place} belongs to uid {owner}, not to root", "run it as that user"
        )


def write(path: str, data: bytes) -> None:
    """Write a file of this user's alone, and the directories above it.

    Raises InvalidInputError where root would leave it in somebody else's home.
    """
    refuse_for_root(path)
    make_directories(path)
    private_file.replace(path, data, private_file.NEW_FILE)


BACKUP = ".before-dockcred"
RECORD = ".dockcred-undo"
_FORGOTTEN = b"null"
_NOTHING: tuple[Any, ...] = (ABSENT, None, "", {})


class Past(NamedTuple):
    """A file before our first change, and all our changes since.

    `digest` is of the file with them. `was` is of the file that the last of them was
    made to, where it still stands if the writer was killed in between. `moved` are the
    keys of logins that `import --remove` has taken out of the file: before our first
    change too, where there is no more to tell than that.
    """

    before: bytes | None
    digest: str
    made: list[str]
    changes: list[Change]
    was: str = ""
    moved: list[str] = []  # noqa: RUF012 - never changed in place

    def is_of(self, data: bytes | None) -> bool:
        """Return whether a file is as we left it, with the last change or without."""
        return data is not None and digest(data) in {self.digest, self.was}


def digest(data: bytes | None) -> str:
    """Return the digest by which a file is known to be as we left it."""
    return hashlib.sha256(data).hexdigest() if data is not None else ""


def load(path: str) -> Past | None:
    """Read what is kept for a file; None where it holds no change of ours."""
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
    """Write the backup first, then the record that refers to it."""
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
    """Remove what is kept for a file.

    The record says first that nothing is, so that a backup, which may hold logins, is
    never there without one: who is killed in between leaves it to `remove_forgotten`.
    """
    if os.path.lexists(path + RECORD):
        private_file.replace(path + RECORD, _FORGOTTEN)
        remove(path + BACKUP)
        remove(path + RECORD)


def record_moved(path: str, keys: Iterable[str]) -> None:
    """Record the keys of logins that are about to be taken out of a file.

    Also where no change of ours is in it yet: one that comes leads to the store, and
    its undo does not. What a helper of others' answers for needs no record.
    """
    known = load(path)
    if known is None:
        text = (read(path) or b"").decode()
        keys = [key for key in keys if not has_helper(text, key)]
        known = Past(None, "", [], [])
    if moved := sorted({*known.moved, *keys}):
        save(path, known._replace(moved=moved))
        if not file_lock.is_mine(path):  # root's hand in somebody's home
            private_file.give_away(path + RECORD, path)


def restore(path: str, known: Past | None) -> None:
    """Record what was known before, as nothing has been moved after all."""
    if known is None:
        forget(path)
    else:
        save(path, known)


def has_helper(text: str, key: str) -> bool:
    """Return whether a client's text names a helper for a key, or one for all."""
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
    """Remove from the backup what was taken out of the file: there is no copy."""
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
    """Finish a `forget` that was killed, and a `save` killed before its record.

    The latter has left a backup of what still stands there.
    """
    text = read(path + RECORD)
    if text == _FORGOTTEN:
        forget(path)
    elif text is None:
        backup = read(path + BACKUP)
        if backup is not None and backup == read(path):
            remove(path + BACKUP)
