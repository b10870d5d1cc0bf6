"""A fleet boots at once: calls, throttles, and when the last node can pull.

    python -m bench.storm                      # the model, both of AWS's quotas
    python -m bench.storm --run 10 --run 100   # also processes on so many nodes

"told" is with DOCKCRED_FLEET. "the cloud's own" is ecr-credential-provider's behaviour,
one call per image with three attempts.

`--run N` boots N nodes as processes (bench.storm_run), told and not, RUNS times each,
at `--clock` times the speed of a real node, and puts beside it where the model lies for
this very machine. With `--clock 1` it is the installed program that is started, and
with `--peer PROGRAM` that program beside it (ecr-credential-provider from
k8s.io/cloud-provider-aws, built by Go), which knows no other clock.

The exit status is 0 where all that ran agrees with the model, 1 where some does not,
and 2 where the machine was too busy to tell.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.storm_model import DEFAULT, RAISED, Quota, Storm, StormResult
from bench.storm_run import CLOCK, RUN_STANDS_FOR, RUNS, Run, run, scaled

IMAGES = 10
SIZES = (10, 100, 1000, 10_000)
TOLD_NOTHING = 2


def main() -> None:
    """Print the table; `--run N` adds what N nodes did as processes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", type=int, action="append", default=[], metavar="N")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each (%(default)s)")
    parser.add_argument("--images", type=int, default=1, help="of each node's")
    parser.add_argument("--clock", type=float, default=CLOCK, metavar="TIMES")
    parser.add_argument("--peer", type=Path, metavar="PROGRAM")
    options = parser.parse_args()
    if not options.run:
        table()
    done = []
    for nodes in options.run:
        peers = [options.peer] if options.peer else []
        for name, told, peer in (
            ("dockcred, told", True, None),
            ("dockcred", False, None),
            *(("ecr-credential-provider", False, peer) for peer in peers),
        ):
            one = run(
                nodes,
                fleet=RUN_STANDS_FOR if told else 0,
                peer=peer,
                images=options.images,
                clock=options.clock,
                runs=options.runs,
            )
            done.append(one)
            quota = scaled(nodes)
            limit = f"{quota.per_second:g}/s after {quota.burst}"
            print(f"{nodes} nodes, {limit}, {name}: {one}", flush=True)
    sys.exit(status(done))


def table() -> None:
    """Print what the model says at both quotas."""
    print("quota | nodes | plugin | calls | a node (most) | last node, s | limit, s")
    print("--- | ---: | --- | ---: | ---: | ---: | ---:")
    for quota in (DEFAULT, RAISED):
        for nodes in SIZES:
            for name, ours, fleet in (
                ("dockcred, told", True, nodes),
                ("dockcred", True, 0),
                ("the cloud's own", False, 0),
            ):
                storm = Storm(nodes, IMAGES, quota, ours=ours, fleet=fleet)
                show(quota, nodes, name, storm.run())


def status(done: list[Run]) -> int:
    """Return the exit status of some runs."""
    if not all(one.agrees() for one in done if one.is_told):
        return 1
    return 0 if all(one.is_told for one in done) else TOLD_NOTHING


def show(quota: Quota, nodes: int, plugin: str, outcome: StormResult) -> None:
    """Print one row."""
    print(
        f"{quota.per_second:g}/s after {quota.burst} | {nodes} | {plugin} | "
        f"{outcome.calls} | {outcome.calls / nodes:.2f} ({outcome.most or '?'}) | "
        f"{outcome.seconds:.1f} | {quota.limit_s(nodes):.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
