"""The fields of our request to an OAuth provider, and our reading of its answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from support.token_service import Reply, Service

from dockcred.commands.token_service.upstream import OAuthProvider
from dockcred.errors import InvalidInputError
from dockcred.system.environment import Environment

from .conftest import Start

SCOPES = ("repository:team/app:pull,push", "repository:team/base:pull")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GOOD = {"access_token": "a.b.c", "expires_in": 120, "id_token": "d.e.f"}


class FakeProvider:
    """Records the forms it gets, and answers as the test sets."""

    def __init__(self) -> None:
        self.forms: list[dict[str, list[str]]] = []
        self.status = 200
        self.body: bytes = json.dumps(GOOD).encode()
        self.url = ""

    def says(self, body: object, status: int = 200) -> None:
        self.status, self.body = status, json.dumps(body).encode()


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    provider = FakeProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["content-length"])).decode()
            provider.forms.append(parse_qs(text))
            self.send_response(provider.status)
            self.send_header("Location", f"{provider.url}/elsewhere")
            self.send_header("Content-Length", str(len(provider.body)))
            self.end_headers()
            self.wfile.write(provider.body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.url = f"http://127.0.0.1:{server.server_port}/token"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield provider
        server.shutdown()
        thread.join()


@pytest.fixture
def service(provider: FakeProvider, start: Start) -> Service:
    return start(env=variables(provider))


def variables(provider: FakeProvider, **more: str) -> dict[str, str]:
    found = {"TOKEN_URL": provider.url, "CLIENT_ID": "registry", "SCOPE": "more"}
    return found | {"PASS_JWT_USERNAME": "JWT"} | more


def form(**fields: str) -> dict[str, list[str]]:
    said = {"client_id": "registry", "grant_type": "client_credentials"}
    said |= {"scope": " ".join((*SCOPES, "more"))} | fields
    return {name: [value] for name, value in said.items()}


def test_a_name_and_a_password_go_up_as_they_are(service, provider: FakeProvider):
    reply = service.get(*SCOPES, username="robot", token="s3cr+t&=%")
    assert reply.status == 200
    assert provider.forms == [form(username="robot", password="s3cr+t&=%")]
    assert "s3cr" not in b"".join(service.raw).decode()


def test_the_agreed_name_means_an_assertion(service, provider: FakeProvider):
    fields = {"client_assertion_type": ASSERTION, "client_assertion": "x.y.z"}
    service.get(*SCOPES, username="JWT", token="x.y.z")
    service.post(*SCOPES, grant_type="password", username="JWT", password="x.y.z")
    service.post(*SCOPES, grant_type="refresh_token", refresh_token="x.y.z")
    assert provider.forms == [form(**fields)] * 3


def test_the_reply_is_the_providers_token_under_both_names(service):
    found = service.get(*SCOPES, token="x").json()
    assert found["token"] == found["access_token"] == "a.b.c"
    assert (found["id_token"], found["expires_in"]) == ("d.e.f", 120)
    assert "refresh_token" not in service.get(offline_token="true", token="x").json()


@pytest.mark.parametrize("life", [None, "soon", -1, 0, True, 1.5])
def test_a_life_that_is_not_said_is_a_minute(service, provider, life: object):
    provider.says(GOOD | {"expires_in": life})
    assert service.get(token="x").json()["expires_in"] == 60


ANSWERS = {
    "refused": (401, {"error": "invalid_client"}, 401),
    "refused, as OAuth has it": (400, {"error": "invalid_grant"}, 401),
    "forbidden": (403, {"error": "access_denied"}, 401),
    "failed": (500, {"error": "traceback of the provider"}, 503),
    "sent elsewhere": (302, GOOD, 503),
    "sent elsewhere, with its form": (307, GOOD, 503),
    "no token": (200, {}, 503),
    "empty token": (200, {"access_token": ""}, 503),
    "odd token": (200, {"access_token": ["x"]}, 503),
    "a list": (200, [], 503),
    "a text": (200, "access_token", 503),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_what_it_says_of_a_refusal_goes_no_further(service, provider, what: str):
    status, body, expected = ANSWERS[what]
    provider.says(body, status)
    reply: Reply = service.get(*SCOPES, token="x")
    assert reply.status == expected
    assert "token" not in reply.json()
    assert b"traceback" not in reply.body
    assert len(provider.forms) == 1
    assert service.said(event="refused", status=expected)


def test_no_json_is_no_crash(service, provider: FakeProvider):
    provider.body = b"[" * 100_000
    assert service.get(token="x").status == 503
    assert service.is_alive()


def test_a_provider_that_is_away(start: Start):
    service = start(env={"TOKEN_URL": "http://127.0.0.1:9/", "CLIENT_ID": "r"})
    reply = service.get(token="x")
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")


def test_strangers_are_who_the_variables_say(provider: FakeProvider, start: Start):
    more = {"ANON_USERNAME": "guest", "ANON_PASSWORD": "guest's"}
    service = start(env=variables(provider, **more))
    assert service.get(*SCOPES).status == 200
    assert provider.forms == [form(username="guest", password="guest's")]


def test_strangers_are_nobody_otherwise(service, provider: FakeProvider):
    for reply in (service.get(*SCOPES), service.get(username="", token="")):
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")
    assert provider.forms == []


def test_strangers_in_a_pod_without_a_token(provider: FakeProvider, start: Start):
    service = start(env=variables(provider, ANON_KUBE_JWT="1"))
    assert service.get(*SCOPES).status == 503
    assert provider.forms == []


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"TOKEN_URL": "http://auth.example.com/token", "CLIENT_ID": "r"},
        {"TOKEN_URL": "https://u:p@auth.example.com/token", "CLIENT_ID": "r"},
        {"TOKEN_URL": "https://auth.example.com/token"},
    ],
    ids=str,
)
def test_variables_that_are_not_enough_are_told(variables: dict[str, str]):
    with pytest.raises(InvalidInputError):
        OAuthProvider.of(Environment(variables))


def test_a_password_does_not_print_itself():
    values = {"TOKEN_URL": "https://a.example/t", "CLIENT_ID": "r"}
    made = OAuthProvider.of(Environment(values | {"ANON_PASSWORD": "hidden"}))
    assert "hidden" not in repr(made)
