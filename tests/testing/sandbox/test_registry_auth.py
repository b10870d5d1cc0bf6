"""A registry can ask the sandbox whether a password is one of its own."""

from __future__ import annotations

import base64
import json

import pytest

from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def token(cloud, http, signed):
    answer = http("POST", headers=signed(cloud.environment("env-keys")), body="{}")
    return answer.json["authorizationData"][0]["authorizationToken"]


@pytest.fixture
def ask(http):
    def send(token, host):
        headers = {"Authorization": f"Basic {token}", "X-Registry-Host": host}
        return http("GET", "/registry-auth", headers)

    return send


@pytest.mark.parametrize(
    "host",
    [
        HOST,
        HOST.upper(),
        f"{HOST}:443",
        "123456789012.dkr-ecr.eu-west-1.on.aws",
        "123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com",
    ],
)
def test_the_registry_it_was_minted_for_lets_the_password_in(ask, token, host):
    assert ask(token, host).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "210987654321.dkr.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "public.ecr.aws",
        f"x.{HOST}",
    ],
)
def test_another_registry_does_not(ask, token, host):
    answer = ask(token, host)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_what_was_not_minted_here_is_refused(ask, token, http):
    password = base64.b64decode(token).partition(b":")[2]
    for pair in (b"AWS:nonsense", b"aws:" + password, password, b"", b"AWS"):
        assert ask(base64.b64encode(pair).decode(), HOST).status == 401
    for header in ("", "Basic", "Basic !", "Bearer x"):
        headers = {"Authorization": header, "X-Registry-Host": HOST}
        assert http("GET", "/registry-auth", headers).status == 401


def test_a_password_ends(ask, token, cloud, monkeypatch):
    minted = cloud.minted(base64.b64decode(token).decode().partition(":")[2])
    monkeypatch.setattr("time.time", lambda: minted.expires_at + 1)
    assert ask(token, HOST).status == 401


def test_asking_the_sandbox_itself_counts_nothing(ask, token, http, cloud):
    ask(token, HOST)
    counts = http("GET", "/counts").body
    assert json.loads(counts) == cloud.calls == {"ecr:GetAuthorizationToken": 1}


def test_nothing_of_another_sandbox_is_known(token):
    password = base64.b64decode(token).decode().partition(":")[2]
    with Sandbox() as other:
        assert other.minted(password) is None
