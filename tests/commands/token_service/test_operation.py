"""Operation of the service: health, readiness, metrics, and a graceful end."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import time
from pathlib import Path

import pytest
from support.oidc_issuer import AUDIENCE, Issuer
from support.program import BUSY_S
from support.token_service import Service, basic

from .conftest import Start


@pytest.fixture
def options(issuer: Issuer, tmp_path: Path) -> tuple[str, ...]:
    rule = ("--allow", "team/app:pull repository_id=17")
    told = ("--issuer", issuer.url, "--audience", AUDIENCE, *rule)
    return (*told, "--keys", str(tmp_path / "keys"))


def test_it_is_alive_and_ready(service: Service):
    for path in ("/healthz", "/readyz"):
        assert service.request("GET", path).status == 200
        assert service.request("HEAD", path).body == b""


def test_it_is_not_ready_without_its_keys_and_says_so(
    start: Start, options, issuer: Issuer, tmp_path: Path
):
    service = start(*options)
    assert service.get(token=issuer.token()).status == 200
    roles = tmp_path / "keys/roles.json"
    kept = roles.rename(tmp_path / "kept")
    assert service.request("GET", "/readyz").status == 503
    assert service.request("GET", "/healthz").status == 200
    reply = service.get(token=issuer.token())
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert "there are no keys" in service.said(status=503)["told"]
    kept.rename(roles)
    assert service.request("GET", "/readyz").status == 200
    assert service.get(token=issuer.token()).status == 200


def test_metrics_count_and_name_nobody(start: Start, options, issuer: Issuer):
    service = start(*options)
    service.get(token=issuer.token())
    service.get(token=issuer.token(aud="other"))
    service.get("repository:Team:pull", token="x")
    text = service.request("GET", "/metrics").body.decode()
    for line in (
        'dockcred_token_requests_total{outcome="answered"} 1.0',
        'dockcred_token_requests_total{outcome="refused-401"} 1.0',
        'dockcred_token_requests_total{outcome="refused-400"} 1.0',
        "dockcred_token_request_seconds_count 3.0",
        'dockcred_issuer_fetches_total{issuer="issuer",outcome="fetched"} 1.0',
    ):
        assert f"{line}\n" in text
    labels = set(re.findall(r'(\w+)="', text))
    assert labels == {"outcome", "issuer", "le"}


def test_what_has_begun_is_finished_before_it_ends(
    start: Start, options, issuer: Issuer
):
    """A POST's body comes in two halves, and SIGTERM between them."""
    service = start(*options)
    body = f"grant_type=refresh_token&refresh_token={issuer.token()}".encode()
    with socket.create_connection(("127.0.0.1", service.port), BUSY_S) as connection:
        head = "POST /token HTTP/1.1\r\nHost: x\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:100])
        assert service.get_health() == 200  # now the first half has arrived
        service.process.send_signal(signal.SIGTERM)
        wait_until_deaf(service.port)
        connection.sendall(body[100:])
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 200
    assert service.process.wait(BUSY_S) == 0
    assert service.said(event="stopped")


def wait_until_deaf(port: int) -> None:
    give_up = time.monotonic() + BUSY_S
    while time.monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port), BUSY_S).close()
        except OSError:
            return
        time.sleep(0.02)
    raise AssertionError("it still listens")


def test_whom_a_proxy_speaks_for_is_logged_and_believed_in_nothing(
    service: Service, issuer: Issuer
):
    asked = "repository:team/forwarded:pull"
    headers = {
        "Authorization": basic("JWT", issuer.token()),
        "X-Forwarded-For": '192.0.2.7, "evil"\t' + "x" * 500,
    }
    path = f"/token?service=registry.example.com&scope={asked}"
    assert service.request("GET", path, None, headers).status == 200
    line = service.said(asked=[asked])
    assert line["peer"] == "127.0.0.1"
    assert line["forwarded_for"].startswith('192.0.2.7, "evil"')
    assert len(line["forwarded_for"]) == 300
