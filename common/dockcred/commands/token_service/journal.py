"""The token service's log, as lines of JSON on stderr, and its metrics."""

from __future__ import annotations

import fcntl
import json
import logging
import mmap
import os
import sys
import time
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from dockcred.errors import InvalidInputError

MAX_CHARACTERS = 300
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30}


class _Journal:
    """Writes the log lines, with their lowest level and this worker's number.

    Workers share stderr. A pipe takes a line that is longer than PIPE_BUF in pieces. So
    the workers take turns by a kernel lock, which a killed worker does not keep.
    """

    level = LEVELS["WARNING"]
    worker = 0
    turns: int | None = None

    def write(self, line: dict[str, Any]) -> None:
        if self.worker:
            line["worker"] = self.worker
        text = memoryview(f"{json.dumps(line)}\n".encode())
        try:
            if self.turns is not None:
                fcntl.lockf(self.turns, fcntl.LOCK_EX)
            while text:
                text = text[os.write(sys.stderr.fileno(), text) :]
        except (OSError, ValueError):
            pass  # nobody reads stderr any more, so there is nobody to tell
        finally:
            if self.turns is not None:
                fcntl.lockf(self.turns, fcntl.LOCK_UN)


_JOURNAL = _Journal()


def info(event: str, **fields: Any) -> None:
    """Log an event that went as expected."""
    _write("INFO", event, fields)


def warning(event: str, **fields: Any) -> None:
    """Log a refusal, or an event that an operator should look at."""
    _write("WARNING", event, fields)


def failure(event: str, error: BaseException) -> None:
    """Log our own failure by its type and place; its message could hold a secret."""
    _JOURNAL.write(_line(time.time(), "error", event) | {"error": _place(error)})


def open_on_stderr(level: str) -> None:
    """Log from this level on, for this process and its libraries, to stderr."""
    _JOURNAL.level = LEVELS[level]
    root = logging.getLogger()
    root.handlers[:] = [_Others()]
    root.setLevel(level)


def take_turns() -> None:
    """Share stderr with the processes that are forked from now on.

    Raises InvalidInputError on a system other than Linux.
    """
    if not hasattr(os, "memfd_create"):
        raise InvalidInputError(
            "several workers share a port on Linux only", "leave out --workers"
        )
    _JOURNAL.turns = os.memfd_create("dockcred-journal")


def of_worker(number: int) -> None:
    """Add the number of this worker to each line from now on."""
    _JOURNAL.worker = number


def _write(level: str, event: str, fields: dict[str, Any]) -> None:
    if LEVELS[level] < _JOURNAL.level:
        return
    line = _line(time.time(), level.lower(), event)
    line |= {name: _bounded(value) for name, value in fields.items() if value}
    _JOURNAL.write(line)


class _Others(logging.Handler):
    """Writes the log records of libraries in the same form."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, as logging.Handler defines it."""
        line = _line(record.created, record.levelname.lower(), record.getMessage())
        if record.exc_info:
            line["error"] = _place(record.exc_info[1])
        _JOURNAL.write(line)


def _line(at: float, level: str, event: str) -> dict[str, Any]:
    return {
        "time": f"{_second(int(at))}.{int(at % 1 * 1000):03}Z",
        "level": level,
        "event": event[:MAX_CHARACTERS].strip(),
    }


@lru_cache(1)
def _second(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))


def _bounded(value: Any) -> Any:
    if isinstance(value, str):
        return value[:MAX_CHARACTERS]
    if isinstance(value, list | tuple):
        return [_bounded(item) for item in value]
    return value


def _place(error: BaseException | None) -> str:
    """Return the name of an exception's type, and the line that raised it."""
    trace = error.__traceback__ if error else None
    while trace and trace.tb_next:
        trace = trace.tb_next
    name = type(error).__name__
    if trace is None:
        return name
    return f"{name} at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


OUTCOMES = (
    *("answered", "failed", "refused"),
    *(f"refused-{n}" for n in (400, 401, 408, 413, 415, 429, 431, 503)),
)
OTHERWISE = OUTCOMES.index("refused")
BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
FETCHES = ("fetched", "failed")
_BUCKETS = len(OUTCOMES)
_SUM = _BUCKETS + len(BOUNDS_S) + 1
_ISSUERS = _SUM + 1
_NUMBER = 8  # bytes


class Figures:
    """The metrics for Prometheus, of all workers, in shared memory.

    Each worker has a row of numbers that only it writes. The worker that is asked for
    the metrics adds the rows up. A worker that replaces a dead one goes on in the same
    row, so a counter never decreases.
    """

    def __init__(self) -> None:
        self._issuers: list[str] = []
        self._workers, self._at = 1, 0
        self._numbers = _memory(_ISSUERS)

    def share(self, workers: int, issuers: list[str]) -> None:
        """Make room for issuers, and for workers that are forked after this call."""
        self._issuers, self._workers, self._at = issuers, workers, 0
        self._numbers = _memory(workers * self._width)

    def of_worker(self, number: int) -> None:
        """Count in this worker's row from now on; the first worker is 1."""
        self._at = (number - 1) * self._width

    def ended(self, outcome: str, seconds: float | None = None) -> None:
        """Count a request by its outcome, and its duration in seconds if known."""
        which = _WHICH.get(outcome, OTHERWISE)
        self._numbers[self._at + which] += 1
        if seconds is not None:
            bucket = _BUCKETS + bisect_left(BOUNDS_S, seconds)
            self._numbers[self._at + bucket] += 1
            self._numbers[self._at + _SUM] += seconds

    def fetched(self, issuer: str, how: str) -> None:
        """Count a fetch of an issuer's keys; `how` is one of FETCHES."""
        if issuer in self._issuers:
            at = _ISSUERS + self._issuers.index(issuer) * len(FETCHES)
            self._numbers[self._at + at + FETCHES.index(how)] += 1

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, as prometheus_client's Collector defines it."""
        requests = CounterMetricFamily(
            "dockcred_token_requests",
            "Requests for a token, by how they ended.",
            labels=["outcome"],
        )
        for at, outcome in enumerate(OUTCOMES):
            requests.add_metric([outcome], self._total(at))
        yield requests
        seen, buckets = 0.0, []
        for at, bound in enumerate((*map(float, BOUNDS_S), "+Inf")):
            seen += self._total(_BUCKETS + at)
            buckets.append((str(bound), seen))
        yield HistogramMetricFamily(
            "dockcred_token_request_seconds",
            "How long requests for a token took.",
            buckets=buckets,
            sum_value=self._total(_SUM),
        )
        fetches = CounterMetricFamily(
            "dockcred_issuer_fetches",
            "How often an issuer was asked for its keys.",
            labels=["issuer", "outcome"],
        )
        for number, issuer in enumerate(self._issuers):
            for how, name in enumerate(FETCHES):
                total = self._total(_ISSUERS + number * len(FETCHES) + how)
                fetches.add_metric([issuer, name], total)
        yield fetches

    @property
    def _width(self) -> int:
        return _ISSUERS + len(FETCHES) * len(self._issuers)

    def _total(self, at: int) -> float:
        return sum(self._numbers[at :: self._width][: self._workers])


def _memory(numbers: int) -> memoryview[float]:
    """Return `numbers` zeros in memory that forks of this process share."""
    return memoryview(mmap.mmap(-1, numbers * _NUMBER)).cast("d")


_WHICH = {outcome: at for at, outcome in enumerate(OUTCOMES)}
FIGURES = Figures()
