"""Run a storm (a fleet's boot) as processes on one machine, and compare with the model.

Each process runs the plugin's own code, with a lock, a cache and turns in files, and
asks the sandbox's ECR over HTTP. Kubelet's behaviour is that of bench.storm_model. With
a `clock` above 1 everything runs so many times as fast (bench.storm_node). With 1 the
installed program is started, or the peer's. The quota is scaled down with the fleet: N
nodes stand for RUN_STANDS_FOR.

The duration of a start on this machine is measured: the same fleet boots without a
quota, before and after. The model draws its starts from these. So its span is valid for
this machine. The span has all but 2 * TAIL of the means of so many runs of the model,
of calls and of seconds. No value in it is guessed.
"""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from statistics import mean, quantiles

from bench.storm_model import DEFAULT, Quota, Storm, StormResult, back_off_s
from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.rate_limit import TokenBucket

RUN_STANDS_FOR = 2000
BOOT_S = 10.0
CLOCK = 5.0
RUNS = 3
AT_ONCE = 50
"""The most nodes that boot at once: small fleets run in parallel, they mostly wait."""
SEEDS = 2000
BATCHES = 5_000
TAIL = 0.001
"""The share of the model's means that is left out at each end of the span."""
SLOW_S = 3.0
"""If not nine of ten starts take less than this, the machine is too busy to measure."""
LIMIT_S = 1800.0
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PROGRAM = Path(sys.executable).parent / "dockcred-credential-provider"
CALL = "ecr:GetAuthorizationToken"
_REQUEST = {
    "kind": "CredentialProviderRequest",
    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
}
_NO_QUOTA = Quota(1e6, 1_000_000)

Start = Callable[[dict[str, str], str], bytes]
"""Start a plugin with variables and a request; return its stdout and stderr."""


def scaled(nodes: int) -> Quota:
    """Return the quota with which so many nodes behave like RUN_STANDS_FOR nodes."""
    part = nodes / RUN_STANDS_FOR
    return Quota(DEFAULT.per_second * part, max(1, round(DEFAULT.burst * part)))


@contextmanager
def starting(clock: float, peer: Path | None) -> Iterator[Start]:
    """Yield a Start: it runs the program, or forks of ours with a faster clock."""
    if clock == 1 or peer:
        program = peer or PROGRAM

        def run(variables: dict[str, str], request: str) -> bytes:
            return subprocess.run(
                [program],
                env=variables,
                input=request.encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
                timeout=120,
            ).stdout

        yield run
        return
    with tempfile.TemporaryDirectory() as place:
        path = f"{place}/node"
        command = [sys.executable, "-m", "bench.storm_node", path, f"{clock}"]
        with subprocess.Popen(command) as node:
            try:
                while not Path(path).exists():
                    time.sleep(0.01)

                def connect(variables: dict[str, str], request: str) -> bytes:
                    asked = {"variables": variables, "request": request}
                    with socket.socket(socket.AF_UNIX) as connection:
                        connection.connect(path)
                        connection.sendall(json.dumps(asked).encode() + b"\n")
                        with connection.makefile("rb") as answer:
                            return answer.read()

                yield connect
            finally:
                node.kill()


@dataclass
class Fleet:
    """Nodes that pull images; each pull is retried as kubelet does.

    All durations are in seconds of the faster clock.
    """

    nodes: int
    images: int
    start: Start
    clock: float
    seed: int

    def __post_init__(self) -> None:
        """Start with no node served."""
        self._lock = threading.Lock()
        self._began = 0.0
        self.served: dict[int, float] = {}
        self.starts: list[float] = []
        """The seconds from the start of each process to its answer."""
        self.strange = ""
        """The output of a process that failed and was not throttled."""

    def boot(self, variables: dict[str, str], place: str) -> None:
        """Boot all nodes, with their caches in `place`; return when all are served."""
        self._began = time.monotonic()
        pulls = [
            threading.Thread(target=self._pull, args=(node, image, variables, place))
            for node in range(self.nodes)
            for image in range(self.images)
        ]
        for pull in pulls:
            pull.start()
        for pull in pulls:
            pull.join()
        if len(self.served) < self.nodes:
            raise SystemExit(f"{self.nodes - len(self.served)} have no credential")

    def _now_s(self) -> float:
        return (time.monotonic() - self._began) * self.clock

    def _pull(
        self, node: int, image: int, variables: dict[str, str], place: str
    ) -> None:
        """Pull one image, with retries until the node has the registry's credential."""
        chance = random.Random(f"{self.seed}/{node}")
        time.sleep(BOOT_S * chance.random() / self.clock)
        chance.seed(f"{self.seed}/{node}/{image}")
        own = variables | {"DOCKCRED_CACHE_DIR": f"{place}/node-{node}"}
        request = json.dumps(_REQUEST | {"image": f"{HOST}/app-{image}"})
        rounds = 0
        while self._now_s() < LIMIT_S and not (rounds and node in self.served):
            began_s = self._now_s()
            answer = self.start(own, request)
            ended_s = self._now_s()
            with self._lock:
                self.starts.append(ended_s - began_s)
                if b'"username":"AWS"' in answer:
                    self.served.setdefault(node, ended_s)
                    return
                if b"throttl" not in answer.lower():
                    self.strange = answer.decode(errors="replace").strip() or "nothing"
            time.sleep(back_off_s(rounds, chance) / self.clock)
            rounds += 1


@dataclass(frozen=True, slots=True)
class Run:
    """The results of some runs as processes, and the model's for the same machine."""

    found: Sequence[StormResult]
    starts: Sequence[float]
    model: Sequence[StormResult]
    strange: Sequence[str] = ()
    """The output of plugins that failed for another reason, such as a timeout."""

    @property
    def slow_s(self) -> float:
        """Return the seconds that nine of ten starts take at most, without a quota."""
        return quantiles(self.starts, n=10)[-1]

    @property
    def is_told(self) -> bool:
        """Return whether the machine was quiet enough for a result."""
        return self.slow_s <= SLOW_S and not any(self.strange)

    def span(self, of: Callable[[StormResult], float]) -> tuple[float, float]:
        """Return the range in which the mean of as many runs lies, by the model."""
        chance, each = random.Random(1), [of(one) for one in self.model]
        means = sorted(
            mean(chance.choices(each, k=len(self.found))) for _ in range(BATCHES)
        )
        out = round(BATCHES * TAIL)
        return means[out], means[-1 - out]

    def agrees(self) -> bool:
        """Return whether the means of calls and of seconds are in the model's spans."""
        for of in (calls, seconds):
            least, most = self.span(of)
            if not least <= mean(map(of, self.found)) <= most:
                return False
        return True

    def __str__(self) -> str:
        """Return the result in one line."""
        parts = []
        for of, unit in ((calls, "calls"), (seconds, "s")):
            least, most = self.span(of)
            found = " ".join(f"{of(one):.0f}" for one in self.found)
            parts.append(
                f"{mean(map(of, self.found)):.1f} {unit} ({found}; "
                f"the model {least:.1f} to {most:.1f})"
            )
        said = "agrees" if self.agrees() else "does NOT agree"
        if not self.is_told:
            said = "tells nothing, the machine was too busy"
            said = "; ".join((said, *filter(None, self.strange)))
        return f"{', '.join(parts)}; a start below {self.slow_s:.2f} s: {said}"


def calls(result: StormResult) -> float:
    """Return the calls of a storm."""
    return result.calls


def seconds(result: StormResult) -> float:
    """Return when the last node had its credential."""
    return result.seconds


def run(
    nodes: int,
    *,
    fleet: int = 0,
    peer: Path | None = None,
    quota: Quota | None = None,
    images: int = 1,
    clock: float = CLOCK,
    runs: int = RUNS,
) -> Run:
    """Boot the nodes as processes so many times, and run the model of them."""
    limit = quota or scaled(nodes)
    clock = 1 if peer else clock
    with starting(clock, peer) as start:

        def boot(quota: Quota, seed: int) -> tuple[StormResult, Fleet]:
            booting = Fleet(nodes, images, start, clock, seed)
            with Sandbox() as cloud, tempfile.TemporaryDirectory() as place:
                rate = quota.per_second * clock
                cloud.aws.bucket = TokenBucket(rate, quota.burst)
                # Keys in the environment: the metadata service has a timeout of one
                # second, which is too short with a fast clock.
                aws = cloud.environment("env-keys", inherit={})
                base = {n: v for n, v in aws.items() if n.startswith("AWS_")}
                base |= {"PATH": "/usr/bin:/bin", "HOME": place}
                if fleet:
                    base["DOCKCRED_FLEET"] = str(fleet)
                booting.boot(base, place)
                made, refused = cloud.calls[CALL], cloud.calls["ecr:refused"]
            return StormResult(made, refused, max(booting.served.values())), booting

        idle = [boot(_NO_QUOTA, 0)[1]]
        with ThreadPoolExecutor(max(1, AT_ONCE // nodes)) as pool:
            booted = list(pool.map(boot, repeat(limit), range(1, runs + 1)))
        idle += [boot(_NO_QUOTA, 0)[1]]
    starts = [each for one in idle for each in one.starts]
    model = [
        Storm(
            nodes,
            images,
            limit,
            ours=peer is None,
            fleet=fleet,
            seed=seed,
            boot_s=BOOT_S,
            starts=tuple(starts),
        ).run()
        for seed in range(SEEDS)
    ]
    fleets = [*idle, *(one for _, one in booted)]
    strange = [each.strange for each in fleets]
    return Run([found for found, _ in booted], starts, model, strange)
