"""When the measure of two workers tells something, and what."""

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
    alone = Part(1000, 1000, QUIET)
    return [Round((alone, alone), Part(1000 * times, 950, foreign))] * many


@pytest.mark.parametrize(
    ("service", "machine", "code", "word"),
    [
        (rounds(1.9), rounds(2), 0, "serve 1.90 times one"),
        (rounds(1.7), rounds(2), 1, "serve 1.70 times one"),
        (rounds(1.9) + rounds(1.2, BUSY, 9), rounds(2), 0, "serve 1.90 times one"),
        (rounds(1.9, many=2) + rounds(1.9, BUSY), rounds(2), TOLD_NOTHING, "nothing"),
        (rounds(1.9), rounds(2, BUSY), TOLD_NOTHING, "nothing is told"),
        (rounds(1.9), rounds(1.4), TOLD_NOTHING, "two processors do 1.40 times"),
    ],
)
def test_only_a_quiet_machine_with_two_processors_tells(service, machine, code, word):
    found, line = status(service, machine)
    assert found == code
    assert word in line
    assert "by processor time 1.90" in line


@pytest.mark.skipif(not os.path.exists("/proc/stat"), reason="no /proc/stat here")
def test_what_others_take_of_a_processor_is_seen():
    (processor, *_) = os.sched_getaffinity(0)
    burn = [sys.executable, "-c", "while True: pass"]
    used = "import time\nwhile time.process_time() < 0.2: pass"

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
