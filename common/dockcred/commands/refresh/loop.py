"""The loop over the targets.

It wakes for a due time, a signal or news from a cluster.
"""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from dockcred.commands.refresh import target as schedule
from dockcred.commands.refresh.attempt import Kept
from dockcred.commands.refresh.lease import Lease
from dockcred.commands.refresh.target import Logins, RefreshTarget, Report
from dockcred.errors import DockcredError

LONGEST_SLEEP_S = 60.0
"""Seconds of one sleep at most.

After a clock change, or after the machine was asleep, due times are compared again this
soon.
"""

TOGETHER_S = 0.2
"""Seconds to wait after a wake-up, so that a hundred new namespaces are one look."""

_ENDING = (signal.SIGTERM, signal.SIGINT)
_REREADING = getattr(signal, "SIGHUP", None)


@dataclass
class _Planned:
    kept: Kept
    at: float = 0.0
    failures: int = 0


class Loop:
    """Looks at each target when it is due, or when there is news of it.

    `read` returns the targets, and is called again after SIGHUP. `tell` is called with
    each line of progress, `warn` with each failure, `looked` with all targets after
    each look. With a `lease`, only its holder writes the places that replicas share.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[RefreshTarget]],
        tell: Report,
        warn: Report,
        looked: Callable[[Iterable[Kept]], object] = tuple,
        lease: Lease | None = None,
    ) -> None:
        self._read = read
        self._tell = tell
        self._warn = warn
        self._looked = looked
        self._lease = lease
        self._logins = Logins()
        self._ends = False
        self._rereads = False
        self._leads = False
        # A socket, as select on Windows takes only sockets.
        self._wakes: socket.socket | None = None

    def run(self) -> None:
        """Run until SIGTERM or SIGINT; raise what the first call of `read` raises."""
        with self._signals() as woken:
            plan = self._plan()
            if self._lease:
                self._lease.start(self._wake)
            try:
                while not self._ends:
                    if self._rereads:
                        plan = self._replan(plan)
                    self._note_lease(plan)
                    self._look(plan)
                    self._looked(each.kept for each in plan)
                    if not (self._ends or self._rereads):
                        self._sleep(woken, plan)
            finally:
                self._stop(plan)
                if self._lease:
                    self._lease.release()

    def _plan(self) -> list[_Planned]:
        plan = []
        for target in self._read():
            follower = target.destination.follow(self._wake, self._warn)
            may_go_on = self._may_share if target.destination.is_shared else self._runs
            kept = Kept(target, schedule.draw, may_go_on, follower=follower)
            plan.append(_Planned(kept))
        return plan

    def _replan(self, plan: list[_Planned]) -> list[_Planned]:
        """Read the targets again; keep the old ones if that fails."""
        self._rereads = False
        try:
            new = self._plan()
        except DockcredError as error:
            self._warn(f"{error} (the targets stay as they were)")
            return plan
        self._stop(plan)
        return new

    @staticmethod
    def _stop(plan: list[_Planned]) -> None:
        for each in plan:
            if each.kept.follower:
                each.kept.follower.stop()

    def _runs(self) -> bool:
        return not self._ends

    def _may_share(self) -> bool:
        """Return whether we may write the places that replicas share."""
        return not self._ends and (self._lease is None or self._lease.is_held())

    def _note_lease(self, plan: list[_Planned]) -> None:
        """After gaining or losing the Lease, forget the shared places and look anew."""
        led, self._leads = self._leads, self._may_share()
        if self._leads != led:
            for each in plan:
                if each.kept.target.destination.is_shared:
                    each.kept.forget()
                    each.at = 0.0

    def _look(self, plan: list[_Planned]) -> None:
        for each in plan:
            if not each.kept.may_go_on():
                continue
            news = each.kept.take_news()
            is_time = each.at <= time.time()
            if is_time or news is not None:
                self._attempt(each, again=is_time or bool(news))

    def _attempt(self, each: _Planned, *, again: bool) -> None:
        problems = each.kept.attempt(self._logins, self._tell, again=again)
        for line in problems:
            self._warn(line)
        if problems:
            each.failures += 1
            each.at = time.time() + schedule.pause_s(each.failures)
        elif again or not each.failures:
            each.failures = 0
            each.at = time.time() + each.kept.seconds_until_due()

    def _sleep(self, woken: socket.socket, plan: list[_Planned]) -> None:
        """Sleep until the next target is due or something wakes us; 60 s at most."""
        now = time.time()
        ours = [each.at for each in plan if each.kept.may_go_on()]
        until = min(ours, default=now + LONGEST_SLEEP_S)
        seconds = max(0.0, min(until - now, LONGEST_SLEEP_S))
        ready, _, _ = select.select([woken], [], [], seconds)
        if not ready:
            return
        woken.recv(4096)
        if not (self._ends or self._rereads):
            time.sleep(TOGETHER_S)

    @contextmanager
    def _signals(self) -> Iterator[socket.socket]:
        """Record signals; yield a socket that becomes readable when we must wake."""
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        self._wakes = writer
        wakes = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        taken = (*_ENDING, _REREADING) if _REREADING else _ENDING
        before = {number: signal.signal(number, self._signal) for number in taken}
        try:
            yield reader
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(wakes)
            self._wakes = None
            reader.close()
            writer.close()

    def _wake(self) -> None:
        """End the sleep; other threads may call this too."""
        if wakes := self._wakes:
            with suppress(OSError):  # the buffer is full, or closed
                wakes.send(b"\0")

    def _signal(self, number: int, _frame: FrameType | None) -> None:
        if number in _ENDING:
            self._ends = True
        else:
            self._rereads = True
