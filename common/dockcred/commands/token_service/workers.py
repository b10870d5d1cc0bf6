"""Several workers on one port: who starts them, and starts another where one dies.

All are forks that accept from one socket, so that what waits there when one dies is the
others' to take. This process serves nobody, and holds nothing that a request could
break. What they share is the socket, the figures and the turns of the journal.
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
"""The pipe to the parent of a process that has none."""

_HEARD = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
SHORT_S = 1.0
"""Who lives no longer than this is followed by one that waits before it serves."""

FIRST_PAUSE_S = 0.1
MOST_PAUSE_S = 5.0
LATER_S = 5.0
"""How long after their own time the workers are ended by force."""


def keep_signals() -> None:
    """Keep what this process is told until `run` hears it."""
    # Without somebody who would hear it SIGCHLD is not kept everywhere.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)


def run(
    serve: Callable[[int], None], many: int, close: Callable[[], None], grace_s: float
) -> None:
    """Keep `many` workers until SIGTERM or Ctrl-C; then wait until each has ended.

    `serve` serves in a worker until it is told to stop by SIGTERM, or by the end of the
    pipe that it gets; `close` closes our own copy of the socket. Raise DockcredError
    where a worker had to be ended by force, `grace_s` and LATER_S after it was told.
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
    """The workers that live, by their process; each has a number from 1 on."""

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
        """Send all the word to finish what they have in hand."""
        self.is_leaving = True
        self._kill(signal.SIGTERM)

    def end(self) -> None:
        """End all at once."""
        self._kill(signal.SIGKILL)

    def bury(self) -> int:
        """Start another for each that has died; return how many live."""
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
        """Serve as a worker; this process has nothing else to do."""
        status = 1
        try:
            os.close(self._our_end)
            # Ctrl-C is for all of a terminal's processes: our parent tells us.
            ours = {signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM}
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ours)
            time.sleep(self._pauses[number])
            journal.of_worker(number)
            journal.FIGURES.of_worker(number)
            journal.info("worker-started", number=number, pid=os.getpid())
            self._serve(self._their_end)
            status = 0
        except BaseException as error:  # noqa: BLE001 - told, and the end of this process
            journal.failure("failed", error)
        finally:
            os._exit(status)

    def _kill(self, number: int) -> None:
        for pid in self._numbers:
            os.kill(pid, number)
