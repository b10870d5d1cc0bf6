"""AWS Sign-In renews keys only for a client that has the login's private key."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from dockcred.testing.sandbox.aws.principals import ACCOUNT, Role
from dockcred.testing.sandbox.aws.signin import CLIENT

URL = "https://eu-west-1.signin.aws.amazon.com/v1/token"


@pytest.fixture
def login(cloud):
    return cloud.aws.signin.start(Role(ACCOUNT, "person"), is_over=False)


def _renew(http, login, *, key=None, method="POST", url=URL, client=CLIENT, token=""):
    claims = {"htm": method, "htu": url}
    proof = jwt.encode(claims, key or login.key, algorithm="ES256")
    body = {
        "clientId": client,
        "grantType": "refresh_token",
        "refreshToken": token or login.refresh_token,
    }
    headers = {"Content-Type": "application/json", "DPoP": proof}
    return http("POST", "/v1/token", headers, json.dumps(body))


def test_the_logins_own_key_renews_it(http, login):
    answer = _renew(http, login)
    assert answer.status == 200
    assert json.loads(answer.body)["accessToken"]["accessKeyId"].startswith("ASIA")


@pytest.mark.parametrize(
    "change",
    [
        {"key": ec.generate_private_key(ec.SECP256R1())},
        {"method": "GET"},
        {"url": "https://evil.example/"},
        {"client": "another"},
        {"token": "another"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_does_not_fit_the_login_is_refused(http, login, change):
    assert _renew(http, login, **change).status == 400


def test_a_login_that_is_over_says_so(http, cloud):
    over = cloud.aws.signin.start(Role(ACCOUNT, "person"), is_over=True)
    answer = _renew(http, over)
    assert answer.status == 400
    assert json.loads(answer.body)["error"] == "TOKEN_EXPIRED"
