"""More than `process` promises for all: for who lives long, and a user's command.

A room of its own, as no `get` needs it.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PR_SET_DUMPABLE = 4


def hide_memory() -> None:
    """Close this process's memory to debuggers of the same user, where possible.

    For those who live long; ctypes costs too much for a `get`.
    """
    if process.called_with is None or not sys.platform.startswith("linux"):
        return  # this process is somebody else's, or cannot be told
    import ctypes  # noqa: PLC0415 - see above

    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def as_called() -> Iterator[None]:
    """Return a block with the caller's umask and limit, for a command of the user's."""
    if process.called_with is None:
        yield
        return
    import resource  # noqa: PLC0415 - POSIX only

    umask, limits = process.called_with
    ours = os.umask(umask), resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, limits)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, ours[1])
        os.umask(ours[0])
