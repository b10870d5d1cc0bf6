"""Two workers of `dockcred token-service` on two processors beside one on one.

    python -m bench.token_service_two_workers [--seconds N] [--rounds N]

A client takes processor time as well, and takes it from a second worker if both share
two processors. So each worker has the same client beside it: one thread of wrk and one
worker share a processor, and two of both share two, each client on a processor of its
own. A round is one worker on the first processor, one on the second, and two on both.
What two serve is divided by the mean of the two that are alone.

A machine that is busy tells nothing, and neither does one whose two processors are
halves of one. So two things are measured beside it:

- what others took of the processors in each round, and what the hypervisor kept back
  (steal): a round in which that was more than MOST_FOREIGN does not count, and fewer
  than LEAST_ROUNDS that do tell nothing;
- what a loop that does nothing but count gives on two processors beside one, in the
  same rounds: below LEAST_MACHINE nothing is told either.

The exit status is 0 where two serve LEAST_TWICE times one by the clock, 1 where they
serve less, and 2 where nothing is told. "by processor time" is what the busy machine
leaves over: requests in a second of the processor time of workers and clients, times
the processors.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
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
LEAST_TWICE, LEAST_MACHINE, MOST_FOREIGN, LEAST_ROUNDS = 1.8, 1.9, 0.05, 3
TOLD_NOTHING = 2
_USER, _NICE, _SYSTEM, _STEAL = 0, 1, 2, 7
_TICK = os.sysconf("SC_CLK_TCK")
_COUNT = """
import sys, time
end, n = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    n += 1
print(n)
"""


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
    """One alone on each processor, and two on both."""

    alone: tuple[Part, Part]
    both: Part

    @property
    def times(self) -> float:
        """Return what two do beside one, by the clock."""
        return self.both.rate / (sum(one.rate for one in self.alone) / 2)

    @property
    def cpu_times(self) -> float:
        """Return the same by processor time, on as many processors."""
        alone = sum(one.cpu_rate for one in self.alone) / 2
        return len(BOTH) * self.both.cpu_rate / alone

    @property
    def foreign(self) -> float:
        """Return the most that others took of one of the three parts."""
        return max(part.foreign for part in (*self.alone, self.both))


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


def served(server: Contender, processors: set[int], seconds: float) -> Part:
    """Ask the server, whose workers have a processor each, by a client on each."""
    for worker, processor in zip(server.processes, sorted(processors), strict=True):
        pin(worker, {processor})
    return measure(
        processors,
        lambda processor: server.ask(CONNECTIONS, seconds, {processor}).rate,
        lambda: sum(server.cpu_s()),
    )


def counted(processors: set[int], seconds: float) -> Part:
    """Count for so long on each of the processors."""

    def count(processor: int) -> float:
        command = ["taskset", "-c", f"{processor}", sys.executable, "-c", _COUNT]
        done = subprocess.run(
            [*command, f"{seconds}"], check=True, capture_output=True, text=True
        )
        return int(done.stdout) / seconds

    return measure(processors, count)


def compare(
    one: Contender, two: Contender, rounds: int, seconds: float
) -> tuple[list[Round], list[Round]]:
    """Print rounds of both; return those of the service, and of the machine itself."""
    for server, processors in ((one, FIRST), (two, BOTH)):
        served(server, processors, WARM_UP_S)
    services, machines = [], []
    print("round  by clock  by processor time  foreign  a second  machine  foreign")
    for number in range(1, rounds + 1):
        service = Round(
            (served(one, FIRST, seconds), served(one, SECOND, seconds)),
            served(two, BOTH, seconds),
        )
        machine = Round(
            (counted(FIRST, 1), counted(SECOND, 1)),
            counted(BOTH, 1),
        )
        services.append(service)
        machines.append(machine)
        print(
            f"{number:5}  {service.times:8.2f}  {service.cpu_times:17.2f}  "
            f"{service.foreign:7.3f}  {service.both.rate:8.0f}  "
            f"{machine.times:7.2f}  {machine.foreign:7.3f}",
            flush=True,
        )
    return services, machines


def status(services: list[Round], machines: list[Round]) -> tuple[int, str]:
    """Return the exit status of what was measured, and a line that says why."""
    quiet = [each for each in services if each.foreign <= MOST_FOREIGN]
    free = [each for each in machines if each.foreign <= MOST_FOREIGN]
    by_cpu = median(each.cpu_times for each in services)
    beside = f"by processor time {by_cpu:.2f}, {len(services)} rounds"
    if min(len(quiet), len(free)) < LEAST_ROUNDS:
        return TOLD_NOTHING, (
            f"nothing is told by the clock: others took more than {MOST_FOREIGN:.0%} "
            f"in all but {len(quiet)} rounds ({len(free)} of the machine itself); "
            f"{beside}"
        )
    machine = median(each.times for each in free)
    if machine < LEAST_MACHINE:
        return TOLD_NOTHING, (
            f"nothing is told by the clock: this machine's two processors do "
            f"{machine:.2f} times what one does; {beside}"
        )
    times = sorted(each.times for each in quiet)
    return int(median(times) < LEAST_TWICE), (
        f"two workers serve {median(times):.2f} times one by the clock ({times[0]:.2f} "
        f"to {times[-1]:.2f} in {len(times)} quiet rounds), where the machine itself "
        f"does {machine:.2f}; {beside}"
    )


def run(place: Path, cloud: Sandbox, rounds: int, seconds: float) -> int:
    """Print the comparison and what it tells; return the exit status."""
    with ours(cloud, place, 1, FIRST) as one, ours(cloud, place, 2, BOTH) as two:
        code, line = status(*compare(one, two, rounds, seconds))
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
