"""A fleet boots at once: calls, throttles, and when the last node can pull.

    python -m bench.storm                      # the model, both of AWS's quotas
    python -m bench.storm --run 10 --run 100   # also real processes on so many nodes

"told" is with DOCKCRED_FLEET. `--run` starts every process of every node against the
sandbox, as kubelet does, after a failed pull too. One machine cannot boot a thousand
nodes, so the quota is made smaller with the fleet: N nodes stand for RUN_STANDS_FOR.
Beside them stands the model's span for the same: from the least to the most of SEEDS.
"the cloud's own" is ecr-credential-provider's behaviour, one call per image with three
attempts; with `--peer PROGRAM` it is that program itself (from
k8s.io/cloud-provider-aws, built by Go).
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.storm_model import (
    DEFAULT,
    RAISED,
    Quota,
    Storm,
    StormResult,
    back_off_s,
)
from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.rate_limit import TokenBucket

IMAGES = 10
SIZES = (10, 100, 1000, 10_000)
RUN_STANDS_FOR = 2000
RUN_IMAGES = {10: 10}
"""How many images each node of a run pulls; two where it is not said."""
RUN_BOOT_S = 5.0
SEEDS = 200
LIMIT_S = 900.0
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PROGRAM = Path(sys.executable).parent / "dockcred-credential-provider"
_REQUEST = {
    "kind": "CredentialProviderRequest",
    "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
}


def scaled(nodes: int) -> Quota:
    """Return the quota of so few nodes that behave like RUN_STANDS_FOR."""
    part = nodes / RUN_STANDS_FOR
    return Quota(DEFAULT.per_second * part, max(1, round(DEFAULT.burst * part)))


class Fleet:
    """Nodes with the images that they pull, each node with a kubelet's patience."""

    def __init__(self, nodes: int, images: int, program: Path, place: str) -> None:
        """Hold what is booted; `place` is a directory for what the nodes keep."""
        self._nodes = nodes
        self._images = images
        self._program = program
        self._place = place
        self._started = 0.0
        self._lock = threading.Lock()
        self._last = 0.0
        self._served: set[int] = set()

    def boot(self, variables: dict[str, str], boot_s: float) -> float:
        """Start all and wait for the last; return when that had its credential."""
        self._started = time.monotonic()
        pulls = [
            threading.Thread(target=self._pull, args=(node, image, variables, boot_s))
            for node in range(self._nodes)
            for image in range(self._images)
        ]
        for pull in pulls:
            pull.start()
        for pull in pulls:
            pull.join()
        if len(self._served) < self._nodes:
            raise SystemExit(f"{self._nodes - len(self._served)} have no credential")
        return self._last

    def _pull(
        self, node: int, image: int, variables: dict[str, str], boot_s: float
    ) -> None:
        """Try one image until the node has the registry's credential."""
        chance = random.Random(node)
        time.sleep(boot_s * chance.random())
        chance.seed(node * IMAGES + image)
        own = variables | {"DOCKCRED_CACHE_DIR": f"{self._place}/node-{node}"}
        rounds = 0
        while time.monotonic() - self._started < LIMIT_S:
            if rounds and node in self._served:
                return
            if self._has_answer(image, own):
                with self._lock:
                    if node not in self._served:
                        self._served.add(node)
                        self._last = time.monotonic() - self._started
                return
            time.sleep(back_off_s(rounds, chance))
            rounds += 1

    def _has_answer(self, image: int, variables: dict[str, str]) -> bool:
        done = subprocess.run(
            [self._program],
            env=variables,
            input=json.dumps(_REQUEST | {"image": f"{HOST}/app-{image}"}).encode(),
            capture_output=True,
            check=False,
            timeout=120,
        )
        return done.returncode == 0 and b'"username":"AWS"' in done.stdout


@dataclass(frozen=True, slots=True)
class Run:
    """What real processes did, and the model's span of calls and seconds for it."""

    result: StormResult
    calls: tuple[int, int]
    seconds: tuple[float, float]

    def agrees(self, late_s: float) -> bool:
        """Return whether it is in the model's span, but for a tenth and `late_s`."""
        (few, many), (early, late) = self.calls, self.seconds
        calls, seconds = self.result.calls, self.result.seconds
        return (
            few * 0.9 - 2 <= calls <= many * 1.1 + 2
            and early * 0.9 - late_s <= seconds <= late * 1.1 + late_s
        )


def run(
    nodes: int,
    *,
    fleet: int = 0,
    peer: Path | None = None,
    quota: Quota | None = None,
    images: int = 0,
) -> Run:
    """Boot the nodes as real processes, all images of a node at once."""
    quota = quota or scaled(nodes)
    images = images or RUN_IMAGES.get(nodes, 2)
    with Sandbox() as cloud, tempfile.TemporaryDirectory() as place:
        cloud.aws.bucket = TokenBucket(quota.per_second, quota.burst)
        aws = cloud.environment("instance-profile", inherit={})
        base = {n: v for n, v in aws.items() if n.startswith("AWS_")}
        base |= {"PATH": "/usr/bin:/bin", "HOME": place}
        if fleet:
            base["DOCKCRED_FLEET"] = str(fleet)
        booting = Fleet(nodes, images, peer or PROGRAM, place)
        seconds = booting.boot(base, RUN_BOOT_S)
        calls = cloud.calls["ecr:GetAuthorizationToken"]
        found = StormResult(calls, cloud.calls["ecr:refused"], seconds)
    spread = [
        Storm(
            nodes,
            images,
            quota,
            ours=peer is None,
            fleet=fleet,
            seed=seed,
            boot_s=RUN_BOOT_S,
        ).run()
        for seed in range(SEEDS)
    ]
    return Run(
        found,
        (min(each.calls for each in spread), max(each.calls for each in spread)),
        (min(each.seconds for each in spread), max(each.seconds for each in spread)),
    )


def main() -> None:
    """Print the table; `--run N` adds what N real nodes did."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", type=int, action="append", default=[], metavar="N")
    parser.add_argument("--peer", type=Path, metavar="PROGRAM")
    options = parser.parse_args()
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
    for nodes in options.run:
        peers = [options.peer] if options.peer else []
        for name, told, peer in (
            ("dockcred, told", True, None),
            ("dockcred", False, None),
            *(("ecr-credential-provider", False, peer) for peer in peers),
        ):
            done = run(nodes, fleet=RUN_STANDS_FOR if told else 0, peer=peer)
            show(scaled(nodes), nodes, f"{name}: processes", done.result)
            few, many = done.calls
            early, late = done.seconds
            print(f"  the model: {few} to {many} calls, {early:.1f} to {late:.1f} s")


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
