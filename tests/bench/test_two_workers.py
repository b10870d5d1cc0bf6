"""When the comparison of two workers has a result, and which one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from bench.token_service_two_workers import (
    TOLD_NOTHING,
    Part,
    Round,
    measure,
    status,
)

QUIET, BUSY = 0.01, 0.5


def rounds(times: float, foreign: float = QUIET, many: int = 3) -> list[Round]:
    """Return so many rounds, in which two processors are only 1.5 times one."""
    alone, apart = Part(1000, 1000, QUIET), Part(1500, 1000, QUIET)
    return [Round((alone, alone), apart, Part(750 * times, 950, foreign))] * many


@pytest.mark.parametrize(
    ("found", "code", "word"),
    [
        (rounds(1.9), 0, "serve 1.90 times one by the clock"),
        (rounds(1.9), 0, "beside one alone 1.43"),
        (rounds(1.7), 1, "serve 1.70 times one"),
        (rounds(1.9) + rounds(1.2, BUSY, 9), 0, "serve 1.90 times one"),
        (rounds(1.9, many=2) + rounds(1.9, BUSY), TOLD_NOTHING, "nothing is told"),
    ],
)
def test_only_a_quiet_machine_tells(found, code, word):
    ended, line = status(found)
    assert ended == code
    assert word in line
    assert "by processor time 1.90" in line


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="no /proc/stat here")
def test_what_others_take_of_a_processor_is_seen():
    (processor, *_) = os.sched_getaffinity(0)
    burn = [sys.executable, "-c", "while True: pass"]
    used = (
        f"import os, time\nos.sched_setaffinity(0, {{{processor}}})\n"
        "while time.process_time() < 0.2: pass"
    )

    def part() -> Part:
        def ours(_: int) -> float:
            subprocess.run([sys.executable, "-c", used], check=True)
            return 1.0

        return measure({processor}, ours)

    with subprocess.Popen(burn) as other:
        try:
            os.sched_setaffinity(other.pid, {processor})
            assert part().foreign > 0.1
        finally:
            other.kill()
