"""The loop over the targets, and the signals that it obeys."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from dockcred.commands.refresh import target as schedule
from dockcred.commands.refresh.attempt import Kept, Report
from dockcred.commands.refresh.target import Logins, RefreshTarget
from dockcred.errors import DockcredError

LONGEST_SLEEP_S = 60.0
"""A clock that is set, or a machine that was asleep, is noticed after this."""

_ENDING = (signal.SIGTERM, signal.SIGINT)


@dataclass
class _Planned:
    kept: Kept
    at: float = 0.0
    failures: int = 0


class Loop:
    """Looks at each target when it is due.

    `read` answers the targets, again after SIGHUP; `tell` is called with each line of
    progress and `warn` with each failure, `looked` with all of them after each look.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[RefreshTarget]],
        tell: Report,
        warn: Report,
        looked: Callable[[Iterable[Kept]], object] = tuple,
    ) -> None:
        self._read = read
        self._tell = tell
        self._warn = warn
        self._looked = looked
        self._logins = Logins()
        self._ends = False
        self._rereads = False

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; raise what the first reading raises."""
        with self._signals() as woken:
            plan = self._plan()
            while not self._ends:
                if self._rereads:
                    plan = self._replan(plan)
                self._look(plan)
                self._looked(each.kept for each in plan)
                if not (self._ends or self._rereads):
                    _sleep(woken, min(each.at for each in plan))

    def _plan(self) -> list[_Planned]:
        return [_Planned(Kept(target, schedule.draw)) for target in self._read()]

    def _replan(self, plan: list[_Planned]) -> list[_Planned]:
        """Read the targets again; go on with the old ones where that fails."""
        self._rereads = False
        try:
            return self._plan()
        except DockcredError as error:
            self._warn(f"{error} (the targets stay as they were)")
            return plan

    def _look(self, plan: list[_Planned]) -> None:
        for each in plan:
            if self._ends:
                return
            if each.at > time.time():
                continue
            problems = each.kept.attempt(self._logins, self._tell)
            for line in problems:
                self._warn(line)
            each.failures = each.failures + 1 if problems else 0
            wait = (
                schedule.pause_s(each.failures)
                if problems
                else each.kept.seconds_until_due()
            )
            each.at = time.time() + wait

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Record signals; yield a descriptor that can be read once one has come."""
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        wakes = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        taken = (*_ENDING, signal.SIGHUP)
        before = {number: signal.signal(number, self._signal) for number in taken}
        try:
            yield reader
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakes)
            os.close(reader)
            os.close(writer)

    def _signal(self, number: int, _frame: FrameType | None) -> None:
        if number in _ENDING:
            self._ends = True
        else:
            self._rereads = True


def _sleep(woken: int, until: float) -> None:
    """Sleep until a moment, or until a signal comes, a minute at most."""
    seconds = max(0.0, min(until - time.time(), LONGEST_SLEEP_S))
    ready, _, _ = select.select([woken], [], [], seconds)
    if ready:
        os.read(woken, 4096)
