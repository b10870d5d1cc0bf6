"""Each phase of a connection has a time limit, and each client has its share."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trustme
from support.oidc_issuer import Issuer
from support.program import BUSY_S
from support.token_service import SERVICE, Service

from dockcred.commands.token_service.clients import (
    BURST_S,
    MAX_REMEMBERED,
    NOBODY,
    SPARE_CONNECTIONS,
    Clients,
)
from dockcred.commands.token_service.listen import HELD_BYTES, Listen
from dockcred.errors import InvalidInputError

from .conftest import Start
from .test_crowds import request

pytestmark = pytest.mark.slow  # not one test, but all of them together are slow
PATH = f"/token?service={SERVICE}&scope=repository:public/a:pull"
ASK = f"GET {PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
FEW = 4
LONGEST_S = 90


@pytest.fixture
def options(issuer: Issuer, tmp_path: Path) -> tuple[str, ...]:
    return (
        *("--issuer", issuer.url, "--audience", SERVICE),
        *("--keys", str(tmp_path / "keys"), "--allow-anonymous", "public/*"),
    )


@contextmanager
def connected(service: Service, host: str = "127.0.0.1") -> Iterator[socket.socket]:
    """Connect from an address in 127.0.0.0/8, which stands for one client."""
    with socket.create_connection(
        ("127.0.0.1", service.port), BUSY_S, source_address=(host, 0)
    ) as connection:
        yield connection


def status(connection: socket.socket, sent: bytes = ASK) -> int:
    connection.sendall(sent)
    response = http.client.HTTPResponse(connection)
    response.begin()
    response.read()
    return response.status


def answer_to(service: Service, host: str) -> int:
    with connected(service, host) as connection:
        return status(connection)


def seconds_until_closed(connection: socket.socket, drip: bytes = b"") -> float:
    """Return the seconds until the service closes it; `drip` is sent repeatedly."""
    started = time.monotonic()
    connection.settimeout(0.2)
    while (seconds := time.monotonic() - started) < LONGEST_S:
        try:
            if drip:
                connection.send(drip)
            elif not connection.recv(65536):
                break
        except TimeoutError:
            continue
        except OSError:
            break
        time.sleep(0.2 if drip else 0)
    return seconds


def test_a_reader_that_takes_no_answers_is_let_go(service: Service, issuer: Issuer):
    """A client sends one request after the other, and reads no answer."""
    sent = request(issuer.token(), keep=True)
    with connected(service) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        connection.setblocking(False)
        stuck = taken = 0
        while stuck < 20:
            try:
                taken += connection.send(sent[taken % len(sent) :])
                stuck = 0
            except BlockingIOError:
                stuck += 1
                time.sleep(0.05)
        # Requests in the kernel's buffer are answered first; a busy machine is slow.
        assert taken < 16 * HELD_BYTES
        assert seconds_until_closed(connection, b"x") < LONGEST_S
    assert service.is_alive()


def test_a_body_that_nobody_wants_is_not_waited_for(service: Service):
    """A GET with an endless body gets its answer, then the connection is closed."""
    head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    with connected(service) as connection:
        assert status(connection, head.encode()) == 200
        assert seconds_until_closed(connection, b"1\r\nx\r\n") < 3


def test_tls_is_agreed_upon_soon_or_not_at_all(start: Start, options, tmp_path: Path):
    authority = trustme.CA()
    made = authority.issue_cert("localhost")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made.private_key_pem.write_to_path(key)
    made.cert_chain_pems[0].write_to_path(certificate)
    key.chmod(0o600)
    tls = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    service = start(*options, *tls, "--per-client", str(FEW))
    with connected(service, "127.0.0.2") as silent:
        assert 5 < seconds_until_closed(silent) < 20
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(service, "127.0.0.2"))
        context = ssl.create_default_context()
        authority.configure_trust(context)
        plain = stack.enter_context(connected(service, "127.0.0.3"))
        with context.wrap_socket(plain, server_hostname="localhost") as secret:
            assert status(secret) == 200


def test_one_address_has_its_share_of_connections(start: Start, options):
    service = start(*options, "--per-client", str(FEW))
    with ExitStack() as stack:
        many = [stack.enter_context(connected(service, "127.0.0.2")) for _ in range(8)]
        answers = Counter(status(connection) for connection in many)
        assert answers == {200: FEW, 429: 8 - FEW}
        other = stack.enter_context(connected(service, "127.0.0.3"))
        assert status(other) == 200
    give_up = time.monotonic() + BUSY_S
    while answer_to(service, "127.0.0.2") != 200:  # until the closes are noticed
        assert time.monotonic() < give_up
        time.sleep(0.1)


def test_far_more_than_its_share_are_closed_at_once(start: Start, options):
    service = start(*options, "--per-client", str(FEW))
    with ExitStack() as stack:
        many = [
            stack.enter_context(connected(service, "127.0.0.2")) for _ in range(100)
        ]
        assert seconds_until_closed(many[-1]) < 5
        with connected(service, "127.0.0.3") as other:
            assert status(other) == 200


class Quiet:
    """A connection that has sent nothing yet."""

    def make_room(self) -> None:
        raise AssertionError("there is room")


def test_so_many_more_than_its_share_are_let_in_and_then_none() -> None:
    """They are refused before they send anything: a TLS handshake would cost much."""
    clients, most = Clients(FEW), FEW + SPARE_CONNECTIONS
    opened = [clients.opened(("127.0.0.2", n), Quiet()) for n in range(most + 5)]
    assert opened == [True] * most + [False] * 5
    assert clients.opened(("127.0.0.3", 1), Quiet())


def test_one_address_has_its_share_of_requests(start: Start, options):
    """First a burst, then so many a second; other clients are not affected."""
    service = start(*options, "--per-client", "1")
    with connected(service, "127.0.0.2") as hasty:
        answers = [status(hasty) for _ in range(40)]
        assert set(answers) == {200, 429}
        assert answers[:BURST_S] == [200] * BURST_S
    with connected(service, "127.0.0.3") as other:
        assert status(other) == 200
    assert service.said(event="too-many-requests", client="127.0.0.2")


def test_a_proxy_names_the_clients(start: Start, options):
    """Only the last address counts: the client can write those before it."""
    service = start(*options, "--per-client", "1", "--forwarded-for")

    def ask(forwarded_for: str) -> int:
        headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
        return service.request("GET", PATH, headers=headers).status

    assert 429 in {ask(f"192.0.2.{n}, 198.51.100.7") for n in range(40)}
    assert ask("198.51.100.7, 192.0.2.1") == 200
    assert {ask("") for _ in range(20)} == {200}
    assert {ask("unknown") for _ in range(20)} == {200}


def test_whom_a_stranger_speaks_for_is_not_believed():
    with pytest.raises(InvalidInputError, match="anybody who connects"):
        Listen("0.0.0.0:443", "c", "k", forwarded_for=True).clients(10)


@pytest.mark.parametrize(
    ("listen", "bounded"),
    [
        (Listen("127.0.0.1:0"), False),
        (Listen("0.0.0.0:0", behind_proxy=True), False),
        (Listen("0.0.0.0:0", behind_proxy=True, forwarded_for=True), True),
        (Listen("127.0.0.1:0", forwarded_for=True), True),
        (Listen("127.0.0.1:0", per_client=5), True),
        (Listen("0.0.0.0:0", "c", "k"), True),
        (Listen("0.0.0.0:0", "c", "k", per_client=0), False),
    ],
)
def test_clients_are_bounded_where_they_are_known(listen: Listen, bounded: bool):
    clients = listen.clients(10_000)
    who = clients.current_principal(("192.0.2.1", 1), ["192.0.2.1"])
    assert any(clients.begins(who) for _ in range(5000)) == bounded


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_remembered_of_clients_is_bounded():
    clients = Clients(5, clock=Clock())
    for number in range(3 * MAX_REMEMBERED):
        who = str(number)
        assert clients.begins(who) == 0
        clients.ends(who)
    assert len(clients._spent) <= MAX_REMEMBERED
    assert not clients._asking


def test_requests_come_again_with_time():
    clock = Clock()
    clients = Clients(10, clock=clock)

    def asked(seconds: float) -> int:
        clock.now += seconds
        answered = 0
        while not clients.begins("x"):
            clients.ends("x")
            answered += 1
        return answered

    assert [asked(0), asked(1), asked(0.5), asked(1000)] == [40, 10, 5, 40]


def test_requests_at_once_are_bounded():
    clients = Clients(10, clock=Clock())
    assert [bool(clients.begins("x")) for _ in range(12)] == [False] * 10 + [True] * 2
    clients.ends("x")
    assert not clients.begins("x")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_who_is_one_client(one: str, other: str, same: bool):
    clients = Clients(1)
    assert (
        clients.current_principal((one, 1), [])
        == clients.current_principal((other, 1), [])
    ) == same
    assert clients.current_principal((one, 1), []) != NOBODY
