"""Malformed requests, down to the bytes of HTTP."""

from __future__ import annotations

import socket
from base64 import b64encode
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.oidc_issuer import Issuer
from support.program import BUSY_S
from support.token_service import SERVICE, Service, basic

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SCOPES = {
    "no name": "repository",
    "no action": "repository:team/app",
    "empty name": "repository::pull",
    "upper case": "repository:Team/App:pull",
    "dots": "repository:team/../app:pull",
    "leading slash": "repository:/team/app:pull",
    "trailing slash": "repository:team/app/:pull",
    "two ports": "repository:host:1:2/app:pull",
    "port of letters": "repository:host:port/app:pull",
    "wildcard": "repository:team/*:pull",
    "action of digits": "repository:team/app:pull,9",
    "action with space": "repository:team/app:pull,\tpush",
    "nul": "repository:team/app\0:pull",
    "line": "repository:team/app\r\nX:pull",
    "not ASCII": "repository:téam/app:pull",
    "giant": f"repository:{'a' * 600}:pull",
    "bell": "\a:team/app:pull",
}


def refused(reply, status: int, reason: str) -> None:
    assert (reply.status, "token" in reply.json()) == (status, False), reply.body
    assert reason in reply.json()["error_description"]


@pytest.mark.parametrize("what", SCOPES)
def test_a_scope_that_is_none(service: Service, issuer: Issuer, what: str):
    refused(service.get(SCOPES[what], token=issuer.token()), 400, "scope")
    refused(service.get("repository:team/app:pull", SCOPES[what]), 400, "scope")


def test_too_many_scopes(service: Service, issuer: Issuer):
    scopes = [f"repository:team/app{n}:pull" for n in range(65)]
    refused(service.get(*scopes, token=issuer.token()), 400, "too many")
    refused(service.get(" ".join(scopes), token=issuer.token()), 400, "too many")
    reply = service.get(*scopes[:64], token=issuer.token())
    assert len(reply.access) == 64


def test_too_many_fields(service: Service):
    query = "&".join(f"x={n}" for n in range(200))
    refused(service.request("GET", f"/token?{query}"), 400, "too many")


def test_another_registrys_service(service: Service, issuer: Issuer):
    headers = {"Authorization": basic("JWT", issuer.token())}
    reply = service.request("GET", "/token?service=other.example.com", None, headers)
    refused(reply, 400, "another registry")


def test_a_service_named_twice(service: Service):
    reply = service.request("GET", f"/token?service={SERVICE}&service={SERVICE}")
    refused(reply, 400, "more than once")


@pytest.mark.parametrize("bad", ["%ff", "%C3%28"])
def test_fields_that_are_not_utf_8(service: Service, bad: str):
    refused(service.request("GET", f"/token?service={bad}"), 400, "UTF-8")


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("Bearer abc.def.ghi", 401),
        ("Basic", 401),
        ("Basic ====", 400),
        ("Basic !!!!", 400),
        ("Basic /w==", 400),  # 0xff, no UTF-8
        ("Basic Og==", 401),  # ":"
        ("Basic dXNlcg==", 401),  # "user", no colon
        ("Digest username=x", 401),
    ],
)
def test_credentials_that_are_none(service: Service, value: str, status: int):
    headers = {"Authorization": value}
    reply = service.request("GET", f"/token?service={SERVICE}", None, headers)
    refused(reply, status, "")


@pytest.mark.parametrize(
    ("grant", "status"),
    [
        ("", 400),
        ("grant_type=client_credentials", 400),
        ("grant_type=password", 401),
        ("grant_type=password&password=x&password=y", 400),
        ("grant_type=password&grant_type=refresh_token", 400),
        ("grant_type=refresh_token", 401),
    ],
)
def test_forms_that_grant_nothing(service: Service, grant: str, status: int):
    refused(service.request("POST", "/token", grant, FORM), status, "")


def test_a_body_that_is_no_form(service: Service):
    kind = {"Content-Type": "application/json"}
    refused(service.request("POST", "/token", "{}", kind), 415, "must be")
    refused(service.request("POST", "/token", "grant_type=password"), 415, "must be")


def test_a_giant_body(service: Service):
    body = b"x=" + b"y" * 100_000
    refused(service.request("POST", "/token", body, FORM), 413, "too long")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods(service: Service, method: str):
    assert service.request(method, "/token").status == 405


@pytest.mark.parametrize("path", ["/", "/token/", "/v2/", "//token", "/%2e%2e/token"])
def test_other_paths(service: Service, path: str):
    assert service.request("GET", path).status == 404


START = f"GET /token?service={SERVICE} HTTP/1.1\r\nHost: x\r\n"
POST = f"POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM['Content-Type']}\r\n"
INNER = f"{START}\r\n"  # a request that is hidden in a body
SMUGGLED = {
    "both lengths": f"{POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    f"0\r\n\r\n{INNER}",
    "both lengths, turned": f"{POST}Transfer-Encoding: chunked\r\nContent-Length: "
    f"{len(INNER)}\r\n\r\n0\r\n\r\n{INNER}",
    "both lengths, no form": f"{START}Content-Length: 5\r\nTransfer-Encoding: "
    f"chunked\r\n\r\n0\r\n\r\n{INNER}",
    "two lengths": f"{POST}Content-Length: 0\r\nContent-Length: {len(INNER)}\r\n\r\n"
    f"{INNER}",
    "a list of lengths": f"{POST}Content-Length: 0, {len(INNER)}\r\n\r\n{INNER}",
    "a signed length": f"{POST}Content-Length: +{len(INNER)}\r\n\r\n{INNER}",
    "a negative length": f"{POST}Content-Length: -1\r\n\r\n{INNER}",
    "a length with space": f"{POST}Content-Length : 5\r\n\r\n{INNER}",
    "unknown coding": f"{POST}Transfer-Encoding: xchunked\r\n\r\n{INNER}",
    "two codings": f"{POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n{INNER}",
    "coding with tab": f"{POST}Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n{INNER}",
    "bare CR": f"{START}X: a\rTransfer-Encoding: chunked\r\n\r\n{INNER}",
    "nul": f"{START}X: a\0b\r\n\r\n{INNER}",
    "bad chunk": f"{POST}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n{INNER}",
    "chunk with sign": f"{POST}Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n{INNER}",
    "name with space": f"{START}X Y: a\r\n\r\n{INNER}",
    "no host": f"GET /token HTTP/1.1\r\n\r\n{INNER}",
    "two hosts": f"{START}Host: y\r\n\r\n{INNER}",
    "no HTTP": f"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03{INNER}",
    "two authorizations": f"{START}Authorization: Basic Og==\r\n"
    f"Authorization: Basic Og==\r\n\r\n{INNER}",
    "endless head": f"{START}X: {'a' * 40_000}\r\n\r\n{INNER}",
    "endless headers": START + "X: a\r\n" * 8_000 + f"\r\n{INNER}",
}


@pytest.mark.parametrize("what", SMUGGLED)
def test_nothing_is_smuggled(service: Service, what: str):
    """One refusal, then the connection ends: the hidden request gets no answer."""
    sent = SMUGGLED[what].encode("latin-1")
    with socket.create_connection(("127.0.0.1", service.port), BUSY_S) as connection:
        try:
            connection.sendall(sent)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        except ConnectionResetError:
            pass
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 501")), (
            answer
        )
        assert answer.count(b"HTTP/1.1 ") == 1, answer
        assert b'"token"' not in answer
    assert service.is_alive()


def test_a_folded_line_is_no_header_of_its_own(service: Service):
    """Both requests are answered: the second is not taken for a body of the first."""
    sent = f"{START}X: a\r\n Transfer-Encoding: chunked\r\n\r\n{START}"
    with socket.create_connection(("127.0.0.1", service.port), BUSY_S) as connection:
        connection.sendall(f"{sent}Connection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.count(b"HTTP/1.1 200 ") == 2


PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)
VALUE = st.one_of(st.text(PRINTABLE, max_size=40), st.binary(max_size=40))


@settings(deadline=None, max_examples=200)
@given(
    st.sampled_from(["GET", "POST", "HEAD"]),
    st.lists(st.tuples(st.sampled_from(["scope", "service", "x"]), VALUE), max_size=4),
    st.none() | VALUE,
)
def test_no_nonsense_is_a_crash_or_a_grant(service: Service, method, fields, shown):
    """Random query, form and credentials never give more than anonymous access."""
    said = urlencode(fields)
    body = None if method != "POST" else f"grant_type=password&{said}".encode()
    headers = dict(FORM) if body else {}
    if shown is not None:
        text = shown if isinstance(shown, bytes) else shown.encode()
        headers["Authorization"] = f"Basic {b64encode(text).decode()}"
    reply = service.request(method, f"/token?{said}", body, headers)
    assert reply.status in {200, 400, 401, 413}
    if reply.status == 200 and method == "GET":
        assert shown is None
        assert all(access["name"].startswith("public/") for access in reply.access)
