"""The process: its start, its hardening, and its time limit.

No core file holds a secret, no other user can read its new files, and no file that it
opens can become stdin, stdout or stderr. A user's command gets the caller's umask and
limits back. A thread, the watchdog, ends the process when its time is over, whatever it
waits for, and reports the cause.
"""

from __future__ import annotations

import _thread
import gc
import os
import sys
import time

from dockcred import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from dockcred.system.metrics import Meter

short = ""
"""The name by which the launcher finds tickets; "" if no launcher has started us."""
program = ""
"""The name of the helper that this process runs; "" if it is another program."""
meter: Meter | None = None
"""Counts requests if metrics are wanted (system.metrics), else None."""


def run(module: str, name: str) -> None:
    """Run a program's main; `name` is its short name, "" if it has no front."""
    global short  # noqa: PLW0603 - one process, one program
    short = name
    # The process ends after one request, and its garbage with it. Collecting garbage
    # during imports is 3.5 of the 115 M instructions of a cold get.
    gc.disable()
    if os.name == "posix" and os.path.isdir(_OURS):  # else we are in an archive
        _find_ours_faster()
    sys.argv[0] = module.replace("_", "-")
    __import__(module).main()


def count_for(directory: str) -> None:
    """Count for a metrics directory from now on, as this helper; stop if it is ""."""
    global meter  # noqa: PLW0603 - one process, one program
    if not directory:
        meter = None
    elif program and (not meter or meter.directory != directory):
        from dockcred.system.metrics import Meter  # noqa: PLC0415 - for those who ask

        meter = Meter(program, directory)


_OURS = os.path.dirname(os.path.dirname(__file__))


def _find_ours_faster() -> None:
    """Install a finder that loads our modules in fewer steps than Python's own.

    It takes the bytecode that Python has written beside the source, if that still has
    the source's time and size, as Python itself does (PEP 552). Python also asks for
    built-in and frozen modules, lists each directory, and looks for three kinds of
    library before source: 1.5 of the 33 M instructions of a hit, 3.2 of the 104 of a
    cold get. In any other case it finds nothing, and Python's own finders go on.
    tests/system/test_finder.py compares it with them.
    """
    import _frozen_importlib as machinery  # noqa: PLC0415 - CPython's alone
    import _frozen_importlib_external as files  # noqa: PLC0415 - CPython's alone
    import marshal  # noqa: PLC0415 - what our loader needs, and it alone

    end = f".{sys.implementation.cache_tag}.pyc"
    head = files.MAGIC_NUMBER + bytes(4)
    # Unchecked bytecode, which its builder vouches for: packaging/directory.
    believed = files.MAGIC_NUMBER + b"\1\0\0\0"
    flags = os.O_RDONLY | os.O_CLOEXEC

    def bytecode(source: str, cached: str) -> memoryview | None:
        """Return a source's bytecode, None if outdated; OSError if one is missing."""
        descriptor = os.open(cached, flags)
        try:
            data = os.read(descriptor, os.fstat(descriptor).st_size)
        finally:
            os.close(descriptor)
        if data[:8] == believed:
            return memoryview(data)[16:]
        seen = os.stat(source)
        time_s, size = int(seen[8]) & _32_BITS, seen[6] & _32_BITS
        said = (size << 32 | time_s).to_bytes(8, "little")
        return memoryview(data)[16:] if data[:16] == head + said else None

    class Loader(files.SourceFileLoader):
        """Python's own source loader, but it runs the bytecode that was found."""

        found: memoryview

        def exec_module(self, module: ModuleType) -> None:
            code = marshal.loads(self.found)  # noqa: S302 - as Python does
            exec(code, module.__dict__)  # noqa: S102 - a module

    class Finder:
        """Finds the modules in packages of ours."""

        @staticmethod
        def find_spec(
            name: str, path: Sequence[str] | None, _: ModuleType | None = None, /
        ) -> ModuleSpec | None:
            """Return a module's spec; None if Python's own finders must look."""
            if path is None or len(path) != 1 or not path[0].startswith(_OURS):
                return None
            last = name.rpartition(".")[2]
            folder = path[0]
            for is_package in (False, True):
                if is_package:
                    folder, last = f"{folder}/{last}", "__init__"
                source = f"{folder}/{last}.py"
                cached = f"{folder}/__pycache__/{last}{end}"
                try:
                    found = bytecode(source, cached)
                except OSError:
                    continue
                if found is None:
                    return None
                loader = Loader(name, source)
                loader.found = found
                spec: ModuleSpec = machinery.ModuleSpec(
                    name, loader, origin=source, is_package=is_package
                )
                spec.has_location = True
                spec.cached = cached
                if is_package:
                    spec.submodule_search_locations = [folder]
                return spec
            return None

    sys.meta_path.insert(0, Finder)


_32_BITS = 2**32 - 1


NO_CORE_BYTES = 1
"""The core limit in bytes at which Linux writes no core file, and runs no program.

At 0 Linux still gives the whole memory to the program that core_pattern names, that of
systemd or Ubuntu (fs/coredump.c: only 1 stops it). A file would need a page at least.
"""
_PRIVATE = 0o077
called_with: tuple[int, tuple[int, int]] | None = None
"""The caller's umask and core limits; None if dockcred is embedded in a program."""


def harden(*, for_good: bool = True) -> None:
    """Forbid core files, close new files to others, open missing standard streams.

    With `for_good` false, system.hardening can set the caller's core limit again.
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


takes_turns = False  # True where many nodes start at once: identity.turn
PERSON_S = 120.0
_doing = "starting"
_ends_at, _is_extensible = float("inf"), True


def set_activity(what: str) -> None:
    """Set what is being done now, for the message if the time runs out."""
    global _doing  # noqa: PLW0603 - one process, one call, one clock
    _doing = what


def remaining_s() -> float:
    """Return how many seconds of the call are left."""
    return _ends_at - time.monotonic()


def person_s() -> float:
    """Return how many seconds a person gets to type; 0 if the limit must not change.

    The call's limit is then a second more. It must not change if the user has set it.
    """
    global _ends_at  # noqa: PLW0603 - one process, one call, one clock
    if not _is_extensible:
        return 0.0
    if _ends_at != float("inf"):
        _ends_at = time.monotonic() + PERSON_S + 1.0
    return PERSON_S


AFTERWARDS_S, COUNTED_S = 5.0, 2.0
"""Seconds for the work after an answer, and for counting a call that timed out."""
_gate = _thread.allocate_lock()
_told_status: int | None = None


def end_soon(status: int) -> None:
    """Allow five seconds for the work after the answer; then exit with the status."""
    global _ends_at, _told_status  # noqa: PLW0603 - one process, one call, one clock
    _told_status = status
    _ends_at = min(_ends_at, time.monotonic() + AFTERWARDS_S)
    if _gate.locked():
        _gate.release()


def start(
    seconds: float, tell: Callable[[str], object], *, is_extensible: bool = False
) -> None:
    """Start the watchdog: after `seconds` it reports the cause and ends the process.

    `is_extensible`: the user has not set this limit, so a person may get time to type.
    """
    global _ends_at, _is_extensible, _gate  # noqa: PLW0603 - one process, one clock
    _ends_at = time.monotonic() + seconds
    _is_extensible = is_extensible
    _gate = gate = _thread.allocate_lock()
    gate.acquire()

    def wait() -> None:
        while (left_s := remaining_s()) > 0:
            gate.acquire(timeout=left_s)
        if _told_status is not None:
            os._exit(_told_status)
        # A client that does not read may block the report, which has half a second.
        _thread.start_new_thread(report_and_exit, ())
        if gate.acquire(timeout=0.5):
            gate.acquire(timeout=COUNTED_S)  # it is reported: wait until it is counted
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
    """Discard output: a thread that waits for a killed child must report nothing."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)


def end_children(of: int = 0) -> None:
    """Kill every descendant, so that no `az` or credential_process stays behind.

    With `of`, kill that process and its descendants instead. It works on Linux and
    Windows. Elsewhere a child program notices that its pipe is closed.
    """
    import signal  # noqa: PLC0415 - at an end only

    parents = system.parents()
    doomed = [of or os.getpid()]
    for parent in doomed:  # grows as it is walked, parents before children
        doomed += [pid for pid in parents if parents[pid] == parent]
    # All are stopped first, so that none sees another end and goes on. Parents come
    # last: a thread that waits for one may end this process as soon as it is dead.
    for number in (signal.Signals[name] for name in system.ENDING):
        for pid in reversed(doomed if of else doomed[1:]):
            try:
                os.kill(pid, number)
            except OSError:
                continue
