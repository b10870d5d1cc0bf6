"""Work on several places at once, as many as the server can take."""

from __future__ import annotations

import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from dockcred.commands.refresh.answers import NoTimeError
from dockcred.errors import DockcredError

AT_ONCE = 8
"""Requests that run at once, at most.

One after the other, each would wait for the server's disk. Eight are a small part of
what the smallest server accepts from all service accounts together. More than eight are
no faster: then our own processor is the limit.
"""

PATIENCE_S = 60.0
"""Seconds that a call is repeated while the server says it is busy."""

_STEP_S = 0.2
_GROWS_AFTER = 20

_chance = random.SystemRandom()

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


class SkippedError(DockcredError):
    """A place needs nothing more, or we must stop. It is not reported."""


@dataclass(frozen=True)
class CallResult(Generic[_Found]):
    """What a call returned, or the error that it raised."""

    value: _Found | None
    error: Exception | None = None

    @classmethod
    def of(cls, call: Callable[[], _Found]) -> CallResult[_Found]:
        """Make the call, and keep its result or error."""
        try:
            return cls(call())
        except Exception as error:  # noqa: BLE001 - get() raises it again
            return cls(None, error)

    def get(self) -> _Found:
        """Return the call's value, or raise its error."""
        if self.error:
            raise self.error
        return self.value  # type: ignore[return-value] # it has returned that


class Crowd:
    """Worker threads over some places, which share one pace.

    When the server tells one worker that it is busy, all slow down. `may_go_on` is
    called before each call.
    """

    def __init__(self, may_go_on: Callable[[], bool]) -> None:
        self._may_go_on = may_go_on
        self._width = AT_ONCE
        self._well = 0
        self._not_before = 0.0
        self._lock = threading.Lock()
        self._free = threading.Condition(self._lock)
        self._busy = 0

    def each(
        self, items: Sequence[_Item], work: Callable[[_Item], _Found]
    ) -> Iterator[tuple[_Item, CallResult[_Found]]]:
        """Yield each item with its result, as results come; stop once we must end.

        A single item runs in the caller's thread, without a worker.
        """
        if len(items) == 1:
            if self._may_go_on():
                yield items[0], CallResult.of(partial(work, items[0]))
            return
        todo = deque(items)
        done: queue.SimpleQueue[tuple[_Item, CallResult[_Found]] | None]
        done = queue.SimpleQueue()
        closed = threading.Event()

        def run() -> None:
            while self._may_go_on() and not closed.is_set():
                try:
                    item = todo.popleft()
                except IndexError:
                    break
                done.put((item, CallResult.of(partial(work, item))))
            done.put(None)

        workers = [
            threading.Thread(target=run, daemon=True)
            for _ in range(min(AT_ONCE, len(items)))
        ]
        for worker in workers:
            worker.start()
        try:
            for _ in workers:
                yield from iter(done.get, None)
        finally:
            closed.set()

    def patiently(self, call: Callable[[], _Found]) -> _Found:
        """Make the call, again while the server is busy; SkippedError to stop."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            self._enter()
            try:
                found = call()
            except NoTimeError as error:
                self._heed(error.wait_s)
                if time.monotonic() > give_up:
                    raise
            else:
                self._praise()
                return found
            finally:
                self._leave()

    def _enter(self) -> None:
        """Wait for a turn. After the server was busy, fewer calls run at once."""
        while self._may_go_on():
            with self._free:
                wait = self._not_before - time.monotonic()
                if wait <= 0 and self._busy < self._width:
                    self._busy += 1
                    return
                self._free.wait(min(wait, _STEP_S) if wait > 0 else _STEP_S)
        raise SkippedError("what was due is left, as we must end")

    def _leave(self) -> None:
        with self._free:
            self._busy -= 1
            self._free.notify()

    def _heed(self, wait_s: float) -> None:
        with self._lock:
            until = time.monotonic() + wait_s * _chance.uniform(1.0, 1.25)
            if until > self._not_before + wait_s / 2:
                # Refusals of calls that ran at the same time count as one.
                self._width = max(1, self._width // 2)
            self._not_before = max(until, self._not_before)
            self._well = 0

    def _praise(self) -> None:
        with self._lock:
            self._well += 1
            if self._well >= _GROWS_AFTER and self._width < AT_ONCE:
                self._width, self._well = self._width + 1, 0
