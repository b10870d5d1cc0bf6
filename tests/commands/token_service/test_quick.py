"""The fast parser reads a plain request as h11 does, and the answers are the same."""

from __future__ import annotations

import http.client
import json
import socket
import time
from pathlib import Path

import h11
import pytest
from support import dead_issuer
from support.oidc_issuer import Issuer
from support.program import BUSY_S
from support.token_service import SERVICE, Service, basic

from dockcred.commands.token_service import quick
from dockcred.commands.token_service.request import MAX_HEAD_BYTES

from .conftest import Start
from .test_malformed import SMUGGLED

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

START = "GET /token?service=r HTTP/1.1\r\nHost: x\r\n"
FORM = "application/x-www-form-urlencoded"


def by_h11(data: bytes) -> tuple[h11.Request, bytes]:
    """Return head and body of the only request in the data, as h11 reads them."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    head, body = connection.next_event(), b""
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data), event
        body += bytes(event.data)
    assert connection.trailing_data == (b"", False)
    return head, body


methods = st.sampled_from(("GET",) * 4 + ("POST",) * 4 + ("HEAD", "PUT", "get", "GET "))
targets = st.sampled_from(
    (
        "/token",
        "/token?a=b",
        "/token?service=r&scope=repository:a:pull",
        "/token?",
        "/token?a=%00",
        "/token#a",
        "/token?a b",
        "/tokens",
        "//token",
        "/token?ü",
    )
)
names = st.sampled_from(
    (
        "Host",
        "Authorization",
        "X-Forwarded-For",
        "Accept",
        "User-Agent",
        "accept",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "Connection",
        "Expect",
        "Host ",
        " Host",
        "X_Y",
        "X Y",
        "",
        "Upgrade",
        "TE",
        "Content-length",
    )
)
values = st.sampled_from(
    (
        "x",
        "x",
        "x",
        "",
        "  x  ",
        "0",
        "3",
        "+3",
        "3, 3",
        "03",
        "chunked",
        "close",
        "keep-alive",
        "Keep-Alive, x",
        "a\tb",
        "a\x00b",
        "a\rb",
        "ü",
        FORM,
        "100-continue",
    )
)
ends = st.sampled_from(("\r\n",) * 12 + ("\n", "\r", "\r\n ", "\r\n\r\n"))
bodies = st.sampled_from((b"", b"", b"a=b", b"a=b\r\n", b"GET / HTTP/1.1\r\n\r\n"))


@hypothesis.settings(deadline=None, max_examples=600)
@hypothesis.given(
    methods,
    targets,
    st.sampled_from((" HTTP/1.1\r\n",) * 5 + (" HTTP/1.0\r\n", " HTTP/1.1\n", "\r\n")),
    st.lists(st.tuples(names, values, ends), max_size=5),
    st.booleans(),
    bodies,
)
def test_what_is_read_is_what_h11_reads(method, target, version, lines, host, body):
    text = f"{method} {target}{version}" + ("Host: x\r\n" if host else "")
    text += "".join(f"{name}: {value}{end}" for name, value, end in lines)
    data = f"{text}\r\n".encode("latin-1") + body
    found = quick.read(data)
    if found is None:
        return
    head, read = by_h11(data)
    headers = [(name.decode(), value.decode()) for name, value in head.headers]
    path, _, query = head.target.partition(b"?")
    assert (head.method.decode(), path, query) == (found.method, b"/token", found.query)
    assert read == found.body
    for name, values in (
        ("authorization", found.authorizations),
        ("x-forwarded-for", found.forwarded_for),
    ):
        assert [value for key, value in headers if key == name] == values
    names = [name for name, _ in headers]
    assert names.count("host") == 1
    assert "transfer-encoding" not in names
    assert "close" not in dict(headers).get("connection", "")


PLAIN = {
    "get": START + "\r\n",
    "get of docker": START + "User-Agent: docker/29\r\nAccept-Encoding: gzip\r\n"
    "Connection: keep-alive\r\n\r\n",
    "post": f"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    "Content-Length: 3\r\n\r\na=b",
    "no query": "GET /token HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("what", PLAIN)
def test_what_nearly_all_send_is_read_at_one_look(what: str):
    assert quick.read(PLAIN[what].encode()) is not None


@pytest.mark.parametrize("what", SMUGGLED)
def test_what_could_hide_a_request_is_not(what: str):
    found = quick.read(SMUGGLED[what].encode("latin-1"))
    if what == "two authorizations":
        assert found is None or len(found.authorizations) == 2
    else:
        assert found is None


def test_two_kinds_of_body_are_not():
    assert quick.read(post("a=b", f"{FORM}\r\nContent-Type: text/plain")) is None


def test_no_head_takes_long():
    """The time grows with the length, not with its square."""

    def seconds(lines: int) -> float:
        text = (START + "X: a \r\n" * lines + "X: \0\r\n\r\n").encode()
        began = time.perf_counter()
        assert quick.read(text) is None
        return time.perf_counter() - began

    short = min(seconds(500) for _ in range(5))
    assert min(seconds(4_000) for _ in range(5)) < 40 * max(short, 0.0001)


def test_a_head_that_is_too_long_is_not():
    text = START + "X: " + "a" * MAX_HEAD_BYTES + "\r\n\r\n"
    assert quick.read(text.encode()) is None


def answers(service: Service, *pieces: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send a request, return its answer. It is plain only if sent in one piece."""
    with socket.create_connection(("127.0.0.1", service.port), BUSY_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.1 if len(pieces) > 1 else 0)
        response = http.client.HTTPResponse(connection)
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return response.status, headers, response.read()


def post(body: str, kind: str = FORM) -> bytes:
    return (
        f"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def get(query: str, *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"GET /token?{query} HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode()


CASES = {
    "granted": lambda t: get(
        f"service={SERVICE}&scope=repository:team/app:pull",
        f"Authorization: {basic('JWT', t)}",
    ),
    "posted": lambda t: post(
        f"grant_type=password&username=JWT&password={t}&service={SERVICE}"
        "&scope=repository:team/app:pull"
    ),
    "stranger": lambda t: get(f"service={SERVICE}&scope=repository:public/a:pull"),
    "another registry": lambda t: get("service=other"),
    "no scope": lambda t: get("scope=nonsense"),
    "bad credentials": lambda t: get("", "Authorization: Basic !!!!"),
    "two credentials": lambda t: get("", "Authorization: a", "Authorization: b"),
    "refused": lambda t: get("", f"Authorization: {basic('JWT', t[:-8])}"),
    "no form": lambda t: post("{}", "application/json"),
    "no grant": lambda t: post("grant_type=x"),
    "a form with a charset": lambda t: post(
        f"grant_type=refresh_token&refresh_token={t}", f"{FORM}; charset=utf-8"
    ),
}
VARY = ("token", "access_token", "issued_at")


@pytest.mark.parametrize("what", CASES)
def test_both_ways_answer_alike(service: Service, issuer: Issuer, what: str):
    data = CASES[what](issuer.token())
    assert quick.read(data) is not None
    plain, other = answers(service, data), answers(service, data[:30], data[30:])
    assert plain[0] == other[0]
    assert {*plain[1]} == {*other[1]}
    for name in {*plain[1]} - {"date", "content-length"}:
        assert plain[1][name] == other[1][name]
    said = [json.loads(body) for _, _, body in (plain, other)]
    for each in said:
        for name in VARY:
            assert bool(each.pop(name, "")) == (plain[0] == 200)
    assert said[0] == said[1]


def test_a_connection_goes_both_ways_one_after_the_other(service: Service):
    """Requests in one piece, in two pieces, and a probe: all are answered in order."""
    plain = get(f"service={SERVICE}&scope=repository:public/a:pull")
    probe = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), BUSY_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def answer() -> bytes:
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.read()

        connection.sendall(plain)
        assert b'"token"' in answer()
        connection.sendall(plain[:20])
        time.sleep(0.1)
        connection.sendall(plain[20:])
        assert b'"token"' in answer()
        connection.sendall(plain)
        assert b'"token"' in answer()
        connection.sendall(probe)
        assert answer() == b"alive\n"
        connection.sendall(plain)
        assert b'"token"' in answer()


def test_what_comes_behind_a_plain_one_has_its_turn(service: Service):
    """A client sends many requests before the first answer: all get theirs in order."""
    plain = get(f"service={SERVICE}&scope=repository:public/a:pull")
    probe = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), BUSY_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(20):
            connection.sendall(plain)
        connection.sendall(probe)
        got = b""
        while chunk := connection.recv(65536):
            got += chunk
    assert got.count(b"HTTP/1.1 200 ") == 21
    assert got.endswith(b"alive\n")


def test_a_body_of_another_length_is_not():
    whole = post("grant_type=x")
    for data in (whole + b"y", whole[:-1], whole + get("")):
        assert quick.read(data) is None


def test_a_body_with_two_lengths_is_not():
    """The body fits both lengths; the fast parser once looked at only one of them."""
    chunked = "Transfer-Encoding: chunked\r\nContent-Length"
    whole = post("0\r\n\r\n").decode()
    assert quick.read(whole.encode()) is not None
    assert quick.read(whole.replace("Content-Length", chunked).encode()) is None


def test_a_request_to_two_hosts_is_not():
    for more in ("Host: y\r\n", "HOST: x\r\n"):
        assert quick.read((START + more + "\r\n").encode()) is None
    assert quick.read(b"GET /token HTTP/1.1\r\nX: y\r\n\r\n") is None


@pytest.mark.slow
def test_what_comes_while_a_plain_one_waits_has_its_turn(
    start: Start, issuer: Issuer, tmp_path: Path
):
    """The first request waits for a silent issuer; the probe after it is not lost."""
    probe = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    with dead_issuer.serving("silent") as bad:
        service = start(
            *("--issuer", bad.url, "--audience", SERVICE, "--allow"),
            *("team/app:pull repository_id=17", "--keys", str(tmp_path / "keys")),
        )
        shown = basic("JWT", issuer.token(iss=bad.url))
        plain = get(f"service={SERVICE}", f"Authorization: {shown}")
        with socket.create_connection(
            ("127.0.0.1", service.port), BUSY_S
        ) as connection:
            connection.sendall(plain)
            time.sleep(0.5)
            connection.sendall(probe[:20])
            time.sleep(0.5)
            connection.sendall(probe[20:])
            got = b""
            while chunk := connection.recv(65536):
                got += chunk
    assert got.startswith(b"HTTP/1.1 503 ")
    assert got.endswith(b"alive\n")
