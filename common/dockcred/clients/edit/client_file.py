"""Change a client's file, and restore it later.

`configure` and `undo` only plan: they return an Edit. `commit` and `give_back` plan and
write, under a lock. If docker or a person changes the file meanwhile, they plan again
from the new text, so that no change is lost.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from dockcred.clients import edit as clients_edit
from dockcred.clients.edit import ABSENT, Change, Path, Syntax, WantedValue, past
from dockcred.clients.edit.past import Past
from dockcred.errors import InvalidInputError
from dockcred.system import file_lock, private_file, shared_file

_TURNS = 20


class Edit(NamedTuple):
    """A planned change: the file `before` and `after`, None for no file.

    `past` is the record to keep for the undo, None if nothing changes. `lost` are
    changes of ours that others have overwritten. `made` are directories that we created
    for the file. `untouched` is True if nobody else has written the file since our
    change. `stranded` are the keys of imported logins that the client will not find
    any more.
    """

    path: str
    before: bytes | None
    after: bytes | None
    past: Past | None = None
    lost: tuple[Change, ...] = ()
    made: tuple[str, ...] = ()
    untouched: bool = False
    stranded: tuple[str, ...] = ()


class EditableFile:
    """One file, with symlinks resolved, and its syntax."""

    def __init__(self, path: str, syntax: Syntax) -> None:
        self.path = os.path.realpath(path)
        self._syntax = syntax

    def configure(self, wanted: Callable[[str], Iterable[WantedValue]]) -> Edit:
        """Plan to set the values that `wanted` returns for the present text."""
        return self._plan(wanted, past.load(self.path))

    def commit(self, wanted: Callable[[str], Iterable[WantedValue]]) -> Edit:
        """Set the values that `wanted` returns, and record how to undo that.

        Raises InvalidInputError if other programs keep changing the file.
        """
        for _ in range(_TURNS):
            planned = self._commit(wanted)
            busy = shared_file.wait(self.path) if planned.past else ""
            if planned.past is None or self.configure(wanted).past is None:
                self._refuse_if_busy(busy)
                return planned
        raise self._never_still()

    def _commit(self, wanted: Callable[[str], Iterable[WantedValue]]) -> Edit:
        planned = self.configure(wanted)
        if planned.past is None:
            self._remove_leftovers()
            return planned
        past.refuse_for_root(self.path)
        made = past.make_directories(self.path)
        with self._held():
            known = past.load(self.path)
            try:
                for _ in shared_file.attempts():
                    planned = self._plan(wanted, known)
                    if planned.past is None:
                        return planned
                    made_before = planned.past.made
                    kept = planned.past._replace(made=made + made_before)
                    past.save(self.path, kept)
                    if self._swap(planned):
                        return planned
            except BaseException:
                self._keep_again(known, planned)
                raise
            self._keep_again(known, planned)
        raise self._never_still()

    def undo(self) -> Edit | None:
        """Plan to undo our changes; None if the file has none.

        If nobody else has written the file since, all its old bytes are restored.
        Otherwise the changes are undone key by key.
        """
        known = past.load(self.path)
        if known is None or not known.changes:
            return None
        before = past.read(self.path)
        if before is None:
            return Edit(self.path, None, None, made=tuple(known.made))
        if known.is_of(before):
            after, lost = known.before, list[Change]()
        else:
            after, lost = self._reverted(before, known)
        return Edit(
            self.path,
            before,
            after,
            lost=tuple(lost),
            made=tuple(known.made) if after is None else (),
            untouched=known.is_of(before),
            stranded=tuple(self._stranded(after, known)),
        )

    def add(self, values: Iterable[tuple[Path, Any]]) -> None:
        """Set values as the client itself would; `undo` does not remove them.

        Raises InvalidInputError if other programs keep changing the file.
        """
        wanted = [WantedValue(path, value) for path, value in values]
        with self._held():
            for _ in shared_file.attempts():
                before = past.read(self.path)
                with self._named():
                    text = _decode(before)
                    tables = {(value.path[0],): None for value in wanted}
                    for table in tables:
                        if self._syntax.get(text, table) in (ABSENT, None):
                            text = self._syntax.put(text, table, {})
                    text, _changes = clients_edit.apply(self._syntax, text, wanted)
                if shared_file.swap(self.path, before, text.encode()):
                    return
        raise self._never_still()

    def give_back(self) -> Edit | None:
        """Undo our changes and return the Edit; None if the file has none.

        Raises InvalidInputError if other programs keep changing the file.
        """
        if past.load(self.path) is None:
            self._remove_leftovers()
            return None
        with self._held():
            given, busy = None, ""
            for _ in shared_file.attempts():
                planned = self.undo()
                if planned is None:
                    return None
                if planned.after == planned.before:
                    past.forget(self.path)
                    if planned.stranded:  # once more, so that the next undo says so too
                        past.record_moved(self.path, planned.stranded)
                    self._refuse_if_busy(busy)
                    return given or planned
                if self._swap(planned):
                    given = given or planned
                    busy = shared_file.wait(self.path)
        raise self._never_still()

    def is_ours(self) -> bool:
        """Return whether nobody else has written the file since our last change."""
        known = past.load(self.path)
        return known is not None and known.is_of(past.read(self.path))

    def _plan(
        self, wanted: Callable[[str], Iterable[WantedValue]], known: Past | None
    ) -> Edit:
        before = past.read(self.path)
        with self._named():
            text = _decode(before)
            text, changes = clients_edit.apply(self._syntax, text, wanted(text))
        if not changes:
            return Edit(self.path, before, before)
        origin, made, kept = self._origin(before, known)
        after = text.encode()
        digests = past.digest(after), past.digest(before)
        moved = known.moved if known else []
        ours = Past(origin, digests[0], made, kept + changes, digests[1], moved)
        return Edit(self.path, before, after, ours)

    def _origin(
        self, current: bytes | None, known: Past | None
    ) -> tuple[bytes | None, list[str], list[Change]]:
        """Return the file without our changes, our directories, our present changes."""
        if known is None or not known.changes:
            return current, [], []
        if current is None:
            return None, known.made, []
        if past.digest(current) == known.digest:
            return known.before, known.made, known.changes
        origin, lost = self._reverted(current, known)
        if known.is_of(current):
            origin = known.before
        return origin, known.made, [c for c in known.changes if c not in lost]

    def _reverted(self, data: bytes, known: Past) -> tuple[bytes | None, list[Change]]:
        with self._named():
            text, lost = clients_edit.revert(self._syntax, _decode(data), known.changes)
            if known.before is None and self._syntax.is_blank(text):
                return None, lost
        return text.encode(), lost

    def unfound(self) -> list[str]:
        """Return keys of imported logins with neither a helper nor an entry here.

        Such a login may depend on another file's helper for all registries. If that
        helper is removed, the client finds the login nowhere.
        """
        known = past.load(self.path)
        return self._stranded(past.read(self.path), known) if known else []

    def _stranded(self, after: bytes | None, known: Past) -> list[str]:
        if not known.moved:
            return []
        with self._named():
            return past.unfound(_decode(after), known.moved)

    def _swap(self, planned: Edit) -> bool:
        return shared_file.swap(self.path, planned.before, planned.after)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Hold the file's lock, and remove the leftovers of killed writers."""
        with file_lock.beside(self.path):
            private_file.remove_leftovers(*os.path.split(self.path))
            past.remove_forgotten(self.path)
            yield

    def _remove_leftovers(self) -> None:
        """Clean up when there is nothing to write; ignore failures."""
        with suppress(OSError), self._held():
            pass

    def _keep_again(self, known: Past | None, planned: Edit) -> None:
        """Restore the old record after a failed change.

        If the file was written in spite of the failure, the new record stays, as after
        a kill at that point.
        """
        with suppress(OSError, InvalidInputError):
            if past.read(self.path) == planned.after:
                return
            if known is None:
                past.forget(self.path)
            else:
                past.save(self.path, known)

    def _refuse_if_busy(self, busy: str) -> None:
        if busy:
            raise InvalidInputError(
                f"{self.path} is changed, but {busy} was there before and may write "
                "back what it has read",
                "run this again when that has ended",
            )

    def _never_still(self) -> InvalidInputError:
        return InvalidInputError(
            f"another program goes on changing {self.path}, and it stays as it is",
            "try again when that has ended",
        )

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Add the file's path to an InvalidInputError about its text."""
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
        raise InvalidInputError("it is not UTF-8", "fix it first") from None
