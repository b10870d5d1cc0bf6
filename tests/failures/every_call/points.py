"""The file system calls of a run, and what can befall each of them."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass

ERRORS = ("ENOSPC", "EIO", "EACCES", "EINTR")
KILL = "KILL"
HEADING = "stopped at each of their calls"
STRACE_COUNTS_TO = 0xFFFF
"""`dockcred install` looks at every file of Python's first: they can be more."""
_CALL = re.compile(r"(?P<name>\w+)\(")
_PATH = re.compile(r'"(/[^"]*)"|\d<(/[^>]*)>')
_CHANGING = re.compile(
    "creat|p?writev?(64)?|f?truncate|fallocate|f(data)?sync|rename(at2?)?|link(at)?"
    "|symlink(at)?|unlink(at)?|rmdir|mkdir(at)?|f?chmod(at)?|[fl]?chown(at)?"
    "|utimensat|flock|copy_file_range|sendfile"
)
_OPENED_TO_CHANGE = ("O_WRONLY", "O_RDWR", "O_CREAT")
# Python's start and end, and calls that cannot fail on an open descriptor.
_NEVER = frozenset({"fcntl", "ioctl", "lseek", "fstat", "close", "dup", "dup2", "mmap"})


@dataclass(frozen=True)
class Point:
    """One call, the how-manieth of its name since the writer's start, and its end.

    Where there is a path, the how-manieth of its name on this path.
    """

    name: str
    number: int
    how: str
    line: str
    path: str = ""

    @property
    def inject(self) -> str:
        """Return it as strace's options, as a shell takes them."""
        what = "signal=KILL" if self.how == KILL else f"error={self.how}"
        options = [f"--inject={self.name}:{what}:when={self.number}"]
        if self.path:
            options += [f"--trace-path={self.path}", "--quiet=path-resolution"]
        return shlex.join(options)

    def was_hit(self, calls: list[str], place: str) -> bool:
        """Tell whether a run's log shows it in a call at the place."""
        if self.how == KILL:
            ended = [line for line in calls if line.startswith("+++ killed by SIGKILL")]
            last = next((c for c in reversed(calls) if _CALL.match(c)), "")
            return bool(ended) and last.startswith(f"{self.name}(") and place in last
        return any("(INJECTED)" in call and place in call for call in calls)

    def __str__(self) -> str:
        return f"{self.how} at {self.name} number {self.number}: {self.line}"


def of(calls: list[str], place: str) -> list[Point]:
    """Name every point of a run: calls that look can fail, calls that change all."""
    numbers: Counter[str] = Counter()
    on_paths: Counter[tuple[str, str]] = Counter()
    found = []
    for call in calls:
        match = _CALL.match(call)
        if not match:
            continue
        name = match["name"]
        numbers[name] += 1
        paths = _paths(call)
        on_paths.update((name, path) for path in set(paths))
        if place not in call or name in _NEVER:
            continue
        changes = bool(_CHANGING.fullmatch(name)) or any(
            flag in call for flag in _OPENED_TO_CHANGE
        )
        ways = (KILL, *ERRORS) if changes else ERRORS[1:]
        number, path = numbers[name], ""
        if number > STRACE_COUNTS_TO:
            # The last is the new name of what is renamed; the old one is made up.
            path = [each for each in paths if place in each][-1]
            number = on_paths[name, path]
        found += [Point(name, number, how, call, path) for how in ways]
    return found


def _paths(call: str) -> list[str]:
    """Return what strace compares with a path of ours: arguments, not the result."""
    arguments, _, _ = call.rpartition(") = ")
    return [quoted or held for quoted, held in _PATH.findall(arguments)]
