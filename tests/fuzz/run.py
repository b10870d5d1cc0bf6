"""Fuzz the readers of what strangers write, each for its share of the time.

    python tests/fuzz/run.py [TARGET...] [--minutes N] [--seed N] [--keep FOLDER] [--table]

Without --minutes each target gets two seconds. The seed is always the same unless
another is given; 0 means a new one. With --keep the inputs that reach new code are kept
in a folder, and a later run starts with them. It also prints how many lines of the
target's modules these inputs reach.

With --table the results are printed again, as the table in CONTRIBUTING.md. The exit
status is 1 if a fault was found; then the path of its input is printed.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

TESTS = Path(__file__).resolve().parents[1]
sys.path[:1] = [str(TESTS)]

from fuzz.targets import CORPUS, TARGETS  # noqa: E402 - below tests, which is no package

FOUND = TESTS.parent / "build/fuzz/found"
SEED = 20_261_130
SHORT_S = 2
_RUNS = re.compile(r"number_of_executed_units: (\d+)")


class Outcome(NamedTuple):
    """The result of a target's run; `wrong` has its faults, each with its input."""

    name: str
    executions: int
    reached: int
    there: int
    seconds: int
    wrong: list[str]

    def __str__(self) -> str:
        """Return the target's line for the terminal."""
        lines = f"{self.reached} of {self.there} lines" if self.there else ""
        wrong = f"{len(self.wrong)} faults" if self.wrong else ""
        return (
            f"{self.name:18} {self.executions:>9} inputs  {lines:20} {wrong}".rstrip()
        )


def table(ended: list[Outcome]) -> str:
    """Return the results and the date as Markdown."""
    day, seconds = time.strftime("%Y-%m-%d", time.gmtime()), ended[0].seconds
    hours = seconds * len(ended) / 3600
    rows = [f"On {day}, {seconds} s for each target, {hours:.1f} hours in all:", ""]
    rows += [
        "| target | inputs tried | lines reached | faults |",
        "|---|---:|---:|---:|",
    ]
    for one in ended:
        lines = f"{one.reached} of {one.there}" if one.there else "-"
        rows.append(
            f"| `{one.name}` | {one.executions:,} | {lines} | {len(one.wrong)} |"
        )
    return "\n".join(rows)


def fuzz(name: str, seconds: int, seed: int, keep: Path, *, is_kept: bool) -> Outcome:
    """Run one target in its own process; with is_kept, count the lines it reaches."""
    found, grown = FOUND / name, keep / name
    for place in (found, grown):
        place.mkdir(parents=True, exist_ok=True)
    for old in found.iterdir():
        old.unlink()
    with tempfile.TemporaryDirectory(prefix="dockcred-fuzz-") as scratch:
        done = _python(
            *("-m", "fuzz.engine", name, seconds, seed, found, grown), home=scratch
        )
        said = done.stdout + done.stderr
        wrong = [
            f"{note.read_text(encoding='utf-8')}: {note.with_suffix('')}"
            for note in sorted(found.glob("*.txt"))
        ]
        wrong += [f"it stopped: {path}" for path in sorted(found.glob("*-*"))]
        if done.returncode and not wrong:
            wrong.append(f"the fuzzer ended with {done.returncode}: {said[-2000:]}")
        measured = "0 0"
        if is_kept:
            inputs = (grown, CORPUS / name)
            measured = _python("-m", "fuzz.reached", name, *inputs, home=scratch).stdout
    reached, there = map(int, measured.split() or "00")
    runs = _RUNS.findall(said)
    return Outcome(name, int(runs[-1]) if runs else 0, reached, there, seconds, wrong)


def _python(*words: object, home: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, words)],
        env=_variables(home),
        cwd=TESTS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def _variables(scratch: str) -> dict[str, str]:
    """Return variables with which no file of this machine's user is read."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(TESTS),
        "HOME": scratch,
        "TMPDIR": scratch,
        "LC_ALL": "C.UTF-8",
    }


def main() -> int:
    """Fuzz; print a line for each target, and the faults; return 1 if there are any."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("targets", nargs="*", metavar="TARGET")
    options.add_argument("--minutes", type=float, help="of all targets together")
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--keep", type=Path)
    options.add_argument("--table", action="store_true")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = options.parse_args()
    if unknown := set(asked.targets) - set(TARGETS):
        options.error(f"no target: {', '.join(sorted(unknown))}")
    names = asked.targets or list(TARGETS)
    seconds = SHORT_S
    if asked.minutes:
        seconds = max(1, int(asked.minutes * 60 * asked.jobs / len(names)))
    seed = asked.seed or secrets.randbelow(2**31) + 1
    print(f"seed {seed}, {seconds} s for each of {len(names)} targets", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="dockcred-fuzz-") as scratch,
        ThreadPoolExecutor(asked.jobs) as pool,
    ):
        keep = (asked.keep or Path(scratch)).resolve()
        under_way = [
            pool.submit(fuzz, name, seconds, seed, keep, is_kept=bool(asked.keep))
            for name in names
        ]
        ended = []
        for each in under_way:
            ended.append(each.result())
            print(ended[-1], flush=True)
    wrong = [f"{one.name}: {fault}" for one in ended for fault in one.wrong]
    print(*wrong, sep="\n")
    if asked.table:
        print(f"\n{table(ended)}\n")
    executions = sum(one.executions for one in ended)
    print(f"{executions} executions: {len(ended)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
