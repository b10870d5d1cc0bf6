"""The process: how it starts, what it promises, and when it must have ended.

No core file holds a secret, no file is for others to read, and no file of ours passes
for stdin, stdout or stderr. A command of the user's gets back what the caller had. One
thread ends it with the cause when its time is over, whatever it waits for.
"""

from __future__ import annotations

import _thread
import gc
import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.abc import PathEntryFinder

short = ""
"""By what name the launcher asks for tickets; nothing where no launcher asked."""


def run(module: str, name: str) -> None:
    """Run a program's main; `name` is its short name, nothing for one without front."""
    global short  # noqa: PLW0603 - one process, one program
    short = name
    # One request and the end: what is garbage then goes with the process. Looking for
    # it while imports run is 3.5 of the 115 M instructions of a cold get.
    gc.disable()
    if os.path.isdir(_OURS):  # else we are in an archive
        sys.path_hooks.insert(0, _find_ours)
    sys.argv[0] = module.replace("_", "-")
    __import__(module).main()


_OURS = os.path.dirname(os.path.dirname(__file__))


def _find_ours(path: str) -> PathEntryFinder:
    """Return what finds modules in a directory of ours; ImportError for any other.

    Python tries each directory as an archive, and each package as three kinds of
    library, before it looks for source: 0.3 of the 33 M instructions of a hit. Where
    this raises, Python's own finders go on.
    """
    if not path.startswith(_OURS):
        raise ImportError
    import _frozen_importlib_external as machinery  # noqa: PLC0415 - CPython's alone

    loaders = (
        (machinery.SourceFileLoader, [".py"]),
        (machinery.SourcelessFileLoader, [".pyc"]),
    )
    return machinery.FileFinder(path, *loaders)


NO_CORE_BYTES = 1
"""The limit under which Linux writes no core file and starts no program for one.

At 0 it still hands the whole memory to the program that core_pattern names, systemd's
or Ubuntu's (fs/coredump.c: only 1 stops it). A file would need a page at least.
"""
_PRIVATE = 0o077
called_with: tuple[int, tuple[int, int]] | None = None
"""The caller's umask and limits of core files; None where this process is not ours."""


def harden(*, for_good: bool = True) -> None:
    """Close what this process could leave behind: cores, open files, loose streams.

    With `for_good` false the caller's own limit can be had again (system.hardening).
    """
    global called_with  # noqa: PLW0603 - one process, one caller
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
    if called_with is None:
        called_with = umask, limits
    most = NO_CORE_BYTES if for_good else limits[1]
    try:
        resource.setrlimit(core, (NO_CORE_BYTES, most))
    except (ValueError, OSError):  # the caller allows none at all
        resource.setrlimit(core, (0, limits[1]))


PERSON_S = 120.0
_doing = "starting"
_ends_at = float("inf")
_is_extensible = True


def set_activity(what: str) -> None:
    """Set what is being done, for the message if the time runs out in it."""
    global _doing  # noqa: PLW0603 - one process, one call, one clock
    _doing = what


def remaining_s() -> float:
    """Return how many seconds of the call are left."""
    return _ends_at - time.monotonic()


def person_s() -> float:
    """Return for how many seconds a person who is typing is waited for, 0 for none.

    The call ends a second later than that, unless somebody has said when it ends.
    """
    global _ends_at  # noqa: PLW0603 - one process, one call, one clock
    if not _is_extensible:
        return 0.0
    if _ends_at != float("inf"):
        _ends_at = time.monotonic() + PERSON_S + 1.0
    return PERSON_S


def start(
    seconds: float, tell: Callable[[str], object], *, is_extensible: bool = False
) -> None:
    """Start the watchdog: after so many seconds it writes the cause and ends us.

    `is_extensible`: nobody has set this time, and a person who types may have more.
    """
    global _ends_at, _is_extensible  # noqa: PLW0603 - one process, one call, one clock
    _ends_at = time.monotonic() + seconds
    _is_extensible = is_extensible
    gate = _thread.allocate_lock()
    gate.acquire()

    def wait() -> None:
        while (left_s := remaining_s()) > 0:
            gate.acquire(timeout=left_s)
        # A client that does not read may block the telling: half a second for it.
        _thread.start_new_thread(report_and_exit, ())
        gate.acquire(timeout=0.5)
        end_children()
        os._exit(1)

    def report_and_exit() -> None:
        try:
            tell(
                f"gave up after {seconds:g} s while {_doing}; "
                "see why it takes so long, or raise DOCKCRED_TIMEOUT"
            )
            _mute()
        finally:
            end_children()
            os._exit(1)

    _thread.start_new_thread(wait, ())


def _mute() -> None:
    """Stop whoever waits for a child program from reporting its end as well."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)


def end_children() -> None:
    """Kill every descendant, so that no `az` or credential_process stays behind.

    Linux only: elsewhere a child program notices that its pipe is closed.
    """
    import signal  # noqa: PLC0415 - at an end only

    parents = {}
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return
    for pid in pids:
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:
                parents[pid] = int(stat.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    doomed = [os.getpid()]
    for parent in doomed:  # grows as it is walked, parents before children
        doomed += [pid for pid in parents if parents[pid] == parent]
    # Stopped first: none may see another end and go on. Parents last: the thread
    # that waits for one here may end this process as soon as it is dead.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in reversed(doomed[1:]):
            try:
                os.kill(pid, number)
            except OSError:
                continue
