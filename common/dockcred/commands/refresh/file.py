"""A file as a destination, and its record beside it: .NAME.dockcred.

The record holds the digest of the content that it describes. It is written before the
content, together with the previous record. So whenever the writer is killed, one of the
two records describes the file. Writers lock the record, so that two refreshers write
one after the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import ClassVar

from dockcred import system
from dockcred.clients.edit import past
from dockcred.commands.refresh.target import RenderingRecord
from dockcred.errors import InvalidInputError, IssueError
from dockcred.system import file_lock, private_file

LOCK_S = 10.0
_MAX_RECORD_BYTES = 4096
_PRIVATE = 0o600


@dataclass(frozen=True)
class FileDestination:
    """A file of this user, as a destination with one place: itself.

    `path` is the file itself: a link that the user named is already followed. The mode
    is the target's setting. Owner and group do not change, whoever writes.
    """

    path: str
    mode: int = _PRIVATE
    grows: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """Return the path for messages."""
        return self.path

    @property
    def record_path(self) -> str:
        """Return the path of the record."""
        directory, name = os.path.split(self.path)
        return f"{directory}/.{name}.dockcred"

    def overlaps(self, other: object) -> bool:
        """Return whether `other` is the same file."""
        return isinstance(other, FileDestination) and other.path == self.path

    @property
    def is_shared(self) -> bool:
        """Return False: each replica has a file of its own."""
        return False

    @property
    def is_missing(self) -> bool:
        """Return False: only look() can tell."""
        return False

    def follow(self, _wake: object, _warn: object) -> None:
        """Return None: there is always just one place."""

    def places(self) -> list[FileDestination]:
        """Return a list of itself."""
        return [self]

    def look(self) -> RenderingRecord | None:
        """Return the record of the file's content; None if another program wrote it."""
        try:
            descriptor = _open(self.record_path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return _known(descriptor).get(self._digest())
        finally:
            os.close(descriptor)

    def deliver(self, content: bytes, record: RenderingRecord) -> RenderingRecord:
        """Replace the file in one step, unless its content expires later."""
        past.refuse_for_root(self.path)
        past.make_directories(self.path)
        with _locked(self.record_path) as descriptor:
            private_file.remove_leftovers(*os.path.split(self.path))
            before, after = self._digest(), _digest(content)
            there = _known(descriptor).get(before)
            if there and (record.is_older_than(there) or before == after):
                return there
            records = ({before: there} if there else {}) | {after: record}
            _keep(descriptor, records, self.record_path)
            if after != before:
                private_file.replace(self.path, content, self.mode, keeps_owner=True)
        return record

    def settle(self, there: RenderingRecord) -> None:
        """Set the file's mode, as another program may have set a different one."""
        del there  # readers of a file need no notification
        with suppress(FileNotFoundError):
            descriptor = _open(self.path, os.O_RDONLY)
            try:
                private_file.set_mode(descriptor, self.mode)
            finally:
                os.close(descriptor)

    def _digest(self) -> str:
        content = past.read(self.path)
        return "" if content is None else _digest(content)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _open(path: str, flags: int) -> int:
    """Open a file of ours; raise InvalidInputError if it is another user's.

    A pipe or device at this path could block us for ever.
    """
    descriptor = os.open(path, flags | system.SAFE, _PRIVATE)
    status = system.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != system.user():
        os.close(descriptor)
        raise InvalidInputError(f"{path} is not a file of this user", "remove it")
    return descriptor


@contextmanager
def _locked(path: str) -> Iterator[int]:
    """Lock the record and yield its descriptor; IssueError after LOCK_S seconds."""
    descriptor = _open(path, os.O_RDWR | os.O_CREAT)
    try:
        try:
            file_lock.lock(descriptor, path, time.monotonic() + LOCK_S)
        except TimeoutError:
            raise IssueError(
                f"another process has held {path} for {LOCK_S:g} s",
                f"see who it is: fuser {path}",
            ) from None
        yield descriptor
    finally:
        os.close(descriptor)


def _known(descriptor: int) -> dict[str, RenderingRecord]:
    """Return the records by the digest of their content, without torn lines."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    text = os.read(descriptor, _MAX_RECORD_BYTES).decode("utf-8", "replace")
    found = {}
    for line in text.splitlines():
        try:
            fields = json.loads(line)
            digest = str(fields.pop("sha256"))
            found[digest] = RenderingRecord(**fields)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return found


def _keep(descriptor: int, records: dict[str, RenderingRecord], path: str) -> None:
    """Overwrite the records; raise OSError with the path."""
    lines = (
        json.dumps({"sha256": digest, **asdict(record)}) + "\n"
        for digest, record in records.items()
    )
    data = "".join(lines).encode()
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, data)
        os.ftruncate(descriptor, len(data))
        os.fsync(descriptor)
    except OSError as error:
        error.filename = path
        raise
