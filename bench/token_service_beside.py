"""`dockcred token-service` beside distribution's own token server, and under load.

    python -m bench.token_service_beside [--seconds N] [--rounds N] [--requests N]

Each with wrk (Debian's package of that name) as the client, over keep-alive
connections:

1. one process of ours and distribution's token server (2.8.3, its last; an htpasswd of
   cost 4; `tests/oracles/build distribution_scope`), in turns, on the first processor,
   ten connections from wrk on the second. Both sign with ES256; ours verifies an ID
   token by RS256 for each request;
2. N requests at 200 connections to two workers, wrk on the same two processors.

The exit status is 1 where ours serve less than 0.8 of distribution's, or where one of
the N requests failed or their p99 was not below 0.5 s. Two workers beside one are
bench.token_service_two_workers.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.token_service import AUDIENCE, RULE, SCOPE, running
from dockcred.testing.sandbox import Sandbox

ORACLES = os.environ.get("DOCKCRED_ORACLES", "/usr/local/lib/dockcred-ci/oracles")
USER = "u:$2b$04$4KACg220eq0Wd2xwGl/rpOG1uLXMMGVOFXA0M115YQzxyE2hbUnla\n"  # p
PORT = 5997
FIRST, SECOND = {0}, {1}
BOTH = FIRST | SECOND
TEN, MANY = 10, 200
WARM_UP_S = 2
LEAST_BESIDE, MOST_P99_S = 0.8, 0.5
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


class Asked(NamedTuple):
    """The results of one run of wrk."""

    requests: int
    seconds: float
    p99_s: float
    errors: str

    @property
    def rate(self) -> float:
        """Return the requests per second."""
        return self.requests / self.seconds


class Contender(NamedTuple):
    """A server: the pids of its processes, and the URL and header of a request."""

    processes: list[int]
    url: str
    authorization: str

    def cpu_s(self) -> list[float]:
        """Return the processor time of each process, in seconds."""
        tick = os.sysconf("SC_CLK_TCK")
        found = []
        for pid in self.processes:
            text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
            fields = text.rpartition(")")[2].split()
            found.append((int(fields[11]) + int(fields[12])) / tick)
        return found

    def ask(self, connections: int, seconds: float, on: set[int]) -> Asked:
        """Send requests for so many seconds, by wrk on these processors."""
        command = [
            *(
                "taskset",
                "-c",
                _listed(on),
                "wrk",
                f"-t{len(on)}",
                f"-c{connections}",
                f"-d{seconds:.0f}s",
            ),
            *("--latency", "--timeout", "30s"),
            *("-H", f"Authorization: {self.authorization}", self.url),
        ]
        done = subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
        )
        return _read(done.stdout)


def _listed(processors: set[int]) -> str:
    return ",".join(map(str, processors))


def _read(text: str) -> Asked:
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", text)
    if not total or not p99:
        raise SystemExit(f"wrk says: {text}")
    errors = [
        line.strip() for line in text.splitlines() if "rror" in line or "Non" in line
    ]
    return Asked(
        int(total[1]),
        float(total[2]) * _UNITS[total[3]],
        float(p99[1]) * _UNITS[p99[2]],
        "; ".join(errors),
    )


@contextmanager
def ours(
    cloud: Sandbox, place: Path, workers: int, on: set[int]
) -> Iterator[Contender]:
    """Run our service with so many workers on these processors."""
    words = ["--issuer", cloud.ci.github.url, "--audience", AUDIENCE, "--allow", RULE]
    words += ["--keys", f"{place}/keys", "--workers", str(workers)]
    with running(words, place / f"log-{workers}") as service:
        time.sleep(1)
        parent = service.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        processes = [int(child) for child in children] or [parent]
        for pid in processes:
            os.sched_setaffinity(pid, on)
        coded = base64.b64encode(f"JWT:{cloud.ci.github.token(AUDIENCE)}".encode())
        url = f"http://127.0.0.1:{service.port}/token?service={AUDIENCE}&scope={SCOPE}"
        yield Contender(processes, url, f"Basic {coded.decode()}")


@contextmanager
def theirs(place: Path, on: set[int]) -> Iterator[Contender]:
    """Run distribution's token server on these processors."""
    users = place / "htpasswd"
    users.write_text(USER)
    command = [
        "taskset",
        "-c",
        _listed(on),
        f"{ORACLES}/distribution_scope",
        "-addr",
        f"127.0.0.1:{PORT}",
    ]
    with subprocess.Popen(
        [*command, "-realm", "r", "-passwd", users],
        stdout=subprocess.DEVNULL,
        stderr=(place / "log-theirs").open("w"),
    ) as process:
        try:
            time.sleep(1)
            coded = base64.b64encode(b"u:p").decode()
            scope = "repository:u/app:pull,push"
            url = f"http://127.0.0.1:{PORT}/token/?service={AUDIENCE}&scope={scope}"
            yield Contender([process.pid], url, f"Basic {coded}")
        finally:
            process.terminate()


class Measured(NamedTuple):
    """The medians of some rounds with one server."""

    rate: float
    cpu_rate: float
    p99_s: float


def compare(
    servers: dict[str, Contender],
    rounds: int,
    seconds: float,
    on: set[int],
    connections: int,
) -> dict[str, Measured]:
    """Measure the servers in turn, and print each round; return the medians."""
    found: dict[str, list[Measured]] = {name: [] for name in servers}
    for server in servers.values():
        server.ask(connections, WARM_UP_S, on)
    print("server          per second  per CPU second  p99 ms  errors")
    for _ in range(rounds):
        for name, server in servers.items():
            before = server.cpu_s()
            asked = server.ask(connections, seconds, on)
            used = sum(server.cpu_s()) - sum(before)
            one = Measured(asked.rate, asked.requests / used, asked.p99_s)
            found[name].append(one)
            print(
                f"{name:14}  {one.rate:10.0f}  {one.cpu_rate:14.0f}  "
                f"{one.p99_s * 1000:6.1f}  {asked.errors or 'none'}",
                flush=True,
            )
    return {name: _medians(measured) for name, measured in found.items()}


def _medians(found: list[Measured]) -> Measured:
    return Measured(
        median(one.rate for one in found),
        median(one.cpu_rate for one in found),
        median(one.p99_s for one in found),
    )


def main() -> None:
    """Print both comparisons; exit with 1 if one does not reach its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=100_000)
    options = parser.parse_args()
    is_met = []
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cloud = stack.enter_context(Sandbox())
        cloud.ci.github.life_s = 6 * 3600
        with ours(cloud, place, 1, FIRST) as mine, theirs(place, FIRST) as other:
            both = {"ours": mine, "distribution's": other}
            found = compare(both, options.rounds, options.seconds, SECOND, TEN)
        ratio = found["ours"].rate / found["distribution's"].rate
        by_cpu = found["ours"].cpu_rate / found["distribution's"].cpu_rate
        print(f"ours serve {ratio:.2f} of distribution's; by CPU {by_cpu:.2f}\n")
        is_met.append(ratio >= LEAST_BESIDE)
        two = stack.enter_context(ours(cloud, place, 2, BOTH))
        seconds = options.requests / two.ask(MANY, WARM_UP_S, BOTH).rate
        total, p99_s, errors = 0, 0.0, []
        while total < options.requests:
            asked = two.ask(MANY, max(5, min(seconds, 300)), BOTH)
            total, p99_s = total + asked.requests, max(p99_s, asked.p99_s)
            errors += [asked.errors] if asked.errors else []
        print(f"{total} requests at {MANY} connections, p99 {p99_s:.3f} s: {errors}")
        is_met.append(not errors and p99_s < MOST_P99_S)
    sys.exit(0 if all(is_met) else 1)


if __name__ == "__main__":
    main()
