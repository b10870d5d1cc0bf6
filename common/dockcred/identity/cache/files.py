"""Read, write, list and prune the files of the cache.

A failure to read is a miss, and after a failure to write nothing is cached. So a full
disk or another user's file never keeps a client from its credential.
"""

from __future__ import annotations

import os
import stat
import time

from dockcred.identity.cache import Entry
from dockcred.system import machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PLACE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.:-")
_TAG = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
FRONT = "front,"
STAMP = ".stamp"
TURN = ".turn"


def ticket_name(program: str, place: str, tags: Iterable[str]) -> str:
    """Return the file name of a launcher's ticket; "" if the launcher cannot form it.

    `place` is the host with its port. `tags` are the values of the variables that tell
    identities apart.
    """
    tags = tuple(tags)
    fit = place and _PLACE.issuperset(place) and _TAG.issuperset("".join(tags))
    return f"{FRONT}{program},{place},{','.join(tags)}" if fit else ""


def stamp_of(name: str, ticket: str) -> str:
    """Return the file name of a ticket's stamp, or "" if its text names none.

    `name` is the ticket's file name, `ticket` its text.
    """
    for line in ticket.split("\n"):
        if line.startswith("stamp "):
            return f"{name}.{line.removeprefix('stamp ')}{STAMP}"
    return ""


MAX_FILE_BYTES = 256 * 1024
MAX_ENTRIES = 16384
PRUNE_EVERY_S = 600.0
_LEFTOVER_S = 3600.0
# A ticket is valid for half of the credential's life, which is two days at most.
_STAMP_S = 24 * 3600.0


class Cache:
    """The entries in one directory, by file name; without a path nothing is cached."""

    def __init__(self, path: str) -> None:
        """Use the directory only if its owner and mode can be trusted."""
        self.path = path if path and machine.is_trusted(path) else ""
        self.wanted = path
        self._is_clean = False

    def open_for_writing(self) -> bool:
        """Create the directory if it is missing; return whether there is a cache."""
        if not self.path and self.wanted and machine.create(self.wanted):
            self.path = self.wanted
        return bool(self.path)

    def read(self, name: str) -> Entry | None:
        """Return the entry, or None if there is none that can be trusted."""
        text = self.read_text(name)
        return Entry.from_text(text) if text else None

    def read_text(self, name: str) -> str:
        """Return a file's text; "" for a link, another user's file or a failed read."""
        if not self.path:
            return ""
        return machine.read_private(f"{self.path}/{name}", MAX_FILE_BYTES)

    def lacks_ticket(self, name: str) -> bool:
        """Return whether there is no such ticket with its stamp, for any entry."""
        stamp = stamp_of(name, self.read_text(name))
        return not stamp or not os.path.exists(f"{self.path}/{stamp}")

    def write(self, name: str, entry: Entry) -> bool:
        """Replace the entry atomically; return whether it worked.

        The file's mtime is the credential's expiry, for `prune`.
        """
        try:
            text = entry.to_text()
        except ValueError:
            return False
        return self.write_text(name, text, entry.credential.expires_at or 0.0)

    def write_text(self, name: str, text: str, mtime: float) -> bool:
        """Write a new file, set its mtime, rename it; return whether it worked."""
        if not self.open_for_writing():
            return False
        from dockcred.system import private_file  # noqa: PLC0415 - not for a hit

        data = text.encode("utf-8", "surrogateescape")
        target, mode = f"{self.path}/{name}", private_file.NEW_FILE
        try:
            if not self._is_clean:
                private_file.remove_leftovers(self.path)
                self._is_clean = True
            private_file.replace(target, data, mode, mtime=mtime, durable=False)
        except OSError as error:
            from dockcred.system import log  # noqa: PLC0415 - not for a hit

            log.warning(f"not cached: {error.strerror}")
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file; it may be missing."""
        if self.path:
            _remove(f"{self.path}/{name}")

    def names(self, start: str = "") -> Iterator[str]:
        """Yield the file names with this start, in no order."""
        if not self.path:
            return
        try:
            found = os.listdir(self.path)
        except OSError:
            return
        for name in found:
            if name.startswith(start):
                yield name

    def prune(self) -> None:
        """Remove expired files and leftovers of killed writers.

        Then remove those that expire first, until MAX_ENTRIES are left. It runs at most
        once in PRUNE_EVERY_S (seconds), and only in a process that has just minted.
        """
        if not self.path or not self._prune_is_due():
            return
        now = time.time()
        kept = []
        for name in self.names():
            path = f"{self.path}/{name}"
            try:
                status = os.lstat(path)
            except OSError:
                continue
            if name in {"CACHEDIR.TAG", "pruned"} or not stat.S_ISREG(status.st_mode):
                continue
            # The mtime is the expiry; for locks, stamps and unfinished files it is the
            # time when they were written.
            ends = status.st_mtime + _kept_s(name)
            if ends < now:
                _remove(path)
            else:
                kept.append((ends, path))
        kept.sort()
        for _, path in kept[: max(0, len(kept) - MAX_ENTRIES)]:
            _remove(path)

    def _prune_is_due(self) -> bool:
        marker = f"{self.path}/pruned"
        try:
            if time.time() - os.stat(marker).st_mtime < PRUNE_EVERY_S:
                return False
        except OSError:
            pass
        return self.write_text("pruned", "", time.time())


def _kept_s(name: str) -> float:
    """Return for how many seconds after its mtime a file may still be needed."""
    if name.endswith(STAMP):
        return _STAMP_S
    leftover = name.endswith((".lock", ".new", ".failed", ".tried", TURN))
    return _LEFTOVER_S if leftover else 0.0


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


ANSWERED = "answered,"
REMEMBERED_S = 90 * 24 * 3600.0
MOST_HOSTS = 256


def answered_hosts(cache: Cache) -> list[str]:
    """Return the hosts answered in the last REMEMBERED_S (90 days), the newest first.

    Each host has a file of its own, so that two writers at the same time lose none.
    """
    found = []
    for name in cache.names(ANSWERED):
        try:
            ends = os.lstat(f"{cache.path}/{name}").st_mtime
        except OSError:
            continue
        if ends > time.time():
            found.append((-ends, name.removeprefix(ANSWERED)))
    return [host for _, host in sorted(found)]


def has_turn(cache: Cache, name: str) -> bool:
    """Return whether there may be a turn file for an entry (identity.turn_keeper)."""
    places = {cache.path, machine.RUN_DIRECTORY}
    return any(os.path.lexists(f"{path}/{name}{TURN}") for path in places if path)
