"""What was consulted to reach an answer: recorded while it is decided.

The key of an entry is made of lists of variables and files that are kept by hand, and
a list can forget. So each name that an environment is asked for and each file that is
opened for reading between `Record` and `close` stands in the record, whoever asks: our
own code, an SDK, a library. What the key does not hold becomes a condition of the
entry, and every hit looks at it again.

A condition on variables is a line of an entry as those on files are (cache.watched):
`unset NAMES`, `set NAME VALUE` for names that a launcher compares, and `sum NAME SUM`
for any other, which may hold a secret. Files are `file` conditions.

Code and its data are no part of it, nor what the kernel says: an upgrade changes
nobody's identity, and the boot is in the key.
"""

from __future__ import annotations

import os
import stat
import sys

from dockcred.identity import cache
from dockcred.system.environment import OURS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.system.environment import Environment

_NO_FILES = ("/proc/", "/sys/", "/dev/")
_CODE = (".py", ".pyc", ".so")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_open: list[Record] = []


class Record:
    """All that is consulted from now until `close`.

    `environment` is the one to decide by: it notes what it is asked for.
    """

    _is_hooked = False

    def __init__(self, environment: Environment, passed_over: Iterable[str]) -> None:
        """Begin; files below the directories `passed_over` are not recorded."""
        self.environment = environment.with_own_record()
        self.looks: dict[str, str] = {}
        self._whole = environment
        self._passed_over = (
            *_NO_FILES,
            *(f"{path}/" for path in (*sys.path, *passed_over) if path),
        )
        self._written: set[str] = {sys.executable}
        self._is_looking = False
        if not Record._is_hooked:
            sys.addaudithook(_hear)
            Record._is_hooked = True
        _open.append(self)

    def close(self) -> None:
        """End; what was asked for was asked for by the whole call too."""
        _open.remove(self)
        self._whole.asked |= self.environment.asked

    def note(self, path: str, flags: int) -> None:
        """Write down how a file looks that is about to be opened."""
        if (
            self._is_looking
            or path in self.looks
            or path.endswith(_CODE)
            or path.startswith(self._passed_over)
        ):
            return
        if flags & _WRITES:
            self._written.add(path)
        if path in self._written:
            return
        self._is_looking = True
        try:
            if not _is_special(path):
                cache.wait_for_mtime_tick((path,))
                self.looks[path] = cache.stat_signature(path)
        finally:
            self._is_looking = False

    def conditions(self, names: Iterable[str], files: Iterable[str]) -> tuple[str, ...]:
        """Return the conditions on what was consulted beside these names and files.

        A file's is how it looked when it was opened: one that has changed since makes
        an entry that no hit takes.
        """
        looks = {path: self.looks[path] for path in self.looks.keys() - set(files)}
        return (
            *variables(self.environment, self.environment.asked - set(names)),
            *(f"file\t{path}\t{seen}" for path, seen in sorted(looks.items())),
        )


def variables(environment: Environment, names: Iterable[str]) -> tuple[str, ...]:
    """Write down how variables stand, but for those of ours that choose nobody."""
    found = {name: environment.text(name) for name in names if name not in OURS}
    unset = sorted(name for name, value in found.items() if not value)
    return (
        *([f"unset\t{' '.join(unset)}\t"] if unset else ()),
        *(_written(name, value) for name, value in sorted(found.items()) if value),
    )


def _written(name: str, value: str) -> str:
    from dockcred.system.environment import sdks  # noqa: PLC0415 - what is kept only

    if name in sdks.NAMES and value.isprintable():
        return f"set\t{name}\t{value}"
    return f"sum\t{name}\t{cache.sum_of(value)}"


def _is_special(path: str) -> bool:
    """Return whether there is something, and it is no plain file."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _hear(event: str, details: tuple[object, ...]) -> None:
    """Record every `open`; as Python's audit hook it cannot be removed again."""
    if event != "open" or not _open:
        return
    path, _, flags = details
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    elif isinstance(path, os.PathLike):
        path = os.fspath(path)
    if isinstance(path, str):
        for record in _open:
            record.note(path, flags if isinstance(flags, int) else 0)
