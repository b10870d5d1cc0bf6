"""The process's variables while an SDK reads them: what it asks for is noted."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Noting(type(os.environ)):  # type: ignore[misc]
    """The process's variables, noting who asks for one; not who takes them all.

    All are taken for a child program, and what that is given is chosen elsewhere.
    """

    asked: set[str] = set()  # noqa: RUF012 - one process, one set
    _taken = 0

    def __getitem__(self, name: str) -> str:
        """Return a variable's value; raise KeyError where it is not set."""
        if not self._taken:
            self.asked.add(name)
        value: str = super().__getitem__(name)
        return value

    def copy(self) -> dict[str, str]:
        """Return them all."""
        return dict(self.items())

    def __iter__(self) -> Iterator[str]:
        """Return the names one by one; what is read meanwhile is not asked for."""
        self._taken += 1
        try:
            yield from super().__iter__()
        finally:
            self._taken -= 1
