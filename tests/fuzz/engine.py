"""Run one target under atheris; write faults to files, and continue after each.

    python -m fuzz.engine TARGET SECONDS SEED FOUND GROWN

The folder FOUND gets each kind of fault once, with an input that causes it. GROWN gets
the inputs that reach new code. libFuzzer prints counts of executions and edges on
stderr.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from fuzz.targets import CORPUS, TARGETS, Tried

_MOST_S, _MOST_MB = 20, 2048


def main(name: str, seconds: str, seed: str, found: str, grown: str) -> None:
    """Fuzz for so many seconds; then libFuzzer ends the process."""
    import atheris

    target = TARGETS[name]
    # All of our code is instrumented: functions that a target calls guide the fuzzer
    # too.
    with atheris.instrument_imports(include=["dockcred"]):
        tried = Tried(name)

    def one(data: bytes) -> None:
        if wrong := tried(data):
            _write_down(Path(found), wrong, data)

    atheris.Setup(
        [
            sys.argv[0],
            f"-max_total_time={seconds}",
            f"-seed={seed}",
            f"-max_len={target.most_bytes}",
            f"-timeout={_MOST_S}",
            f"-rss_limit_mb={_MOST_MB}",
            f"-artifact_prefix={found}/",
            "-print_final_stats=1",
            grown,
            str(CORPUS / name),
        ],
        one,
    )
    atheris.Fuzz()


def _write_down(found: Path, wrong: str, data: bytes) -> None:
    name = hashlib.sha256(wrong.encode()).hexdigest()[:12]
    if not (found / name).exists():
        (found / name).write_bytes(data)
        (found / f"{name}.txt").write_text(wrong, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
