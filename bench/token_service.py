"""How many requests `dockcred token-service` answers, how soon, and in how much memory.

    python -m bench.token_service [--requests N] [--connections N]

One process of it, asked over keep-alive connections by one process that asks for
nothing else; the sandbox's GitHub signs one ID token for each connection. Every tenth
connection shows a token for another audience, and must be refused.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dockcred.testing.sandbox import Sandbox

DOCKCRED = Path(sys.executable).with_name("dockcred")
AUDIENCE = "registry.example.com"
RULE = "team/app:pull,push repository_id=74012345 event_name=push"
SCOPE = "repository:team/app:pull,push"
WARM_UP = 2_000
REFUSED = 10  # one connection in so many


class Service(NamedTuple):
    """A running service."""

    process: subprocess.Popen[str]
    port: int

    def resident_mib(self) -> float:
        """Return the resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        (line,) = (one for one in status.splitlines() if one.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def cpu_s(self) -> float:
        """Return the used processor time in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        return sum(map(int, fields.split()[13:15])) / 100


@contextmanager
def serving(issuer: str, keys: str, log: Path) -> Iterator[Service]:
    """Run the installed service for one issuer and one rule."""
    arguments = ["--issuer", issuer, "--audience", AUDIENCE, "--allow", RULE]
    with running([*arguments, "--keys", keys], log) as service:
        yield service


@contextmanager
def running(arguments: list[str], log: Path) -> Iterator[Service]:
    """Run the installed service on a free port, with its log in a file, as users do."""
    command = [str(DOCKCRED), "token-service", *arguments, "--listen", "127.0.0.1:0"]
    with (
        log.open("w", encoding="ascii") as output,
        subprocess.Popen(command, stderr=output, text=True) as process,
    ):
        try:
            while not (line := log.read_text(encoding="ascii").partition("\n")[0]):
                time.sleep(0.01)
            yield Service(process, json.loads(line)["port"])
        finally:
            process.terminate()


async def ask(port: int, token: str, times: int, expected: int) -> list[float]:
    """Send requests on one connection, one after the other; return the seconds of each.

    Exits if a response's status is not `expected`.
    """
    coded = base64.b64encode(f"JWT:{token}".encode()).decode()
    sent = (
        f"GET /token?service={AUDIENCE}&scope={SCOPE} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Basic {coded}\r\n\r\n"
    ).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        writer.write(sent)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split()[0]
        await reader.readexactly(int(length))
        seconds.append(time.perf_counter() - started)
        if int(head.split()[1]) != expected:
            raise SystemExit(f"{expected} was expected: {head!r}")
    writer.close()
    return seconds


async def crowd(service: Service, cloud: Sandbox, total: int, many: int) -> list[float]:
    """Send requests on many connections at once; return the seconds of all, sorted."""
    cloud.ci.github.life_s = 3600
    refused = range(REFUSED - 1, many, REFUSED)
    asked = (
        ask(
            service.port,
            cloud.ci.github.token("other" if n in refused else AUDIENCE),
            total // many,
            401 if n in refused else 200,
        )
        for n in range(many)
    )
    return sorted(second for one in await asyncio.gather(*asked) for second in one)


def main() -> None:
    """Print one line for each number of connections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--connections", type=int, nargs="*", default=[1, 10, 100])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Sandbox() as cloud:
        place = Path(name)
        issuer = cloud.ci.github.url
        with serving(issuer, f"{place}/keys", place / "log") as service:
            asyncio.run(crowd(service, cloud, WARM_UP, 10))
            print("connections  requests  per second  CPU ms  p50 ms  p99 ms  MiB")
            for many in options.connections:
                before, cpu = service.resident_mib(), service.cpu_s()
                started = time.perf_counter()
                seconds = asyncio.run(crowd(service, cloud, options.requests, many))
                took = time.perf_counter() - started
                cpu = (service.cpu_s() - cpu) / len(seconds) * 1000
                p50, p99 = (
                    seconds[len(seconds) * part // 100] * 1000 for part in (50, 99)
                )
                print(
                    f"{many:11}  {len(seconds):8}  {len(seconds) / took:10.0f}  "
                    f"{cpu:6.2f}  {p50:6.1f}  {p99:6.1f}  "
                    f"{before:.1f} to {service.resident_mib():.1f}"
                )


if __name__ == "__main__":
    main()
