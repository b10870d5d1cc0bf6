"""One clock over a whole call: when it runs out, the cause is told and all ends.

A signal does not interrupt name resolution, and an SDK's own timeouts do not add up
to one bound, so a thread keeps the time; `_thread` is what threading is made of, at a
tenth of its import.
"""

from __future__ import annotations

import _thread
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_doing = "starting"
_ends_at = float("inf")


def doing(what: str) -> None:
    """Say what comes next, for the message if the time runs out in it."""
    global _doing  # noqa: PLW0603 - one process, one call, one clock
    _doing = what


def remaining_s() -> float:
    """Answer how many seconds of the call are left."""
    return _ends_at - time.monotonic()


def start(seconds: float, tell: Callable[[str], object]) -> None:
    """Tell the cause, end child programs and this process after so many seconds."""
    global _ends_at  # noqa: PLW0603 - one process, one call, one clock
    _ends_at = time.monotonic() + seconds
    gate = _thread.allocate_lock()
    gate.acquire()

    def wait() -> None:
        gate.acquire(timeout=seconds)
        # A client that does not read may block the telling: half a second for it.
        _thread.start_new_thread(last_words, ())
        gate.acquire(timeout=0.5)
        end_children()
        os._exit(1)

    def last_words() -> None:
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
    """Keep who waited for a child program from telling its end as well."""
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
