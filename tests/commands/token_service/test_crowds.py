"""Many clients at once, and slow ones: both are limited, and do not delay others."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.oidc_issuer import Issuer
from support.program import BUSY_S
from support.token_service import SERVICE, Service, basic

from dockcred.commands.token_service.issuer_keys import MAX_WAITING

from .conftest import Start

pytestmark = pytest.mark.slow  # not one test, but all of them together are slow
MANY = 1_000
TOO_MANY = 2_050
REQUESTS = int(os.environ.get("DOCKCRED_TOKEN_REQUESTS", "4000"))
KIBIBYTES_MORE = 4096
SCOPE = "repository:team/app:pull"


def request(token: str, *, keep: bool = False) -> bytes:
    return (
        f"GET /token?service={SERVICE}&scope={SCOPE} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {basic('JWT', token)}\r\n"
        f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
    ).encode()


async def ask(port: int, sent: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1])
    finally:
        writer.close()


def test_a_thousand_at_once_are_each_answered(service: Service, issuer: Issuer):
    """Half of the tokens are good, half are not: each client gets its own answer."""
    good, bad = request(issuer.token()), request(issuer.token(aud="other"))

    async def crowd() -> list[int]:
        everyone = (ask(service.port, good if n % 2 else bad) for n in range(MANY))
        return await asyncio.gather(*everyone)

    statuses = asyncio.run(crowd())
    assert statuses == [200 if n % 2 else 401 for n in range(MANY)]
    assert service.is_alive()


def test_a_thousand_unknown_keys_ask_the_issuer_once(service: Service, issuer: Issuer):
    service.get(token=issuer.token())
    before = issuer.asked["/keys"]
    unknown = [
        request(issuer.token(header={"kid": f"unknown-{n}"})) for n in range(MANY)
    ]

    async def crowd() -> list[int]:
        return await asyncio.gather(*(ask(service.port, sent) for sent in unknown))

    statuses = Counter(asyncio.run(crowd()))
    assert statuses[401] + statuses[503] == MANY  # 503: too many were waiting
    assert statuses[401] >= MAX_WAITING
    assert issuer.asked["/keys"] - before <= 1


def test_slow_clients_are_not_waited_for(service: Service, issuer: Issuer):
    """A silent one, a slow head, body and second head: each connection is closed."""
    whole = request(issuer.token(), keep=True)
    body = (
        b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    slow = {"silent": b"", "head": whole[:40], "body": body, "second head": whole}
    slow["second head"] += whole[:40]
    connections = {
        name: socket.create_connection(("127.0.0.1", service.port)) for name in slow
    }
    started = time.monotonic()
    ended: dict[str, float] = {}
    for name, connection in connections.items():
        connection.settimeout(0.01)
        connection.sendall(slow[name])
    while len(ended) < len(slow):
        assert time.monotonic() - started < BUSY_S, ended
        for name, connection in connections.items():
            if name not in ended and is_closed(connection, name):
                ended[name] = time.monotonic() - started
        assert service.get(SCOPE, token=issuer.token()).status == 200
        time.sleep(0.2)
    assert all(seconds > 4 for seconds in ended.values()), ended
    for connection in connections.values():
        connection.close()


def is_closed(connection: socket.socket, name: str) -> bool:
    """Send one more byte, and return whether the service has closed the connection."""
    try:
        if name != "silent":
            connection.send(b"x")
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@pytest.fixture
def many_files() -> Iterator[None]:
    """Raise this process's limit of descriptors above the service's connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_the_slowest_make_room_where_all_is_full(
    start: Start, issuer: Issuer, tmp_path: Path
):
    """Of 2,048 silent connections the oldest are closed to admit new ones."""
    service = start(
        *("--issuer", issuer.url, "--audience", SERVICE),
        *("--keys", str(tmp_path / "keys")),
        *("--allow-anonymous", "public/*"),
    )
    with ExitStack() as stack:
        silent = []
        for _ in range(TOO_MANY):
            one = socket.create_connection(("127.0.0.1", service.port), BUSY_S)
            silent.append(stack.enter_context(one))
        assert {service.get(SCOPE).status for _ in range(100)} == {200}
        told = silent[0].recv(4096)
        assert told.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 5" in told
    assert service.is_alive()


def test_memory_stays_flat(service: Service, issuer: Issuer):
    """DOCKCRED_TOKEN_REQUESTS=100000 makes the test long."""
    asyncio.run(keep_asking(service.port, issuer, 2_000))
    before = resident_kib(service.process.pid)
    asyncio.run(keep_asking(service.port, issuer, REQUESTS))
    grown = resident_kib(service.process.pid) - before
    print(f"{REQUESTS} requests: {before} KiB, {grown:+} KiB")
    assert grown < KIBIBYTES_MORE


async def keep_asking(port: int, issuer: Issuer, total: int) -> None:
    """Send requests on eight connections; one of these has a token that is refused."""
    tokens = [issuer.token(aud="other"), *(issuer.token() for _ in range(7))]

    async def one(token: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sent = request(token, keep=True)
        for _ in range(total // len(tokens)):
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].split()[0]
            await reader.readexactly(int(length))
        writer.close()

    await asyncio.gather(*map(one, tokens))


def resident_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError(pid)
