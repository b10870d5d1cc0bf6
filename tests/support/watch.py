"""Collect which files, sockets and programs code opens, by Python's audit events."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

OUTWARD = ("socket.", "subprocess.", "os.posix_spawn", "os.exec", "os.system", "open ")

_events: list[str] | None = None
_installed = False


def _hook(event: str, arguments: tuple) -> None:
    if _events is None:
        return
    if event == "open":
        # Python's own imports are not the identity's files.
        path = str(arguments[0])
        if not path.endswith((".py", ".pyc")):
            _events.append(f"open {path}")
    else:
        _events.append(event)


@contextlib.contextmanager
def audited() -> Iterator[list[str]]:
    """Collect the events of the block. Python cannot remove the hook again."""
    global _events, _installed  # noqa: PLW0603 - one hook per process
    if not _installed:
        sys.addaudithook(_hook)
        _installed = True
    _events = found = []
    try:
        yield found
    finally:
        _events = None
