"""GitHub's API in the sandbox refuses what the real one refuses."""

from __future__ import annotations

import json
import time

import jwt
import pytest

from dockcred.testing.sandbox import rs256

AGENT = {"User-Agent": "tests"}


def bearer(token):
    return AGENT | {"Authorization": f"Bearer {token}"}


def assertion(cloud, private=None, algorithm="RS256", **change):
    now = int(time.time())
    good = {"iss": cloud.github.app, "iat": now - 60, "exp": now + 540}
    claims = {k: v for k, v in (good | change).items() if v is not None}
    return jwt.encode(claims, private or cloud.github.app_key, algorithm)


def ask(http, token, body="", installation="87654321"):
    path = f"/app/installations/{installation}/access_tokens"
    return http("POST", path, bearer(token), body)


@pytest.mark.parametrize("level", ["", "read", "write"])
def test_a_good_assertion_gets_a_token_with_what_it_asks_for(level, cloud, http):
    body = json.dumps({"permissions": {"packages": level}}) if level else ""
    answer = ask(http, assertion(cloud), body)
    assert answer.status == 201
    assert answer.json["permissions"] == {"packages": level or "write"}
    held = cloud.github.tokens.find(answer.json["token"], time.time())
    assert held.opens_packages


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "999"},
        {"iss": None},
        {"iat": 600},
        {"iat": None},
        {"exp": -1},
        {"exp": 3600},
        {"exp": None},
    ],
)
def test_an_assertion_that_does_not_fit_is_refused(change, cloud, http):
    """Times are seconds from now."""
    times = {n: int(time.time()) + v for n, v in change.items() if isinstance(v, int)}
    answer = ask(http, assertion(cloud, **(change | times)))
    assert answer.status == 401
    assert cloud.calls["github:refused"] == 1


def test_an_assertion_signed_otherwise_is_refused(cloud, http):
    assert ask(http, assertion(cloud, private=rs256.new_key())).status == 401
    assert (
        ask(http, assertion(cloud, private="x" * 32, algorithm="HS256")).status == 401
    )


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "ghp_000"])
def test_what_is_no_assertion_is_refused(token, http):
    assert ask(http, token).status == 401


def test_another_installation_is_not_found(cloud, http):
    assert ask(http, assertion(cloud), installation="1").status == 404


@pytest.mark.parametrize(
    ("granted", "asked", "status"),
    [("read", "write", 422), ("", "read", 422), ("write", "admin", 422)],
)
def test_a_permission_beyond_the_apps_is_refused(granted, asked, status, cloud, http):
    cloud.github.app_packages = granted
    body = json.dumps({"permissions": {"packages": asked}})
    assert ask(http, assertion(cloud), body).status == status


def test_a_body_that_is_not_json_is_refused(cloud, http):
    assert ask(http, assertion(cloud), "{").status == 422


@pytest.mark.parametrize("path", ["/user", "/rate_limit"])
def test_the_scopes_of_a_token_stand_in_a_header(path, cloud, http):
    token = cloud.github.tokens.personal("monalisa", "repo", "read:packages")
    answer = http("GET", path, bearer(token))
    assert answer.status == 200
    assert answer.headers["X-OAuth-Scopes"] == "read:packages, repo"


def test_an_installations_token_has_no_scopes_and_is_no_user(cloud, http):
    token = cloud.github.tokens.installation("app", "read", time.time() + 60)
    answer = http("GET", "/rate_limit", bearer(token))
    assert answer.status == 200
    assert "X-OAuth-Scopes" not in answer.headers
    assert http("GET", "/user", bearer(token)).status == 403


def test_an_unknown_revoked_or_expired_token_is_refused(cloud, http):
    revoked = cloud.github.tokens.personal("monalisa")
    cloud.github.tokens.revoke(revoked)
    over = cloud.github.tokens.installation("app", "read", time.time() - 1)
    for token in ("", "ghp_000", revoked, over):
        assert http("GET", "/rate_limit", bearer(token)).status == 401
    basic = AGENT | {"Authorization": "Basic eDp5"}
    assert http("GET", "/rate_limit", basic).status == 401


def test_a_request_without_a_user_agent_is_refused(cloud, http):
    token = cloud.github.tokens.personal("monalisa")
    headers = {"Authorization": f"Bearer {token}"}
    assert http("GET", "/rate_limit", headers).status == 403


@pytest.mark.parametrize(
    ("scopes", "host", "admitted"),
    [
        (("read:packages",), "ghcr.io", True),
        (("write:packages",), "docker.pkg.github.com", True),
        (("repo",), "ghcr.io", False),
        ((), "ghcr.io", False),
        (("read:packages",), "ghcr.io.evil.com", False),
    ],
)
def test_the_registry_admits_what_the_real_one_does(scopes, host, admitted, cloud):
    token = cloud.github.tokens.personal("monalisa", *scopes)
    assert cloud.github.admits("anybody", token, host, time.time()) is admitted
    assert not cloud.github.admits("", token, host, time.time())
