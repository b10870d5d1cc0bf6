"""More hardening for long-lived processes, and none for a user's command.

It is not in `process`, because no `get` needs it.
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

    For long-lived processes only; ctypes costs too much for a `get`.
    """
    if process.called_with is None or not sys.platform.startswith("linux"):
        return  # dockcred is embedded in another program, or this is not Linux
    import ctypes  # noqa: PLC0415 - see above

    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


@contextmanager
def as_called() -> Iterator[None]:
    """Run a block with the caller's umask and core limit, for a user's command."""
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
