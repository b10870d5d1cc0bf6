"""A request is limited and verified, whatever a hostile or broken server does."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from support.program import BUSY_S

from dockcred.errors import DockcredError, InvalidInputError, TransportError
from dockcred.system.environment import Environment
from dockcred.transport.http import NEVER, request
from dockcred.transport.response import MAX_BODY_BYTES
from dockcred.transport.target import Target

SECRET = "hunter2"


class Scripted:
    """A server on the loopback that answers every request with the same bytes."""

    def __init__(self, answer: bytes, pause_s: float = 0.0):
        self.heard: list[bytes] = []
        self._answer = answer
        self._pause_s = pause_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self.heard.append(connection.recv(65536))
                if self._pause_s:
                    self._drip(connection)
                    continue
                try:
                    connection.sendall(self._answer)
                except OSError:
                    continue

    def _drip(self, connection):
        for byte in self._answer:
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return
            time.sleep(self._pause_s)

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def server():
    """Start servers that end with the test."""
    running = []

    def start(answer: bytes, pause_s: float = 0.0) -> Scripted:
        running.append(Scripted(answer, pause_s))
        return running[-1]

    yield start
    for one in running:
        one.close()


def _ask(url: str, timeout_s: float = BUSY_S, **variables: str):
    """Send one request, without retries; test_attempts tests those."""
    return request(
        "GET",
        url,
        Environment(variables),
        headers={"authorization": SECRET},
        timeout_s=timeout_s,
        repeated=NEVER,
    )


UNDERSTOOD = {
    "a length": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "no length": (b"HTTP/1.1 200 OK\r\n\r\nhi", b"hi"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nhi", b"hi"),
    "chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1;x=y\r\ni\r\n0\r\n\r\n",
        b"hi",
    ),
    "a word before": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"hi",
    ),
    "more than it said": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi there",
        b"hi",
    ),
}


@pytest.mark.parametrize("answer, body", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_an_answer_is_understood_with(answer, body, server):
    assert _ask(server(answer).url).body == body


HOSTILE = {
    "nothing": b"",
    "noise": bytes(range(256)),
    "another protocol": b"SSH-2.0-OpenSSH\r\n\r\n",
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "a head of 1 MB": b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200_000 + b"\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nhi",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nhi",
    "a length of 100 MB": b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n",
    "a length of 2 MiB": b"HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n"
    + b"x" * 2097152,
    "an endless body": b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (3 * MAX_BODY_BYTES),
    "an endless chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffff\r\n",
    "a negative chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhi",
    "a chunk that is none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "many chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    + (b"ffff\r\n" + b"x" * 65535 + b"\r\n") * 40,
    "a chunk cut off": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi",
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_an_answer_is_refused_with(answer, server):
    """The error has cause and remedy; there is no crash, and no part is used."""
    with pytest.raises(TransportError) as told:
        _ask(server(answer).url)
    assert told.value.remedy
    assert SECRET not in str(told.value)


def test_a_server_that_drips_does_not_stretch_the_time(server):
    """The timeout is for the whole exchange, not for each part of it."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + b"x" * 200
    with pytest.raises(TransportError, match=r"did not answer within 0\.5 s"):
        _ask(server(answer, 0.02).url, 0.5)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status, server):
    """Nothing is sent to another host."""
    elsewhere = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    head = f"HTTP/1.1 {status} X\r\nLocation: {elsewhere.url}/\r\n"
    answer = _ask(server(f"{head}Content-Length: 0\r\n\r\n".encode()).url)
    assert answer.status == status
    assert elsewhere.heard == []


@pytest.mark.parametrize("road", ["direct", "sdk"])
def test_neither_road_follows_a_redirect(road, ecr, cloud, server):
    """The signed request goes to no other host."""
    elsewhere = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    head = f"HTTP/1.1 307 X\r\nLocation: {elsewhere.url}/\r\n"
    redirecting = server(f"{head}Content-Length: 0\r\n\r\n".encode())
    environment = cloud.environment() | {
        "AWS_ENDPOINT_URL_ECR": redirecting.url,
        "DOCKCRED_ROAD": road,
    }
    assert ecr.get(environment).said
    assert redirecting.heard
    assert elsewhere.heard == []


@pytest.mark.parametrize(
    "url",
    [
        "http://ecr.example.com/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "http://localhost.example.com/",
        "http://169.254.169.254.example.com/",
        "http://128.0.0.1/",
        "ftp://127.0.0.1/",
        "https://user:pw@ecr.example.com/",
        "https:///path",
        "//host/",
        "https://host:port/",
    ],
)
def test_a_secret_is_not_sent_in_clear_or_to_nowhere(url):
    with pytest.raises(InvalidInputError):
        Target(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/",
        "http://localhost/",
        "http://[::1]:8080/",
        "http://169.254.169.254/latest",
        "http://169.254.170.2/v2",
        "http://[fd00:ec2::254]/latest",
        "https://ecr.example.com/",
    ],
)
def test_plain_http_is_for_this_machine_and_its_metadata(url):
    assert Target(url).tls == url.startswith("https")


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\nb", "a\rb"])
def test_a_header_cannot_become_two(value, server):
    there = server(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(InvalidInputError):
        request("GET", there.url, Environment({}), headers={"authorization": value})


def test_this_machine_and_metadata_are_never_reached_through_a_proxy(server):
    """A token for the metadata service must not leave the machine."""
    proxy = server(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")
    there = server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    names = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY")
    assert _ask(there.url, **dict.fromkeys(names, proxy.url)).body == b"hi"
    with pytest.raises(DockcredError):
        _ask(there.url.replace("http:", "https:"), HTTPS_PROXY=proxy.url)
    assert proxy.heard == []


def test_a_name_the_certificate_does_not_hold_is_refused(ecr, cloud):
    cloud.fail("ecr:wrong-certificate")
    for road in ("direct", "sdk"):
        said = ecr.get(cloud.environment() | {"DOCKCRED_ROAD": road}).said
        assert "certificate" in said
    assert cloud.calls["ecr:GetAuthorizationToken"] == 0


@pytest.mark.parametrize(
    "variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]
)
@pytest.mark.parametrize("road", ["direct", "sdk"])
def test_each_variable_of_roots_is_enough_by_itself(road, variable, ecr, cloud):
    environment = cloud.environment() | {"DOCKCRED_ROAD": road}
    roots = environment["SSL_CERT_FILE"]
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        environment.pop(name)
    assert "certificate" in ecr.get(environment).said
    assert cloud.minted(ecr.get(environment | {variable: roots}).password)
