"""What a check says: how grave it is, the cause, the remedy and the command for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from shlex import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(IntEnum):
    """How grave a finding is; its worst is the exit status of the examination."""

    FINE = 0
    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of an examination; no field ever holds a secret.

    `fix` is a command for the shell that the client is run in; `remedy` says in words
    what no command can do.
    """

    severity: Severity
    step: str
    text: str
    remedy: str = ""
    fix: str = ""
    client: str = ""

    @property
    def is_problem(self) -> bool:
        """Tell a warning or an error from what is told for information."""
        return self.severity >= Severity.WARNING


def fine(step: str, text: str) -> Finding:
    """Say what was found and is as it should be."""
    return Finding(Severity.FINE, step, text)


def note(step: str, text: str, remedy: str = "") -> Finding:
    """Say what is good to know."""
    return Finding(Severity.NOTE, step, text, remedy)


def warning(step: str, text: str, remedy: str = "", fix: str = "") -> Finding:
    """Say what can go wrong, though this request need not."""
    return Finding(Severity.WARNING, step, text, remedy, fix)


def error(step: str, text: str, remedy: str = "", fix: str = "") -> Finding:
    """Say why this request fails."""
    return Finding(Severity.ERROR, step, text, remedy, fix)


def command(*words: str) -> str:
    """Write a command as a shell reads it."""
    return " ".join(map(quote, words))


def exit_status(findings: Iterable[Finding]) -> int:
    """Answer 0 for health, 1 for warnings, 2 for errors."""
    worst = max((finding.severity for finding in findings), default=Severity.FINE)
    return max(0, worst - Severity.NOTE)
