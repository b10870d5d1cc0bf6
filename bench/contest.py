"""Run one row: two contestants in turn, as whole processes, every answer checked."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

WARM_UP = 2
TIMEOUT_S = 60


class Invalid(Exception):  # noqa: N818 - a verdict, not a defect of the bench
    """An answer was missing or wrong, so the row has no result."""


def _nothing() -> None:
    """Do nothing: the default for `before` and `after`."""


@dataclass(frozen=True)
class Contestant:
    """A command with its environment, and how its answer is checked.

    `before` prepares each run, `after` checks each timed run; neither is part of the
    measured time. `check` and `after` raise Invalid. `finds` is False if each run must
    fail.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    check: Callable[[str], None]
    before: Callable[[], None] = _nothing
    after: Callable[[], None] = _nothing
    finds: bool = True


@dataclass
class Taken:
    """The measured times and memory of one contestant's runs."""

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class RowResult:
    """The ratios of one row, ours ÷ theirs, and the medians that they come from."""

    ratio: float
    ratio_of_minimums: float
    quartiles: tuple[float, float]
    ours: dict[str, float]
    theirs: dict[str, float]
    rounds: int

    def as_json(self) -> dict[str, object]:
        """Return the fields for the JSON file."""
        return asdict(self)


class Contest:
    """Runs two contestants in turn: A B, B A, and so on."""

    def __init__(self, stopwatch: Path, *, at_once: int) -> None:
        self._stopwatch = stopwatch
        self._at_once = at_once

    def run(
        self,
        ours: Contestant,
        theirs: Contestant,
        host: str,
        rounds: int,
        *,
        peak: bool = False,
    ) -> RowResult:
        """Time so many pairs after WARM_UP untimed ones; raise Invalid as checks do."""
        takes = {"ours": Taken(), "theirs": Taken()}
        for number in range(-WARM_UP, rounds):
            pair = [("ours", ours), ("theirs", theirs)]
            for name, contestant in pair if number % 2 else reversed(pair):
                taken = self._once(contestant, host)
                if number >= 0:
                    contestant.after()
                    takes[name].wall_ms.append(taken[0])
                    takes[name].cpu_ms.append(taken[1])
                    takes[name].peak_mb.append(taken[2])
        return _outcome(takes["ours"], takes["theirs"], peak=peak)

    def _once(self, contestant: Contestant, host: str) -> tuple[float, float, float]:
        contestant.before()
        done = subprocess.run(
            [self._stopwatch, str(self._at_once), host, *contestant.argv],
            env=contestant.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        first, _, answers = done.stdout.partition("\n")
        if done.returncode:
            raise Invalid(f"{contestant.argv[0]}: {done.stderr.strip()[:300]}")
        wall_ns, cpu_ns, peak_kb, failed = map(int, first.split())
        if failed != (0 if contestant.finds else self._at_once):
            raise Invalid(
                f"{failed} of {self._at_once} runs of {contestant.argv[0]} failed: "
                f"{' '.join((done.stderr + answers).split())[-300:]}"
            )
        for answer in answers.split("\0")[:-1]:
            contestant.check(answer)
        return wall_ns / 1e6, cpu_ns / 1e6, peak_kb / 1024


def _outcome(ours: Taken, theirs: Taken, *, peak: bool) -> RowResult:
    mine, other = (
        (ours.peak_mb, theirs.peak_mb) if peak else (ours.wall_ms, theirs.wall_ms)
    )
    ratios = [a / b for a, b in zip(mine, other, strict=True)]
    low, _, high = statistics.quantiles(ratios, n=4)
    return RowResult(
        ratio=statistics.median(ratios),
        ratio_of_minimums=min(mine) / min(other),
        quartiles=(low, high),
        ours=_summary(ours),
        theirs=_summary(theirs),
        rounds=len(ratios),
    )


def _summary(taken: Taken) -> dict[str, float]:
    return {
        "wall_ms": round(statistics.median(taken.wall_ms), 3),
        "wall_ms_min": round(min(taken.wall_ms), 3),
        "cpu_ms": round(statistics.median(taken.cpu_ms), 3),
        "peak_mb": round(max(taken.peak_mb), 2),
    }
