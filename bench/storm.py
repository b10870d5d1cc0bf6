"""A fleet boots at once: calls, throttles, and when the last node can pull.

    python -m bench.storm                      # the model, both of AWS's quotas
    python -m bench.storm --run 10 --run 100   # also processes on so many nodes

"told" means that DOCKCRED_FLEET is set. "the cloud's own" is the behaviour of
ecr-credential-provider: one call per image, with three attempts.

`--run N` boots N nodes as processes (bench.storm_run), with DOCKCRED_FLEET and without,
RUNS times each, at `--clock` times the speed of a real node. It prints what the model
expects for this machine beside it. With `--clock 1` the installed program is started.
`--peer PROGRAM` also runs that program (ecr-credential-provider from
k8s.io/cloud-provider-aws, built with Go), always at the real speed.

The exit status is 0 if all runs agree with the model, 1 if some do not, and 2 if the
machine was too busy to tell.
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
    """Print the table of the model, or with `--run N` what N nodes did as processes."""
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
    """Print the model's results for both quotas."""
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
    """Return the exit status for some runs: 0, 1 or TOLD_NOTHING."""
    if not all(one.agrees() for one in done if one.is_told):
        return 1
    return 0 if all(one.is_told for one in done) else TOLD_NOTHING


def show(quota: Quota, nodes: int, plugin: str, outcome: StormResult) -> None:
    """Print one row of the table."""
    print(
        f"{quota.per_second:g}/s after {quota.burst} | {nodes} | {plugin} | "
        f"{outcome.calls} | {outcome.calls / nodes:.2f} ({outcome.most or '?'}) | "
        f"{outcome.seconds:.1f} | {quota.limit_s(nodes):.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
