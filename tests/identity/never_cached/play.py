"""Run the state machine until it has made its steps, and print what it did.

    python -m identity.never_cached.play SEED STEPS [--own]

`--own` says that mounts and host name are only this process's. The exit code is 1 if an
answer differed from that without a cache; stderr has the steps that led to it.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from dockcred.testing.sandbox import Sandbox

from . import scenes
from .cast import Cast
from .machine import machine
from .places import Ground

LENGTH = 50


def main() -> int:
    """Play, print, and return the exit code."""
    counts: Counter[str] = Counter()
    failed = ""
    with (
        tempfile.TemporaryDirectory(prefix="never-cached-") as name,
        Sandbox() as first,
        Sandbox() as second,
    ):
        Path(name).chmod(0o755)
        ground = Ground(Path(name), own="--own" in sys.argv)
        started = time.process_time()
        try:
            cast = Cast(Path(name), ground, [first, second])
            if sys.argv[1] in scenes.SCENES:
                print(f"left out: {scenes.play(cast, sys.argv[1])}")
                return 0
            play(cast, counts, int(sys.argv[1]), int(sys.argv[2]))
        except Exception:  # noqa: BLE001 - printed with the seed and the counts
            failed = traceback.format_exc()
        finally:
            ground.close()
    print(
        f"seed {sys.argv[1]}: {counts['steps']} steps, {counts['differences']} differences,"
    )
    print(f"  {time.process_time() - started:.0f} s of processor time in Python")
    for kind, count in sorted(counts.items()):
        print(f"  {count:7} {kind}")
    for text in ground.left_out:
        print(f"  left out: {text}")
    print(failed, file=sys.stderr, end="")
    return bool(failed)


def play(cast: Cast, counts: Counter[str], number: int, steps: int) -> None:
    """Run worlds of LENGTH steps each until `steps` steps were made."""
    round_ = 0
    while counts["steps"] < steps:
        left = steps - counts["steps"]
        played = machine(cast, counts)
        seed(number + 1_000_003 * round_)(played)
        run_state_machine_as_test(
            played,
            settings=settings(
                max_examples=max(1, min(200, -(-left // LENGTH))),
                stateful_step_count=LENGTH,
                deadline=None,
                database=None,
                print_blob=False,
                report_multiple_bugs=False,
                phases=(
                    Phase.generate,
                    *((Phase.shrink,) if "--shrink" in sys.argv else ()),
                ),
                suppress_health_check=list(HealthCheck),
            ),
        )
        round_ += 1


if __name__ == "__main__":
    sys.exit(main())
