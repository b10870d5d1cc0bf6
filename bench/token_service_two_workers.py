"""Two workers of `dockcred token-service` on two processors beside one on one.

    python -m bench.token_service_two_workers [--seconds N] [--rounds N]

A client takes processor time as well, and takes it from a second worker if both share
two processors. So each worker has the same client beside it: one thread of wrk and one
worker share a processor, and two of both share two, each client on a processor of its
own. A round is one worker on the first processor, one on the second, these two at the
same time, each asked by its own client alone, and then two workers of one service.

Two processors of a virtual machine are not twice one: what one of them gives changes
from second to second with what its neighbours outside do. So "one" is the mean of the
two that serve at the same time, which have nothing to do with each other; what two of
one service lose beside them is the service's own. "beside one alone" is the mean of the
two that had the machine for themselves, as far as the hypervisor let them.

A machine that is busy tells nothing: what others took of the processors in each round,
and what the hypervisor says that it kept back (steal), is measured. A round in which
that was more than MOST_FOREIGN does not count, and fewer than LEAST_ROUNDS that do tell
nothing.

The exit status is 0 where two serve LEAST_TWICE times one by the clock, 1 where they
serve less, and 2 where nothing is told. "by processor time" is what the busy machine
leaves over: requests in a second of the processor time of workers and clients, times
the processors.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.token_service_beside import BOTH, FIRST, SECOND, Contender, ours
from dockcred.testing.sandbox import Sandbox

CONNECTIONS = 32
"""For each client: no worker is ever without a request."""
WARM_UP_S = 2
LEAST_TWICE, MOST_FOREIGN, LEAST_ROUNDS = 1.8, 0.05, 3
TOLD_NOTHING = 2
_USER, _NICE, _SYSTEM, _STEAL = 0, 1, 2, 7
_TICK = os.sysconf("SC_CLK_TCK")


class Part(NamedTuple):
    """What was done on some processors for a while.

    rate      so much in a second of the clock
    cpu_rate  so much in a second of the processor time that it took
    foreign   the part of the processors that others took or the hypervisor kept
    """

    rate: float
    cpu_rate: float
    foreign: float


class Round(NamedTuple):
    """One alone on each processor, these two at once, and two of one service."""

    alone: tuple[Part, Part]
    apart: Part
    both: Part

    @property
    def times(self) -> float:
        """Return what two do beside one, by the clock."""
        return len(BOTH) * self.both.rate / self.apart.rate

    @property
    def cpu_times(self) -> float:
        """Return the same by processor time, on as many processors."""
        return len(BOTH) * self.both.cpu_rate / self.apart.cpu_rate

    @property
    def beside_alone(self) -> float:
        """Return what two do beside one that has the machine for itself."""
        return self.both.rate / (sum(one.rate for one in self.alone) / 2)

    @property
    def foreign(self) -> float:
        """Return the most that others took of one of the parts."""
        return max(part.foreign for part in (*self.alone, self.apart, self.both))


def taken_s(processors: set[int]) -> float:
    """Return the time that all processes, and the hypervisor, took of these."""
    ticks = 0
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:] in map(str, processors):
            ticks += sum(int(fields[n]) for n in (_USER, _NICE, _SYSTEM, _STEAL))
    return ticks / _TICK


def children_s() -> float:
    """Return the processor time of the clients that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(
    processors: set[int],
    do: Callable[[int], float],
    servers_s: Callable[[], float] = lambda: 0.0,
) -> Part:
    """Do it on each processor at once; `do` returns the rate that it had on one."""
    began, taken = time.monotonic(), taken_s(processors)
    own = children_s() + servers_s()
    with ThreadPoolExecutor(len(processors)) as pool:
        rate = sum(pool.map(do, sorted(processors)))
    took_s = time.monotonic() - began
    own_s = children_s() + servers_s() - own
    foreign_s = taken_s(processors) - taken - own_s
    return Part(rate, rate * took_s / own_s, foreign_s / took_s / len(processors))


def pin(process: int, processors: set[int]) -> None:
    """Let all threads of a process run on these processors alone."""
    for thread in os.listdir(f"/proc/{process}/task"):
        os.sched_setaffinity(int(thread), processors)


def served(servers: dict[int, Contender], seconds: float) -> Part:
    """Ask each server by a client on the same processor, all at once.

    Servers may be one, of which each worker then has one of the processors.
    """
    each_once = {server.url: server for server in servers.values()}.values()
    for server in each_once:
        its = sorted(which for which in servers if servers[which] is server)
        for worker, processor in zip(server.processes, its, strict=True):
            pin(worker, {processor})
    return measure(
        set(servers),
        lambda which: servers[which].ask(CONNECTIONS, seconds, {which}).rate,
        lambda: sum(sum(server.cpu_s()) for server in each_once),
    )


def compare(
    one: Contender, other: Contender, two: Contender, rounds: int, seconds: float
) -> list[Round]:
    """Print rounds of two services of one worker, and of one that has two."""
    (first,), (second,) = FIRST, SECOND
    apart, both = {first: one, second: other}, {first: two, second: two}
    for servers in (apart, both):
        served(servers, WARM_UP_S)
    found = []
    print("round  by clock  by processor time  beside one alone  foreign  a second")
    for number in range(1, rounds + 1):
        each = Round(
            (served({first: one}, seconds), served({second: other}, seconds)),
            served(apart, seconds),
            served(both, seconds),
        )
        found.append(each)
        print(
            f"{number:5}  {each.times:8.2f}  {each.cpu_times:17.2f}  "
            f"{each.beside_alone:16.2f}  {each.foreign:7.3f}  {each.both.rate:8.0f}",
            flush=True,
        )
    return found


def status(rounds: list[Round]) -> tuple[int, str]:
    """Return the exit status of what was measured, and a line that says why."""
    quiet = [each for each in rounds if each.foreign <= MOST_FOREIGN]
    by_cpu = median(each.cpu_times for each in rounds)
    beside = f"by processor time {by_cpu:.2f}, {len(rounds)} rounds"
    if len(quiet) < LEAST_ROUNDS:
        return TOLD_NOTHING, (
            f"nothing is told by the clock: others took more than {MOST_FOREIGN:.0%} "
            f"in all but {len(quiet)} rounds; {beside}"
        )
    times = sorted(each.times for each in quiet)
    alone = sorted(each.beside_alone for each in quiet)
    return int(median(times) < LEAST_TWICE), (
        f"two workers serve {median(times):.2f} times one by the clock ({times[0]:.2f} "
        f"to {times[-1]:.2f} in {len(times)} quiet rounds; beside one alone "
        f"{median(alone):.2f}, {alone[0]:.2f} to {alone[-1]:.2f}); {beside}"
    )


def run(place: Path, cloud: Sandbox, rounds: int, seconds: float) -> int:
    """Print the comparison and what it tells; return the exit status."""
    with ExitStack() as stack:

        def serve(name: str, workers: int, on: set[int]) -> Contender:
            (place / name).mkdir()
            return stack.enter_context(ours(cloud, place / name, workers, on))

        code, line = status(
            compare(
                serve("first", 1, FIRST),
                serve("second", 1, SECOND),
                serve("both", 2, BOTH),
                rounds,
                seconds,
            )
        )
    print(line)
    return code


def main() -> None:
    """Compare, and end with what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cloud = stack.enter_context(Sandbox())
        cloud.ci.github.life_s = 6 * 3600
        sys.exit(run(place, cloud, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
