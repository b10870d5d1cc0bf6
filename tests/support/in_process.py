"""A helper whose verbs run in this process, not in a program.

For a store that no program has, and for tests with many calls. tests/windows passes the
text of this file to Python for Windows.
"""

from __future__ import annotations

from collections.abc import Callable

from dockcred.errors import DockcredError, WireError
from dockcred.protocol import answer
from dockcred.testing.store_contract import Answer, Helper


class InProcess(Helper):
    """A helper that answers from the store that `make` returns."""

    def __init__(self, make: Callable[[], object]) -> None:
        super().__init__("none")
        self._make = make

    def run(self, verb: str, text: str = "") -> Answer:
        """Run one verb in this process."""
        try:
            output, notice = answer(verb, self._make, text.encode())
        except WireError as error:
            return Answer(1, error.sentence.encode(), b"")
        except DockcredError as error:
            return Answer(1, str(error).encode(), str(error).encode())
        return Answer(0, output, (notice or "").encode())
