"""How `dockcred` speaks to people: one console, and failures in one line."""

from __future__ import annotations

import sys
from contextlib import contextmanager

from rich.console import Console

from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

console = Console()
errors = Console(stderr=True)


@contextmanager
def refusing() -> Iterator[None]:
    """Turn a failure into its cause and remedy on stderr, and exit with 1."""
    try:
        yield
    except DockcredError as error:
        errors.print(f"dockcred: {error}", style="red", markup=False, highlight=False)
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        errors.print(
            f"dockcred: {where}{error.strerror}", markup=False, highlight=False
        )
        sys.exit(1)
