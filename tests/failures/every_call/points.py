"""The file system calls of a run, and what can befall each of them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

ERRORS = ("ENOSPC", "EIO", "EACCES", "EINTR")
KILL = "KILL"
_CALL = re.compile(r"(?P<name>\w+)\(")
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
    """One call, the how-manieth of its name since the writer's start, and its end."""

    name: str
    number: int
    how: str
    line: str

    @property
    def inject(self) -> str:
        """Say it to strace."""
        what = "signal=KILL" if self.how == KILL else f"error={self.how}"
        return f"{self.name}:{what}:when={self.number}"

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
    found = []
    for call in calls:
        match = _CALL.match(call)
        if not match:
            continue
        name = match["name"]
        numbers[name] += 1
        if place not in call or name in _NEVER:
            continue
        changes = bool(_CHANGING.fullmatch(name)) or any(
            flag in call for flag in _OPENED_TO_CHANGE
        )
        ways = (KILL, *ERRORS) if changes else ERRORS[1:]
        found += [Point(name, numbers[name], how, call) for how in ways]
    return found
