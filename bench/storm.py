"""A fleet boots at once: calls, throttles, and when the last node can pull.

    python -m bench.storm            # the model, 10 to 10,000 nodes
    python -m bench.storm --run 10     # also real processes on 10 nodes (or 100)

`--run` starts every process of every node against the sandbox under the real rate
limit of GetAuthorizationToken (20 per second, burst 200). One machine stands for all
nodes, so its processors and not the limit decide its seconds: its calls are what the
model is held to. "own plugin" is not AWS's program: it is its behaviour, one call per
image with three attempts (ecr-credential-provider, aws-sdk-go-v2); with --run it is
our program with its cache off.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.storm_model import OURS, PEER, StormResult, simulate
from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.rate_limit import TokenBucket

PER_SECOND, BURST = 20.0, 200
IMAGES = 10
SIZES = (10, 100, 1000, 10_000)
NODES_AT_ONCE = 4
LIMIT_S = 120
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PROGRAM = Path(sys.executable).parent / "dockcred-credential-provider"


def run(nodes: int, *, single_flight: bool) -> StormResult:
    """Boot the nodes as real processes, all images of a node at once."""
    with Sandbox() as cloud, tempfile.TemporaryDirectory() as place:
        cloud.aws.bucket = TokenBucket(PER_SECOND, BURST)
        aws = cloud.environment("instance-profile", inherit={})
        base = {n: v for n, v in aws.items() if n.startswith("AWS_")}
        base["PATH"] = "/usr/bin:/bin"
        if not single_flight:
            base["DOCKCRED_CACHE"] = "off"
        started = time.monotonic()
        with ThreadPoolExecutor(NODES_AT_ONCE) as pool:
            good = sum(
                pool.map(
                    lambda node: boot(
                        base | {"DOCKCRED_CACHE_DIR": f"{place}/node-{node}"}
                    ),
                    range(nodes),
                )
            )
        seconds = time.monotonic() - started
        if good != nodes * IMAGES:
            raise SystemExit(f"{nodes * IMAGES - good} images have no credential")
        calls = cloud.calls["ecr:GetAuthorizationToken"]
        return StormResult(calls, cloud.calls["ecr:refused"], seconds)


def boot(environment: dict[str, str]) -> int:
    """Ask for all images of one node; answer how many got a credential."""
    running = []
    for number in range(IMAGES):
        process = subprocess.Popen(
            [PROGRAM],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        request = {
            "kind": "CredentialProviderRequest",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            "image": f"{HOST}/team/app-{number}",
        }
        running.append((process, json.dumps(request).encode()))
    good = 0
    for process, text in running:
        output, _ = process.communicate(text, timeout=LIMIT_S)
        good += process.returncode == 0 and b'"username":"AWS"' in output
    return good


def main() -> None:
    """Print the table; `--run N` adds what N real nodes did."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", type=int, action="append", default=[], metavar="N")
    wanted = parser.parse_args().run
    print("nodes | plugin | calls | throttled | last node, s | how")
    print("---: | --- | ---: | ---: | ---: | ---")
    for nodes in SIZES:
        for name, policy in (("dockcred", OURS), ("own plugin", PEER)):
            show(nodes, name, simulate(nodes, IMAGES, policy), "computed")
    for nodes in wanted:
        show(nodes, "dockcred", run(nodes, single_flight=True), "processes")
        show(nodes, "own plugin", run(nodes, single_flight=False), "processes")


def show(nodes: int, plugin: str, outcome: StormResult, how: str) -> None:
    """Print one row."""
    print(
        f"{nodes} | {plugin} | {outcome.calls} | {outcome.throttled} | "
        f"{outcome.seconds:.1f} | {how}",
        flush=True,
    )


if __name__ == "__main__":
    main()
