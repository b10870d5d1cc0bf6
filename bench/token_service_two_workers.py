"""Two workers of `dockcred token-service` on two processors beside one on one.

    python -m bench.token_service_two_workers [--seconds N] [--rounds N]

A client needs processor time too, and would take it from a second worker. So each
worker has the same client beside it: one thread of wrk and one worker share a
processor. Two workers and two threads share two processors, one of each on each
processor.

A round has four parts: one worker on the first processor; one on the second; these two
at the same time, each with its own client; and then two workers of one service.

Two processors of a virtual machine are not twice one: their speed changes from second
to second with the load of other machines on the host. So "one" is the mean of the two
separate services at the same time, which have nothing to do with each other. What two
workers of one service lose against them is the service's own loss. "beside one alone"
compares with the mean of the two that ran alone.

A busy machine gives no result. So the time that other processes took of the processors
in each round is measured, and the time that the hypervisor kept back (steal). A round
with more than MOST_FOREIGN of both does not count. Fewer than LEAST_ROUNDS counted
rounds are no result.

The exit status is 0 if two workers serve LEAST_TWICE times one by the clock, 1 if they
serve less, and 2 without a result. "by processor time" does not depend on other load:
it compares requests per second of the workers' and clients' processor time.
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
"""Connections of each client: so many that no worker is ever without a request."""
WARM_UP_S = 2
LEAST_TWICE, MOST_FOREIGN, LEAST_ROUNDS = 1.8, 0.05, 3
TOLD_NOTHING = 2
_USER, _NICE, _SYSTEM, _STEAL = 0, 1, 2, 7
_TICK = os.sysconf("SC_CLK_TCK")


class Part(NamedTuple):
    """The requests that were served on some processors in one part of a round.

    rate      requests per second of the clock
    cpu_rate  requests per second of used processor time
    foreign   the share of the processors that others took or the hypervisor kept
    """

    rate: float
    cpu_rate: float
    foreign: float


class Round(NamedTuple):
    """One worker alone on each processor, both at once, and two of one service."""

    alone: tuple[Part, Part]
    apart: Part
    both: Part

    @property
    def times(self) -> float:
        """Return how many times the requests of one worker two serve, by the clock."""
        return len(BOTH) * self.both.rate / self.apart.rate

    @property
    def cpu_times(self) -> float:
        """Return the same by processor time."""
        return len(BOTH) * self.both.cpu_rate / self.apart.cpu_rate

    @property
    def beside_alone(self) -> float:
        """Return the same in comparison with one worker that runs alone."""
        return self.both.rate / (sum(one.rate for one in self.alone) / 2)

    @property
    def foreign(self) -> float:
        """Return the highest `foreign` of the round's parts."""
        return max(part.foreign for part in (*self.alone, self.apart, self.both))


def taken_s(processors: set[int]) -> float:
    """Return the seconds that all processes and the hypervisor took of processors."""
    ticks = 0
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name[3:] in map(str, processors):
            ticks += sum(int(fields[n]) for n in (_USER, _NICE, _SYSTEM, _STEAL))
    return ticks / _TICK


def children_s() -> float:
    """Return the processor time of the clients that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(
    processors: set[int],
    do: Callable[[int], float],
    servers_s: Callable[[], float] = lambda: 0.0,
) -> Part:
    """Run `do` for each processor at the same time; it returns its rate per second."""
    began, taken = time.monotonic(), taken_s(processors)
    own = children_s() + servers_s()
    with ThreadPoolExecutor(len(processors)) as pool:
        rate = sum(pool.map(do, sorted(processors)))
    took_s = time.monotonic() - began
    own_s = children_s() + servers_s() - own
    foreign_s = taken_s(processors) - taken - own_s
    return Part(rate, rate * took_s / own_s, foreign_s / took_s / len(processors))


def pin(process: int, processors: set[int]) -> None:
    """Make all threads of a process run on these processors only."""
    for thread in os.listdir(f"/proc/{process}/task"):
        os.sched_setaffinity(int(thread), processors)


def served(servers: dict[int, Contender], seconds: float) -> Part:
    """Send requests to each server at once, by a client on the server's processor.

    All may be one server: then each of its workers gets one of the processors.
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
    """Measure and print rounds: two services of one worker, and one of two."""
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
    """Return the exit status for the rounds, and a line that says why."""
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
    """Print the comparison and its result; return the exit status."""
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
    """Compare, and exit with the status of the result."""
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
