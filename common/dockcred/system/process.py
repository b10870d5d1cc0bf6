"""What every program of ours promises of its own process, whichever it is.

No core file holds a secret, no file is for others to read, and no file of ours passes
for stdin, stdout or stderr. A command of the user's gets back what the caller had.
"""

from __future__ import annotations

import os
import sys

NO_CORE_BYTES = 1
"""The limit under which Linux writes no core file and starts no program for one.

At 0 it still hands the whole memory to the program that core_pattern names, systemd's
or Ubuntu's (fs/coredump.c: only 1 stops it). A file would need a page at least.
"""
_PRIVATE = 0o077
_PR_SET_DUMPABLE = 4
_before: tuple[int, tuple[int, int]] | None = None


def harden(*, for_good: bool = True) -> None:
    """Close what this process could leave behind: cores, open files, loose streams.

    With `for_good` false the caller's own limit can be had again, by `AsCalled`.
    """
    global _before  # noqa: PLW0603 - one process, one caller
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    umask = os.umask(_PRIVATE)
    try:
        import resource  # noqa: PLC0415 - POSIX only
    except ImportError:
        return  # Windows writes no core file
    core = resource.RLIMIT_CORE
    limits = resource.getrlimit(core)
    if _before is None:
        _before = umask, limits
    most = NO_CORE_BYTES if for_good else limits[1]
    try:
        resource.setrlimit(core, (NO_CORE_BYTES, most))
    except (ValueError, OSError):  # the caller allows none at all
        resource.setrlimit(core, (0, limits[1]))


def hide_memory() -> None:
    """Let no debugger of the same user read this process either, where it can be told.

    For those who live long; ctypes costs too much for a `get`.
    """
    if _before is None or not sys.platform.startswith("linux"):
        return  # this process is somebody else's, or cannot be told
    import ctypes  # noqa: PLC0415 - see above

    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


class AsCalled:
    """Give umask and limit back for what the block starts: it is the user's own."""

    def __enter__(self) -> None:
        """Be as this program was called, where `harden` has said how that was."""
        self._ours: tuple[int, tuple[int, int]] | None = None
        if _before is None:
            return
        import resource  # noqa: PLC0415 - POSIX only

        umask, limits = _before
        self._ours = os.umask(umask), resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, limits)

    def __exit__(self, *_: object) -> None:
        """Be hardened again."""
        if self._ours is None:
            return
        import resource  # noqa: PLC0415 - POSIX only

        resource.setrlimit(resource.RLIMIT_CORE, self._ours[1])
        os.umask(self._ours[0])
