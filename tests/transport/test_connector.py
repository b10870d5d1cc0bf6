"""A connection that is opened before its request is verified like any other."""

from __future__ import annotations

import socket
import ssl

import pytest

from dockcred.errors import TransportError
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import Sandbox
from dockcred.transport import connection, idle
from dockcred.transport.http import preconnect, request


@pytest.fixture
def cloud(monkeypatch):
    monkeypatch.setattr(connection, "_greeted", {})
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
    open_one = connection.Connector._open
    monkeypatch.setattr(
        connection.Connector,
        "_open",
        lambda self: opened.append(self) or open_one(self),
    )
    preconnect(url, Environment(believing(cloud)))
    assert ask(url, believing(cloud)).status
    assert len(opened) == 1
    assert ask(url, believing(cloud)).status
    assert len(opened) == 2, "it serves one request"
    preconnect(url, Environment(believing(cloud)))
    assert len(opened) == 2, "too late to be of use"


def test_without_tls_nobody_is_greeted(cloud, monkeypatch):
    """A plain HTTP server would not understand TLS's ClientHello."""
    monkeypatch.setattr(
        connection.Connector, "_open", lambda _: pytest.fail("it was opened")
    )
    preconnect(cloud.url, Environment({}))


def test_a_greeted_stranger_gets_no_request(url, cloud):
    """The early connection's certificate is verified, and refused, like any other."""
    preconnect(url, Environment({}))
    with pytest.raises(TransportError, match="certificate"):
        ask(url, {})
    assert not cloud.calls


def test_a_greeted_connection_that_was_closed_is_begun_anew(url, cloud):
    preconnect(url, Environment(believing(cloud)))
    (held,) = connection._greeted.values()
    socket.socket.shutdown(held, socket.SHUT_RDWR)
    assert ask(url, believing(cloud)).status


def test_other_roots_are_tried_though_the_other_end_was_quick(url, cloud, monkeypatch):
    """The server's certificate may be refused while ClientHello is being sent."""
    believing_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    right = ssl.create_default_context(cafile=cloud.ca_file)
    hello = connection.Connector._hello

    def answered_at_once(self, context):
        made = hello(self, context)
        try:
            return self._finish_handshake(made)
        except ssl.SSLCertVerificationError:
            made.close()
            raise

    monkeypatch.setattr(
        connection.Connector, "_contexts", lambda _self: (believing_nobody, right)
    )
    monkeypatch.setattr(connection.Connector, "_hello", answered_at_once)
    assert ask(url, {}).status


def test_headers_are_made_while_tls_is_agreed_upon(url, cloud, monkeypatch):
    """They are made after our ClientHello, and before the server's answer is read."""
    told = []
    agreed = connection.Connector._finish_handshake
    monkeypatch.setattr(
        connection.Connector,
        "_finish_handshake",
        lambda self, made: told.append("agreed") or agreed(self, made),
    )

    def headers() -> dict[str, str]:
        told.append("signed")
        return {}

    request("GET", url, Environment(believing(cloud)), headers=headers)
    assert told == ["signed", "agreed"]


def test_a_host_that_cannot_be_greeted_is_no_failure_of_others(url, cloud):
    idle.clear()
    idle.defer(lambda: preconnect("https://127.0.0.1:1/", Environment({})))
    idle.defer(lambda: preconnect("http://stranger.example/", Environment({})))
    assert ask(url, believing(cloud)).status


def test_spare_time_ends_when_the_answer_is_there():
    done = []
    idle.clear()
    idle.defer(*(lambda n=n: done.append(n) for n in range(3)))
    idle.run(lambda: len(done) == 2)
    assert done == [0, 1]
    idle.clear()
    idle.run(lambda: False)
    assert done == [0, 1]
