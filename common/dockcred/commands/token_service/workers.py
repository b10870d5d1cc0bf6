"""Several workers on one port: start them, and replace each one that dies.

All workers are forks that accept from one socket. If one dies, the others take the
connections that wait there. The parent process serves no request, so no request can
break it. The workers share the socket, the metrics and the lock of the log.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import NoReturn

from dockcred.commands.token_service import journal
from dockcred.errors import DockcredError

NOBODY = -1
"""Stands for the pipe to the parent in a process without a parent."""

_HEARD = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
SHORT_S = 1.0
"""Seconds. If a worker lives no longer, the next one waits before it serves."""

FIRST_PAUSE_S = 0.1
MOST_PAUSE_S = 5.0
LATER_S = 5.0
"""Seconds after `grace_s` when workers that still run are killed."""


def keep_signals() -> None:
    """Block the signals until `run` waits for them."""
    # On some systems SIGCHLD is not kept pending without a handler.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)


def run(
    serve: Callable[[int], None], many: int, close: Callable[[], None], grace_s: float
) -> None:
    """Keep `many` workers until SIGTERM or Ctrl-C; then wait until each has ended.

    `serve` runs in a worker until SIGTERM, or until the pipe closes whose descriptor it
    gets. `close` closes our own copy of the socket. Raises DockcredError if a worker
    had to be killed, `grace_s` and LATER_S seconds after the signal.
    """
    journal.take_turns()
    crew = _Crew(serve, many)
    while True:
        heard = signal.sigwait(_HEARD)
        if heard in {signal.SIGTERM, signal.SIGINT} and not crew.is_leaving:
            close()
            signal.setitimer(signal.ITIMER_REAL, grace_s + LATER_S)
            crew.leave()
        if heard == signal.SIGALRM:
            crew.end()
            raise DockcredError(
                "a worker did not end in time", "see what it was asked for, in the log"
            )
        if crew.bury() == 0 and crew.is_leaving:
            return


class _Crew:
    """The running workers, by process id; each has a number from 1."""

    def __init__(self, serve: Callable[[int], None], many: int) -> None:
        self.is_leaving = False
        self._serve = serve
        self._numbers: dict[int, int] = {}
        self._started: dict[int, float] = {}
        self._pauses = dict.fromkeys(range(1, many + 1), 0.0)
        self._their_end, self._our_end = os.pipe()
        for number in self._pauses:
            self._start(number)

    def leave(self) -> None:
        """Ask all workers to finish their requests and stop."""
        self.is_leaving = True
        self._kill(signal.SIGTERM)

    def end(self) -> None:
        """Kill all workers."""
        self._kill(signal.SIGKILL)

    def bury(self) -> int:
        """Replace each worker that has died; return how many run."""
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            number = self._numbers.pop(pid)
            lived_s = time.monotonic() - self._started.pop(pid)
            if self.is_leaving:
                continue
            how = os.waitstatus_to_exitcode(status)
            journal.warning("worker-died", number=number, pid=pid, status=str(how))
            longer = min(max(2 * self._pauses[number], FIRST_PAUSE_S), MOST_PAUSE_S)
            is_short = lived_s < SHORT_S + self._pauses[number]
            self._pauses[number] = longer if is_short else 0.0
            self._start(number)
        return len(self._numbers)

    def _start(self, number: int) -> None:
        pid = os.fork()
        if pid == 0:
            self._work(number)
        self._numbers[pid] = number
        self._started[pid] = time.monotonic()

    def _work(self, number: int) -> NoReturn:
        """Serve as a worker, and end the process."""
        status = 1
        try:
            os.close(self._our_end)
            # Ctrl-C signals all processes of a terminal, but the parent alone reacts to
            # it.
            ours = {signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM}
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ours)
            time.sleep(self._pauses[number])
            journal.of_worker(number)
            journal.FIGURES.of_worker(number)
            journal.info("worker-started", number=number, pid=os.getpid())
            self._serve(self._their_end)
            status = 0
        except BaseException as error:  # noqa: BLE001 - logged, then the process ends
            journal.failure("failed", error)
        finally:
            os._exit(status)

    def _kill(self, number: int) -> None:
        for pid in self._numbers:
            os.kill(pid, number)
