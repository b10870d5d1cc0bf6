"""Record which variables and files are read while an identity is asked.

An entry's key is made from lists of variables and files. People keep these lists, and
may forget one. So the record holds each variable and each file that is read between
`Record` and `close`, by our code, an SDK or a library. What the key lacks becomes a
condition of the entry, and every hit checks it again.

A condition on variables is a line of the entry, as one on a file is (see
identity.cache): `unset NAMES`, `set NAME VALUE` for names that a launcher compares, or
`sum NAME DIGEST` for any other name, whose value may be a secret. A file gets a `file`
condition.

Code, its data and the kernel's files are not recorded: an upgrade changes no identity,
and the boot is in the key.
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
    """All variables and files that are read from now until `close`.

    Read the variables from `environment`, which records their names. `looks` maps each
    file that was opened to its look (cache.stat_signature).
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
        """End the record, and add its variables to those of the whole call."""
        _open.remove(self)
        self._whole.asked |= self.environment.asked

    def note(self, path: str, flags: int) -> None:
        """Record the look of a file that is about to be opened."""
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
        """Return conditions for all that was read, except these names and files.

        A file's condition has its look from when it was opened. If the file has changed
        since, no hit accepts the entry.
        """
        looks = {path: self.looks[path] for path in self.looks.keys() - set(files)}
        return (
            *variables(self.environment, self.environment.asked - set(names)),
            *(f"file\t{path}\t{seen}" for path, seen in sorted(looks.items())),
        )


def variables(environment: Environment, names: Iterable[str]) -> tuple[str, ...]:
    """Return conditions on variables, without our own that choose no identity."""
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
    """Return whether the path exists and is not a regular file."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _hear(event: str, details: tuple[object, ...]) -> None:
    """Record every `open`. This is an audit hook of Python, which cannot be removed."""
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
