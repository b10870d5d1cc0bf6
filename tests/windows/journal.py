"""A log of the programs under Wine, to explain why one failed without any output.

Three write into the file: the tests; each Python for Windows, before anything else; and
the wineserver, which may end a program and reports that nowhere else.
"""

from __future__ import annotations

import itertools
import os
import time
from pathlib import Path

import pytest
from support import once
from support.program import Answer

STARTS = (
    "import os, sys, time; n = os.environ.get('TESTS_JOURNAL');"
    " n and open(n, 'a').write("
    "f'{time.time():.3f} {os.environ.get(\"TESTS_RUN\")} started {os.getpid()}\\n')"
)
"""A line for a .pth file, which Python runs before any code of ours."""
_LINES = 60


def _has_words(answer: Answer) -> bool:
    return not answer.status or bool(answer.stdout + answer.stderr)


class Journal:
    """The log file, and a counter of this worker's programs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._numbers = itertools.count()

    def begins(self, command: str) -> str:
        """Log that a program is started; return its name in the log."""
        name = f"{os.environ.get(once.WORKER, 'main')}-{next(self._numbers)}"
        self._write(f"{name} begins {command[:160]!a}")
        return name

    def has_begun(self, name: str, answer: Answer) -> bool:
        """Return False if a program failed without output, and no Python has started.

        Then Wine ended it before any code of ours ran. If the journal is not kept
        (os.devnull), this returns True.
        """
        if _has_words(answer):
            return True
        kept = self._text()
        return f" {name} started " in kept or f" {name} begins " not in kept

    def ended(self, name: str, answer: Answer) -> Answer:
        """Log the program's end; fail the test if it failed without any output."""
        self._write(f"{name} ended {answer.status} after {answer.seconds:.3f} s")
        if not _has_words(answer):
            told = "\n".join(self._text().splitlines()[-_LINES:])
            begun = self.has_begun(name, answer)
            began = "had begun, or notes nothing" if begun else "never began"
            pytest.fail(
                f"{name} said nothing, and its Python {began}: {answer}\n{told}"
            )
        return answer

    def _text(self) -> str:
        return self.path.read_text("utf-8", "replace")

    def _write(self, line: str) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{time.time():.3f} {line}\n")
