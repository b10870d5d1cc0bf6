"""Each kind of failure happens at the ordered service, as often as was ordered."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from http.client import HTTPException, IncompleteRead
from urllib.parse import urlsplit

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.failures import KINDS, PATTERNS, REFUSALS, parse
from dockcred.testing.sandbox.service import Refusal

NAMES = {
    "access-denied": "AccessDeniedException",
    "throttle": "ThrottlingException",
    "server-error": "ServerException",
    "expired-token": "ExpiredTokenException",
    "unknown-account": "InvalidParameterException",
    "clock-skew": "InvalidSignatureException",
}


@pytest.fixture
def mint(cloud, http, signed):
    keys = cloud.environment("env-keys")
    return lambda: http("POST", headers=signed(keys), body="{}")


@pytest.mark.parametrize(("kind", "name"), NAMES.items())
def test_ecr_fails_in_its_own_words(mint, cloud, kind, name):
    cloud.fail(f"ecr:{kind}")
    answer = mint()
    assert answer.json["__type"] == name
    assert answer.status == (500 if kind == "server-error" else 400)


def test_boto3_reads_the_failure(boto3, cloud):
    cloud.fail("ecr:AccessDenied")
    done = boto3(cloud.environment("env-keys"))
    assert "(AccessDeniedException)" in done.stderr


def test_boto3_outlives_a_passing_throttle(boto3, cloud):
    cloud.fail("ecr:throttle:1")
    assert boto3(cloud.environment("env-keys")).returncode == 0
    assert cloud.calls["ecr:GetAuthorizationToken"] == 2
    assert cloud.calls["ecr:refused"] == 1


def test_a_failure_ordered_so_many_times_is_over_then(mint, cloud):
    cloud.aws.fail("throttle:2")
    assert [mint().status for _ in range(4)] == [400, 400, 200, 200]


def test_a_failure_of_one_service_leaves_the_others(mint, http, cloud):
    cloud.fail("imds:access-denied")
    assert mint().status == 200
    assert http("GET", "/latest/meta-data/instance-id").status == 403


def test_a_failure_of_no_service_is_of_all(mint, http, cloud):
    cloud.fail("server-error")
    assert mint().status == 500
    assert http("GET", "/federation/credentials").status == 500
    assert http("GET", "/v1/credentials").status == 500
    cloud.recover()
    assert mint().status == 200


@pytest.mark.parametrize("kind", REFUSALS)
def test_every_service_can_say_every_no(cloud, kind):
    for service in cloud.aws.services:
        answer = service.refuse(Refusal(REFUSALS[kind], "why"))
        assert answer.status >= 400
        assert b"why" in answer.body


def test_garbage_is_no_http(mint, cloud):
    cloud.fail("garbage")
    with pytest.raises(HTTPException):
        mint()


def test_a_garbage_body_is_no_json(mint, cloud):
    cloud.fail("garbage-body")
    answer = mint()
    assert answer.status == 200
    with pytest.raises(ValueError, match=r"decode|JSON|Expecting"):
        json.loads(answer.body)


def test_half_an_answer_ends_before_its_length(mint, cloud):
    cloud.fail("half")
    with pytest.raises(IncompleteRead) as stopped:
        mint()
    assert len(stopped.value.partial) > 1000


def test_a_huge_answer_is_100_megabytes(cloud):
    cloud.fail("imds:huge")
    address = ("127.0.0.1", urlsplit(cloud.url).port)
    with socket.create_connection(address, timeout=BUSY_S) as client:
        client.sendall(b"GET /latest/meta-data/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"Content-Length: 104857600" in client.recv(1 << 16)
        read = 0
        while read < 5 << 20:
            read += len(client.recv(1 << 16))


def test_a_hanging_service_never_answers_and_ends_with_the_sandbox():
    with Sandbox(fail=["imds:hang"]) as cloud:
        address = ("127.0.0.1", urlsplit(cloud.url).port)
        client = socket.create_connection(address, timeout=0.3)
        client.sendall(b"GET /latest/meta-data/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            client.recv(1)
        started = time.monotonic()
    assert time.monotonic() - started < BUSY_S
    client.close()


@pytest.mark.parametrize(
    ("path", "slow"),
    [
        ("/federation/credentials", {"latency_ms": 600_000}),
        ("/latest/x", {"metadata_latency_ms": 600_000}),
    ],
)
def test_latency_is_of_the_services_or_of_the_metadata(path, slow):
    paths = {"/federation/credentials", "/latest/x"}
    with Sandbox(**slow) as cloud:
        with pytest.raises(TimeoutError):
            answer(cloud, path, 0.3)
        assert answer(cloud, *paths - {path}, BUSY_S)


def answer(cloud, path, within_s):
    address = ("127.0.0.1", urlsplit(cloud.url).port)
    with socket.create_connection(address, within_s) as client:
        client.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        return client.recv(1)


def test_the_proxy_refuses_when_told(boto3, tls_cloud):
    environment = tls_cloud.environment("env-keys") | {"AWS_MAX_ATTEMPTS": "1"}
    tls_cloud.fail("ecr:refuse")
    done = boto3(environment)
    assert "ProxyConnectionError" in done.stderr
    assert tls_cloud.calls == {"proxy:CONNECT": 1}


def test_boto3_rejects_a_certificate_for_another_name(boto3, tls_cloud):
    environment = tls_cloud.environment("env-keys") | {"AWS_MAX_ATTEMPTS": "1"}
    tls_cloud.fail("wrong-certificate")
    done = boto3(environment)
    assert "doesn't match 'wrong-certificate.invalid'" in done.stderr
    assert tls_cloud.calls["ecr:GetAuthorizationToken"] == 0


def tunnel(cloud, host):
    """Send CONNECT and return the socket and the proxy's answer."""
    client = socket.create_connection(("127.0.0.1", urlsplit(cloud.url).port), BUSY_S)
    client.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    return client, client.recv(4096)


def test_the_proxy_connects_to_the_clouds_hosts_only(tls_cloud):
    client, answer = tunnel(tls_cloud, "api.ecr.eu-west-1.amazonaws.com.evil.example")
    client.close()
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert tls_cloud.calls["proxy:refused"] == 1


def test_a_tunnel_serves_its_own_host_only(tls_cloud):
    host = "sts.eu-west-1.amazonaws.com"
    client, _ = tunnel(tls_cloud, host)
    context = ssl.create_default_context(cafile=str(tls_cloud.ca_file))
    with client, context.wrap_socket(client, server_hostname=host) as secure:
        secure.sendall(b"GET / HTTP/1.1\r\nHost: portal.sso.x.amazonaws.com\r\n\r\n")
        assert secure.recv(4096).startswith(b"HTTP/1.1 421 ")


def test_a_client_that_does_not_trust_the_authority_gets_nowhere(tls_cloud):
    host = "sts.eu-west-1.amazonaws.com"
    client, _ = tunnel(tls_cloud, host)
    context = ssl.create_default_context()
    with client, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(client, server_hostname=host)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_ordered(kind):
    assert (parse(kind).service, parse(f"sso-oidc:{kind}:3").remaining) == (None, 3)


@pytest.mark.parametrize("what", PATTERNS)
def test_every_pattern_can_be_ordered(what):
    text = what.replace("NNN", "503").replace("Code", "IDPCommunicationError")
    found = parse(f"sts:{text}:3")
    assert (found.service, found.kind, found.remaining) == ("sts", what, 3)
    assert parse(f"sts:{text}").remaining is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("slow", 1.5), ("slow=0.2", 0.2), ("imds:late=3", 3), ("late", 20)],
)
def test_an_order_may_say_how_long_it_takes(text, seconds):
    assert parse(text).seconds == seconds


@pytest.mark.parametrize("kind", ["closed", "reset", "late"])
def test_a_broken_connection_is_no_answer(mint, cloud, kind):
    cloud.fail(f"ecr:{kind}")
    with pytest.raises(ConnectionError):
        mint()


def test_a_reset_is_no_orderly_end(cloud):
    """The client gets ECONNRESET, not the end of the stream."""
    cloud.fail("reset")
    with socket.create_connection(
        ("127.0.0.1", urlsplit(cloud.url).port), BUSY_S
    ) as client:
        client.sendall(
            b"GET /federation/credentials HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        )
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_who_is_late_is_there_in_time(mint, cloud, monkeypatch):
    cloud.fail("ecr:late=600")
    with pytest.raises(ConnectionError):
        mint()
    monkeypatch.setattr(cloud.failures._failures[0], "ordered_at", -600)
    assert mint().status == 200


def test_who_is_slow_answers(mint, cloud):
    cloud.fail("ecr:slow=0.3:1")
    started = time.monotonic()
    assert mint().status == 200
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("status", [403, 404, 429, 500, 503])
def test_a_status_is_answered_as_ordered(mint, cloud, status):
    """The body is the service's own error if it has one for the status, else HTML."""
    cloud.fail(f"ecr:{status}:1")
    answer = mint()
    own = {
        429: b"ThrottlingException",
        500: b"ServerException",
        503: b"ServerException",
    }
    assert answer.status == status
    assert own.get(status, b"<html>") in answer.body
    cloud.fail(f"ecr:{status}-json:1")
    answer = mint()
    assert (answer.status, answer.json) == (status, {"message": "not this one"})
    assert mint().status == 200


def test_boto3_reads_the_code_that_was_ordered(boto3, cloud):
    cloud.fail("sts:IDPCommunicationError")
    environment = cloud.environment("web-identity") | {"AWS_MAX_ATTEMPTS": "1"}
    assert "(IDPCommunicationError)" in boto3(environment).stderr


@pytest.mark.parametrize("kind", ["proxy-busy", "proxy-page", "no-tls"])
def test_boto3_gets_no_tunnel(boto3, tls_cloud, kind):
    environment = tls_cloud.environment("env-keys") | {"AWS_MAX_ATTEMPTS": "1"}
    tls_cloud.fail(f"ecr:{kind}")
    done = boto3(environment)
    assert re.search("ProxyConnectionError|SSLError|ConnectionClosedError", done.stderr)
    assert tls_cloud.calls == {"proxy:CONNECT": 1}


def test_silence_neither_takes_nor_refuses_a_connection(cloud):
    host, _, port = cloud.silent().partition(":")
    with pytest.raises(TimeoutError):
        socket.create_connection((host, int(port)), timeout=0.3)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "a:b:throttle",
        "throttle:x",
        ":",
        "slow=x",
        "half=2",
        "ecr:99",
        "a:b:503:1",
    ],
)
def test_what_is_no_failure_is_refused_with_the_list(text):
    with pytest.raises(ValueError, match="access-denied"):
        parse(text)
