"""Compare our installed programs with the real peers: `make bench`.

Both of a row run in the same environment, in the same run, by turns; every answer is
checked to be a password that the sandbox minted for the row's principal.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bench import instructions, keychain_instructions, report, world
from bench.ours import Ours
from bench.peers import REPOSITORY
from bench.rows import ROWS, rows_against
from bench.stage import Stage


def main() -> int:
    """Build, enter `world`, run the rows, print the table; return 1 if a row failed."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument("--rows", default="", help="only rows with this in their name")
    parser.add_argument("--quick", action="store_true", help="a third of the rounds")
    parser.add_argument("--longer", type=int, default=1, help="so many times as many")
    parser.add_argument("--json", type=Path, default=REPOSITORY / "bench/results.json")
    parser.add_argument(
        "--against",
        type=Path,
        help="a checkout of an earlier commit of ours, in the place of every peer",
    )
    options = parser.parse_args()

    cache = _cache()
    earlier = Ours(cache / "earlier", options.against) if options.against else None
    if world.INSIDE not in os.environ:
        # Downloads come first, while there is still a network.
        Ours(cache).install()
        if earlier:
            earlier.install()
        else:
            subprocess.run([REPOSITORY / "bench/peers.sh", cache], check=False)
        _build_stopwatch(cache)
    world.enter()
    ours = Ours(cache)
    share = 1 / 3 if options.quick else options.longer
    stage = Stage(ours, cache, share, earlier)
    results = []
    for row in rows_against(ROWS) if earlier else ROWS:
        if options.rows in row.name:
            results.append(stage.play(row))
            print(f"{results[-1].verdict:10} {row.name}", file=sys.stderr)
    counts = {} if options.rows or earlier else _count(ours.interpreter)
    report.show(results)
    report.show_instructions(counts)
    conditions = {
        "python": ours.version(),
        "roads": "real host names, TLS with the system's roots and the sandbox's",
    }
    report.write(results, counts, options.json, conditions)
    print(f"Python: {conditions['python']}; everything is in {options.json}")
    return int(any(result.failed for result in results))


def _count(interpreter: str) -> dict[str, float]:
    """Return millions of instructions of our own code paths; {} without valgrind."""
    if shutil.which("valgrind") is None:
        print(
            "bench: no instructions are counted: valgrind is missing", file=sys.stderr
        )
        return {}
    clouds = instructions.measure(interpreter)
    return clouds | keychain_instructions.measure(interpreter)


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(home) / "dockcred-bench"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _build_stopwatch(cache: Path) -> None:
    """Compile stopwatch.c, small and static."""
    source = REPOSITORY / "bench/stopwatch.c"
    compiler = ("cc", "-O2", "-static", "-o", str(cache / "stopwatch"), str(source))
    try:
        subprocess.run(compiler, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: a C compiler with a static libc is needed: {error}")


if __name__ == "__main__":
    sys.exit(main())
