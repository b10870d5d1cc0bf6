"""The file system calls of a run, and what can happen at each: a kill or an error.

A point is one of these calls with one of these ends.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass

ERRORS = ("ENOSPC", "EIO", "EACCES", "EINTR")
KILL = "KILL"
HEADING = "stopped at each of their calls"
STRACE_COUNTS_TO = 0xFFFF
"""strace's highest number for `when=`. `dockcred install` can make more calls, as it
looks at every file of Python."""
_CALL = re.compile(r"(?P<name>\w+)\(")
_PATH = re.compile(r'"(/[^"]*)"|\d<(/[^>]*)>')
_CHANGING = re.compile(
    "creat|p?writev?(64)?|f?truncate|fallocate|f(data)?sync|rename(at2?)?|link(at)?"
    "|symlink(at)?|unlink(at)?|rmdir|mkdir(at)?|f?chmod(at)?|[fl]?chown(at)?"
    "|utimensat|flock|copy_file_range|sendfile"
)
_OPENED_TO_CHANGE = ("O_WRONLY", "O_RDWR", "O_CREAT")
# Calls of Python's start and end, and calls that cannot fail on an open descriptor.
_NEVER = frozenset({"fcntl", "ioctl", "lseek", "fstat", "close", "dup", "dup2", "mmap"})


@dataclass(frozen=True)
class Point:
    """One system call and its end (`how`: KILL, or an errno).

    `number` counts the calls of this name from the writer's start. If there is a
    `path`, it counts only those on this path.
    """

    name: str
    number: int
    how: str
    line: str
    path: str = ""

    @property
    def inject(self) -> str:
        """The point as options of strace, quoted for a shell."""
        what = "signal=KILL" if self.how == KILL else f"error={self.how}"
        options = [f"--inject={self.name}:{what}:when={self.number}"]
        if self.path:
            options += [f"--trace-path={self.path}", "--quiet=path-resolution"]
        return shlex.join(options)

    def was_hit(self, calls: list[str], place: str) -> bool:
        """Return whether a run's log has this end in a call on a path in `place`."""
        if self.how == KILL:
            ended = [line for line in calls if line.startswith("+++ killed by SIGKILL")]
            last = next((c for c in reversed(calls) if _CALL.match(c)), "")
            return bool(ended) and last.startswith(f"{self.name}(") and place in last
        return any("(INJECTED)" in call and place in call for call in calls)

    def __str__(self) -> str:
        return f"{self.how} at {self.name} number {self.number}: {self.line}"


def of(calls: list[str], place: str) -> list[Point]:
    """Return every point of a run.

    Calls that change something can be killed or get any error. Calls that only read can
    get the errors but ENOSPC.
    """
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
            # Of a rename take the new name: the old one is random.
            path = [each for each in paths if place in each][-1]
            number = on_paths[name, path]
        found += [Point(name, number, how, call, path) for how in ways]
    return found


def _paths(call: str) -> list[str]:
    """Return the paths in a call's arguments, which strace compares; not its result."""
    arguments, _, _ = call.rpartition(") = ")
    return [quoted or held for quoted, held in _PATH.findall(arguments)]
