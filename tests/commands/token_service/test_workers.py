"""Several workers on one port: one's death harms no other, and they end when told to.

Each request has a scope of its own, so the log says which worker answered it.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.oidc_issuer import AUDIENCE, Issuer
from support.program import BUSY_S, wait_until
from support.token_service import SERVICE, Service, basic

from dockcred.commands.token_service import journal
from dockcred.errors import InvalidInputError

from .conftest import Start
from .test_crowds import request
from .test_operation import wait_until_deaf

pytestmark = pytest.mark.slow  # not one test, but all of them together are slow
NIGHT = bool(os.environ.get("DOCKCRED_NIGHT"))
CONNECTIONS = 200
REQUESTS = 100_000 if NIGHT else 4_000
WORKERS = 2


@pytest.fixture
def options(issuer: Issuer, tmp_path: Path) -> tuple[str, ...]:
    rule = ("--allow", "team/**:pull repository_id=17")
    told = ("--issuer", issuer.url, "--audience", AUDIENCE, *rule)
    return (*told, "--keys", str(tmp_path / "keys"), "--workers", str(WORKERS))


def workers(service: Service) -> dict[int, int]:
    """Return the pid of the current process by the worker's number."""
    found = {}
    for line in list(service.lines):
        if line["event"] == "worker-started":
            found[line["number"]] = line["pid"]
    return found


def sent(token: str, name: str) -> bytes:
    text = request(token, keep=True)
    return text.replace(b"repository:team/app:pull", f"repository:{name}:pull".encode())


class Connection:
    """A connection that sends one request after the other, and counts the answers."""

    def __init__(self, port: int, token: str, name: str) -> None:
        self.name = f"team/{name}"
        self.answered = 0
        self.is_broken = self.is_told_to_go = False
        self.seconds: list[float] = []
        self._port, self._sent = port, sent(token, self.name)

    async def ask(self, times: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            for _ in range(times):
                began = time.perf_counter()
                writer.write(self._sent)
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length:")[2].split()[0]
                await reader.readexactly(int(length))
                self.seconds.append(time.perf_counter() - began)
                assert head.startswith(b"http/1.1 200 "), head
                self.answered += 1
                if b"\r\nconnection: close\r\n" in head:
                    self.is_told_to_go = True
                    assert await reader.read() == b""
                    return
        except (OSError, asyncio.IncompleteReadError):
            self.is_broken = True
        finally:
            writer.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so; other tasks run in the meantime."""
    while not is_so():  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0.01)


def served_by(service: Service, name: str) -> int:
    asked = [f"repository:{name}:pull"]
    return service.said(event="answered", asked=asked)["worker"]


async def crowd(service: Service, issuer: Issuer, many: int, each: int):
    token = issuer.token()
    made = [Connection(service.port, token, f"c{n}") for n in range(many)]
    return made, [asyncio.create_task(one.ask(each)) for one in made]


def test_a_crowd_is_answered_by_all_workers(start: Start, options, issuer: Issuer):
    """There is no error at any speed of the machine; the benchmark measures times."""
    service = start(*options)

    async def ask() -> list[Connection]:
        made, tasks = await crowd(service, issuer, CONNECTIONS, REQUESTS // CONNECTIONS)
        await asyncio.gather(*tasks)
        return made

    made = asyncio.run(ask())
    assert not [one.name for one in made if one.is_broken]
    assert sum(one.answered for one in made) == REQUESTS
    seconds = sorted(second for one in made for second in one.seconds)
    print(f"p99 of {REQUESTS} requests: {seconds[len(seconds) * 99 // 100]:.3f} s")
    by_worker = Counter(served_by(service, one.name) for one in made)
    assert set(by_worker) == {1, 2}
    assert min(by_worker.values()) >= CONNECTIONS // 10, by_worker
    figures = service.request("GET", "/metrics").body.decode()
    assert f'requests_total{{outcome="answered"}} {REQUESTS}.0\n' in figures
    assert f"request_seconds_count {REQUESTS}.0\n" in figures


def test_who_is_killed_takes_nobody_with_it(start: Start, options, issuer: Issuer):
    """Only the killed worker's connections break; a new worker takes its place."""
    service = start(*options)
    wait_until(lambda: len(workers(service)) == WORKERS)

    async def ask() -> tuple[list[Connection], int]:
        made, tasks = await crowd(service, issuer, 40, 1_000_000)
        await until(lambda: min(one.answered for one in made) >= 3)
        killed = workers(service)[1]
        os.kill(killed, signal.SIGKILL)
        after = [one.answered for one in made]
        await until(
            lambda: all(
                one.is_broken or one.answered > count + 3
                for one, count in zip(made, after, strict=True)
            )
        )
        late = Connection(service.port, issuer.token(), "late")
        await late.ask(20)
        assert late.answered == 20
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
        return made, killed

    made, killed = asyncio.run(asyncio.wait_for(ask(), 120))
    broken = {one.name for one in made if one.is_broken}
    assert broken == {one.name for one in made if served_by(service, one.name) == 1}
    assert 0 < len(broken) < len(made)
    died = service.said(event="worker-died", pid=killed)
    assert (died["number"], died["status"]) == (1, "-9")
    wait_until(lambda: workers(service)[1] != killed)
    assert service.is_alive()
    answered = sum(one.answered for one in made)
    text = service.request("GET", "/metrics").body.decode()
    (line,) = (each for each in text.splitlines() if 'outcome="answered"' in each)
    assert float(line.split()[1]) >= answered


def test_each_connection_is_told_to_go_and_loses_nothing(
    start: Start, options, issuer: Issuer
):
    """Each of forty busy connections gets all answers; the last one says `close`."""
    service = start(*options)

    async def ask() -> list[Connection]:
        made, tasks = await crowd(service, issuer, 40, 1_000_000)
        await until(lambda: min(one.answered for one in made) >= 3)
        service.process.send_signal(signal.SIGTERM)
        await asyncio.gather(*tasks)
        return made

    made = asyncio.run(asyncio.wait_for(ask(), BUSY_S))
    assert all(one.is_told_to_go and not one.is_broken for one in made)
    assert service.process.wait(BUSY_S) == 0
    assert service.said(event="stopped")
    assert not any(map(is_there, workers(service).values()))


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_is_not_ready_while_it_ends(start: Start, options, issuer: Issuer):
    """A half-sent body keeps the worker alive; another connection can still ask."""
    service = start(*options[:-2])
    body = f"grant_type=refresh_token&refresh_token={issuer.token()}".encode()
    head = "POST /token HTTP/1.1\r\nHost: x\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    probe = http.client.HTTPConnection("127.0.0.1", service.port, timeout=BUSY_S)
    assert asked(probe) == (200, b"ready\n")
    with socket.create_connection(("127.0.0.1", service.port), BUSY_S) as connection:
        connection.sendall(head.encode() + body[:100])
        assert service.get_health() == 200
        service.process.send_signal(signal.SIGTERM)
        wait_until_deaf(service.port)
        assert asked(probe) == (503, b"not ready: it ends\n")
        connection.sendall(body[100:])
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
    probe.close()
    assert service.process.wait(BUSY_S) == 0


def asked(probe: http.client.HTTPConnection) -> tuple[int, bytes]:
    probe.request("GET", "/readyz")
    answer = probe.getresponse()
    return answer.status, answer.read()


def test_they_end_with_their_parent(start: Start, options, issuer: Issuer):
    service = start(*options)
    assert service.get(token=issuer.token()).status == 200
    wait_until(lambda: len(workers(service)) == WORKERS)
    service.process.kill()
    service.process.wait(BUSY_S)
    wait_until(lambda: set(map(state, workers(service).values())) == {"Z"})
    wait_until_deaf(service.port)


def state(pid: int) -> str:
    """Return the process state's letter, as ps shows it; "Z" if it is gone, too."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return "Z"
    return status.rpartition(")")[2].split()[0]


def test_who_cannot_end_is_ended_and_it_is_told(start: Start, options, issuer: Issuer):
    """A stopped worker cannot handle SIGTERM: it is killed after the grace period."""
    service = start(*options)
    wait_until(lambda: len(workers(service)) == WORKERS)
    os.kill(workers(service)[2], signal.SIGSTOP)
    # A busy machine stops it late: until then SIGTERM could end the worker.
    wait_until(lambda: state(workers(service)[2]) == "T")
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(BUSY_S) == 1
    said = b"a worker did not end in time"
    wait_until(lambda: said in b"".join(service.raw))
    wait_until(lambda: set(map(state, workers(service).values())) == {"Z"})


def test_long_lines_of_all_workers_stay_whole(start: Start, options, issuer: Issuer):
    """Both workers write lines that are longer than one atomic write to a pipe."""
    service = start(*options)
    scopes = "".join(f"&scope=repository:team/{'x' * 100}{n}:pull" for n in range(60))
    token = issuer.token()
    head = (
        f"GET /token?service={SERVICE}{scopes} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {basic('JWT', token)}\r\n\r\n"
    ).encode()

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
        for _ in range(20):
            writer.write(head)
            got = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(
                int(got.partition(b"content-length:")[2].split()[0])
            )
        writer.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(one() for _ in range(10)))

    asyncio.run(all_of_them())
    wait_until(lambda: sum(b'"answered"' in line for line in service.raw) == 200)
    for line in service.raw:
        json.loads(line)
    assert max(map(len, service.raw)) > 8192


def test_a_worker_that_dies_again_and_again_is_not_started_all_the_time(
    start: Start, options
):
    service = start(*options)
    wait_until(lambda: len(workers(service)) == WORKERS)
    began = time.monotonic()

    def started() -> int:
        return [line["event"] for line in service.lines].count("worker-started")

    def has_died_often() -> bool:
        with suppress(ProcessLookupError):
            os.kill(workers(service)[1], signal.SIGKILL)
        return started() >= 3 and time.monotonic() - began > 4

    wait_until(has_died_often)
    assert started() < 3 * (time.monotonic() - began)
    assert service.is_alive()


def test_where_files_cannot_be_in_memory_several_are_refused_in_one_line(monkeypatch):
    """macOS has no memfd_create."""
    monkeypatch.delattr("os.memfd_create")
    with pytest.raises(InvalidInputError, match="Linux only"):
        journal.take_turns()
