"""A connection that is begun before its request is no less verified than another."""

from __future__ import annotations

import socket
import ssl

import pytest

from dockcred import spare_time
from dockcred.environment import Environment
from dockcred.errors import TransportError
from dockcred.testing.sandbox import Sandbox
from dockcred.transport import way
from dockcred.transport.http import greet, request


@pytest.fixture
def cloud(monkeypatch):
    monkeypatch.setattr(way, "_greeted", {})
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def url(cloud):
    return f"https://localhost:{cloud.listen('127.0.0.1', tls=True)}/"


def ask(url: str, variables: dict[str, str], **options):
    return request(
        "GET", url, Environment(variables), headers={}, timeout_s=5, **options
    )


def believing(cloud) -> dict[str, str]:
    return {"SSL_CERT_FILE": str(cloud.ca_file)}


def test_a_greeted_connection_serves_the_next_request(url, cloud, monkeypatch):
    opened = []
    open_one = way.Way._open
    monkeypatch.setattr(
        way.Way, "_open", lambda self: opened.append(self) or open_one(self)
    )
    greet(url, Environment(believing(cloud)))
    assert ask(url, believing(cloud)).status
    assert len(opened) == 1
    assert ask(url, believing(cloud)).status
    assert len(opened) == 2, "it serves one request"
    greet(url, Environment(believing(cloud)))
    assert len(opened) == 2, "too late to be of use"


def test_without_tls_nobody_is_greeted(cloud, monkeypatch):
    """A hello would be noise to who speaks plain HTTP."""
    monkeypatch.setattr(way.Way, "_open", lambda _: pytest.fail("it was opened"))
    greet(cloud.url, Environment({}))


def test_a_greeted_stranger_gets_no_request(url, cloud):
    """Its certificate is not believed: neither at the greeting nor after it."""
    greet(url, Environment({}))
    with pytest.raises(TransportError, match="certificate"):
        ask(url, {})
    assert not cloud.calls


def test_a_greeted_connection_that_was_closed_is_begun_anew(url, cloud):
    greet(url, Environment(believing(cloud)))
    (held,) = way._greeted.values()
    socket.socket.shutdown(held, socket.SHUT_RDWR)
    assert ask(url, believing(cloud)).status


def test_other_roots_are_tried_though_the_other_end_was_quick(url, cloud, monkeypatch):
    """Its certificate may be there, and refused, before hello has been said."""
    believing_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    right = ssl.create_default_context(cafile=cloud.ca_file)
    hello = way.Way._hello

    def answered_at_once(self, context):
        made = hello(self, context)
        try:
            return self._agreed(made)
        except ssl.SSLCertVerificationError:
            made.close()
            raise

    monkeypatch.setattr(way.Way, "_contexts", lambda _self: (believing_nobody, right))
    monkeypatch.setattr(way.Way, "_hello", answered_at_once)
    assert ask(url, {}).status


def test_headers_are_made_while_tls_is_agreed_upon(url, cloud, monkeypatch):
    """After our hello, and before the other end's is read."""
    told = []
    agreed = way.Way._agreed
    monkeypatch.setattr(
        way.Way,
        "_agreed",
        lambda self, made: told.append("agreed") or agreed(self, made),
    )

    def headers() -> dict[str, str]:
        told.append("signed")
        return {}

    request("GET", url, Environment(believing(cloud)), headers=headers)
    assert told == ["signed", "agreed"]


def test_a_host_that_cannot_be_greeted_is_no_failure_of_others(url, cloud):
    spare_time.clear()
    spare_time.put(lambda: greet("https://127.0.0.1:1/", Environment({})))
    spare_time.put(lambda: greet("http://stranger.example/", Environment({})))
    assert ask(url, believing(cloud)).status


def test_spare_time_ends_when_the_answer_is_there():
    done = []
    spare_time.clear()
    spare_time.put(*(lambda n=n: done.append(n) for n in range(3)))
    spare_time.spend(lambda: len(done) == 2)
    assert done == [0, 1]
    spare_time.clear()
    spare_time.spend(lambda: False)
    assert done == [0, 1]
