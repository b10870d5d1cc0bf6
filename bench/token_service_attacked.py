"""What others notice of an attack on `dockcred token-service`.

    python -m bench.token_service_attacked [--requests N] [--rounds N] [--count]

One process of it believes two issuers, one of which never answers. Ten connections ask
for tokens of the other one, each with a pause after each answer, first in quiet, then
while an attack runs in a process of its own: tokens of the silent issuer, and slow
connections that send a byte a second. Quiet and attacked rounds take turns, and what
counts is the median of the rounds' ratios. In the end N requests come as fast as they
can, with both attacks, and the memory before and after is told.

The exit status is 1 where one of the others' requests was not answered with a token,
where their p99 was more than twice the quiet one, or where memory grew by 4 MiB;
with --count only the first of these counts, for machines that do other things too.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import multiprocessing
import os
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from bench.token_service import AUDIENCE, SCOPE, Service, running
from dockcred.testing.sandbox import Sandbox

CONFIG = """
service = "{audience}"
keys = "{keys}"
[issuers.good]
url = "{good}"
audience = "{audience}"
[issuers.silent]
url = "{silent}"
audience = "{audience}"
[[rules]]
issuer = "good"
claims = {{ repository_id = "74012345", event_name = "push" }}
repositories = ["team/app"]
actions = ["pull", "push"]
"""
CONNECTIONS = 10
PAUSE_S = 0.05
SLOW = 2_000
FORGED_AT_ONCE = 50
FORGED_PAUSE_S = 0.5
SETTLE_S = 3.0
MOST_TIMES = 2.0
MOST_MIB = 4.0
OK = 200


def asking(token: str) -> bytes:
    """Return the request with a token."""
    coded = base64.b64encode(f"JWT:{token}".encode()).decode()
    return (
        f"GET /token?service={AUDIENCE}&scope={SCOPE} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Basic {coded}\r\n\r\n"
    ).encode()


async def ask(port: int, token: str, times: int, pause_s: float) -> list[float]:
    """Send requests on one connection, one after the other; return the seconds of each.

    Exits if a response is not 200.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        writer.write(asking(token))
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].split()[0]
        await reader.readexactly(int(length))
        seconds.append(time.perf_counter() - started)
        if int(head.split()[1]) != OK:
            raise SystemExit(f"one of the others was not answered: {head!r}")
        if pause_s:
            await asyncio.sleep(pause_s)
    writer.close()
    return seconds


async def crowd(port: int, tokens: list[str], total: int, pause_s: float) -> float:
    """Send requests on one connection for each token; return the p99 in seconds."""
    each = total // len(tokens)
    asked = (ask(port, token, each, pause_s) for token in tokens)
    seconds = sorted(s for one in await asyncio.gather(*asked) for s in one)
    return seconds[len(seconds) * 99 // 100]


async def show_forged(port: int, token: str) -> None:
    """Send the silent issuer's token again and again, on many connections."""

    async def one(number: int) -> None:
        await asyncio.sleep(number * FORGED_PAUSE_S / FORGED_AT_ONCE)
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(asking(token))
                await reader.readuntil(b"\r\n\r\n")
                writer.close()
            await asyncio.sleep(FORGED_PAUSE_S)

    await asyncio.gather(*(one(number) for number in range(FORGED_AT_ONCE)))


async def be_slow(port: int, token: str) -> None:
    """Hold many connections, each of which sends one byte of its request a second."""

    async def one(number: int) -> None:
        await asyncio.sleep(number / SLOW)
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                for byte in asking(token):
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(1)
            await asyncio.sleep(1)

    await asyncio.gather(*(one(number) for number in range(SLOW)))


ATTACKS: dict[str, Callable[[int, str], Coroutine[object, object, None]]] = {
    "silent issuer": show_forged,
    "slow connections": be_slow,
}


def _attack(name: str, port: int, token: str) -> None:
    os.nice(5)  # a real attacker is on another machine, and takes no CPU time here
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    asyncio.run(ATTACKS[name](port, token))


@contextmanager
def attacked(name: str, port: int, token: str) -> Iterator[None]:
    """Run the attack in its own process, from SETTLE_S before the block to its end."""
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_attack, args=(name, port, token), daemon=True)
    process.start()
    time.sleep(SETTLE_S)
    try:
        if not process.is_alive():
            raise SystemExit(f"the attack by {name} has failed")
        yield
    finally:
        process.terminate()
        process.join()


@contextmanager
def serving(good: str, silent: str, place: Path) -> Iterator[Service]:
    """Run the installed service for both issuers."""
    config = place / "config.toml"
    config.write_text(
        CONFIG.format(audience=AUDIENCE, keys=place / "keys", good=good, silent=silent)
    )
    with running(["--config", str(config)], place / "log") as service:
        yield service


def forged_for(silent: str, token: str) -> str:
    """Return a token of the silent issuer with a wrong signature.

    The service would need that issuer's keys to find out.
    """
    head, claims, _ = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))
    text = json.dumps(said | {"iss": silent}).encode()
    parts = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (text, b"x" * 256))
    return ".".join([head, *(part.decode() for part in parts)])


def compare(
    service: Service, tokens: list[str], forged: str, rounds: int, each: int
) -> list[float]:
    """Print the p99 of each round; return the median ratio of each attack."""
    ratios: dict[str, list[float]] = {name: [] for name in ATTACKS}
    print("attack             quiet p99 ms  attacked p99 ms  ratio")
    for _ in range(rounds):
        for name in ATTACKS:
            quiet = asyncio.run(crowd(service.port, tokens, each, PAUSE_S))
            with attacked(name, service.port, forged):
                worse = asyncio.run(crowd(service.port, tokens, each, PAUSE_S))
            ratios[name].append(worse / quiet)
            print(
                f"{name:17}  {quiet * 1000:12.1f}  {worse * 1000:15.1f}"
                f"  {worse / quiet:5.2f}",
                flush=True,
            )
    return [median(found) for found in ratios.values() if found]


def main() -> None:
    """Print how much slower other clients are; exit with 1 if it is too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cloud = stack.enter_context(Sandbox())
        dead = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        silent = f"http://127.0.0.1:{dead.getsockname()[1]}"
        cloud.ci.github.life_s = 3600
        tokens = [cloud.ci.github.token(AUDIENCE) for _ in range(CONNECTIONS)]
        forged = forged_for(silent, tokens[0])
        service = stack.enter_context(serving(cloud.ci.github.url, silent, place))
        asyncio.run(crowd(service.port, tokens, min(2_000, options.requests), 0))
        each = min(2_000, options.requests)
        ratios = compare(service, tokens, forged, options.rounds, each)
        for name in ATTACKS:
            stack.enter_context(attacked(name, service.port, forged))
        asyncio.run(crowd(service.port, tokens, min(10_000, options.requests), 0))
        before, started = service.resident_mib(), time.perf_counter()
        asyncio.run(crowd(service.port, tokens, options.requests, 0))
        took, after = time.perf_counter() - started, service.resident_mib()
    print(
        f"{options.requests} requests with both attacks, each answered, "
        f"in {took:.0f} s: {before:.1f} MiB before, {after:.1f} after"
    )
    if not options.count and (
        max(ratios, default=0) > MOST_TIMES or after - before > MOST_MIB
    ):
        sys.exit(1)


if __name__ == "__main__":
    main()
