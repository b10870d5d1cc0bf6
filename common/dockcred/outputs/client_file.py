"""A client's file that we change, and give back as it was.

`configure` and `undo` only plan: an Edit says what would be; `commit` and `give_back`
do it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from dockcred.errors import InvalidInputError
from dockcred.outputs import edit, past, replace
from dockcred.outputs.edit import Change, Format, Wanted
from dockcred.outputs.past import Past


class Edit(NamedTuple):
    """A file before and after, None for no file.

    `past` is what is to be kept of it, None where nothing is. `lost` are changes of
    ours that somebody else has changed since.
    """

    path: str
    before: bytes | None
    after: bytes | None
    past: Past | None = None
    lost: tuple[Change, ...] = ()


class ClientFile:
    """One file, found through its symlinks, and its syntax."""

    def __init__(self, path: str, syntax: Format) -> None:
        self.path = os.path.realpath(path)
        self._syntax = syntax

    def configure(self, wanted: Callable[[str], Iterable[Wanted]]) -> Edit:
        """Plan to put in the values that are wanted for the text as it is."""
        before = replace.read(self.path)
        with self._named():
            text = _decode(before)
            text, changes = edit.apply(self._syntax, text, wanted(text))
        if not changes:
            return Edit(self.path, before, before)
        origin, made, kept = self._origin(before)
        after = text.encode()
        known = Past(origin, past.digest(after), made, kept + changes)
        return Edit(self.path, before, after, known)

    def commit(self, planned: Edit) -> None:
        """Write what `configure` has planned, and keep how to undo it."""
        if planned.past is None or planned.after is None:
            return
        self._refuse_if_changed(planned)
        replace.refuse_for_root(self.path)
        made = replace.make_directories(self.path) + planned.past.made
        past.save(self.path, planned.past._replace(made=made))
        replace.write(self.path, planned.after)

    def undo(self) -> Edit | None:
        """Plan to give the file back; None where it holds nothing of ours.

        To the byte where nobody else has written it since, else key by key.
        """
        known = past.load(self.path)
        if known is None:
            return None
        before = replace.read(self.path)
        if before is None:
            return Edit(self.path, None, None)
        if past.digest(before) == known.digest:
            return Edit(self.path, before, known.before)
        after, lost = self._reverted(before, known)
        return Edit(self.path, before, after, lost=tuple(lost))

    def give_back(self, planned: Edit) -> list[str]:
        """Write what `undo` has planned; return the directories we had made for it."""
        self._refuse_if_changed(planned)
        known = past.load(self.path)
        if planned.after is None:
            replace.remove(self.path)
        elif planned.after != planned.before:
            replace.write(self.path, planned.after)
        past.forget(self.path)
        return known.made if known and planned.after is None else []

    def is_ours(self) -> bool:
        """Tell whether nobody but us has written the file since we did."""
        known = past.load(self.path)
        data = replace.read(self.path)
        return known is not None and past.digest(data) == known.digest

    def _origin(
        self, current: bytes | None
    ) -> tuple[bytes | None, list[str], list[Change]]:
        """Answer the file without us, directories we made, our changes still there."""
        known = past.load(self.path)
        if known is None:
            return current, [], []
        if current is None:
            return None, known.made, []
        if past.digest(current) == known.digest:
            return known.before, known.made, known.changes
        origin, lost = self._reverted(current, known)
        return origin, known.made, [c for c in known.changes if c not in lost]

    def _reverted(self, data: bytes, known: Past) -> tuple[bytes | None, list[Change]]:
        with self._named():
            text, lost = edit.revert(self._syntax, _decode(data), known.changes)
            if known.before is None and self._syntax.is_blank(text):
                return None, lost
        return text.encode(), lost

    def _refuse_if_changed(self, planned: Edit) -> None:
        if replace.read(self.path) != planned.before:
            raise InvalidInputError(f"{self.path} has just changed", "try again")

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Let a complaint about the text name the file."""
        try:
            yield
        except InvalidInputError as error:
            raise InvalidInputError(
                f"{self.path}: {error.cause}", error.remedy
            ) from None


def _decode(data: bytes | None) -> str:
    try:
        return data.decode() if data else ""
    except UnicodeDecodeError:
        raise InvalidInputError("it is not UTF-8", "mend it first") from None
