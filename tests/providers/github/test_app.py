"""A GitHub App's installation token is minted, and cached like other minted tokens."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dockcred.providers.github import api
from dockcred.testing.sandbox import Sandbox, rs256
from dockcred.transport.response import Response

from .conftest import NOT_FOUND

ASK = "github:access_tokens"


def test_the_installation_mints_by_one_request_and_the_second_get_by_none(cloud, run):
    environment = cloud.environment("github-app")
    first = run(environment)
    assert (first.status, first.username) == (0, "x-access-token")
    assert cloud.github.admits(first.username, first.secret, "ghcr.io", time.time())
    (request,) = cloud.requests
    assert request.path == "/app/installations/87654321/access_tokens"
    assert json.loads(request.body) == {"permissions": {"packages": "write"}}
    cloud.reset()
    assert run(environment) == first
    assert not cloud.calls


def test_the_assertion_is_the_apps_and_short(cloud, run):
    run(cloud.environment("github-app"))
    assertion = cloud.requests[0].header("authorization").removeprefix("Bearer ")
    claims = rs256.claims(assertion)
    assert claims["iss"] == "123456"
    assert claims["exp"] - claims["iat"] <= 600
    assert claims["iat"] <= time.time() - 59


def test_an_app_comes_before_the_variables_of_a_person(cloud, run):
    environment = cloud.environment("github-app")
    token = cloud.github.tokens.personal("somebody", "read:packages")
    assert run(environment | {"GH_TOKEN": token}).secret.startswith("ghs_")


def test_an_app_that_may_only_read_gets_a_token_to_read_with(cloud, run):
    cloud.github.app_packages = "read"
    result = run(cloud.environment("github-app"))
    assert cloud.github.tokens.find(result.secret, time.time()).packages == "read"
    assert cloud.calls[ASK] == 2


def test_the_permission_that_is_missing_is_named(cloud, run):
    cloud.github.app_packages = ""
    result = run(cloud.environment("github-app"))
    assert result.status == 1
    assert "lacks the permission packages: read" in result.output
    assert result.errors == f"docker-credential-ghcr-login: {result.output}"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"GITHUB_APP_ID": "999"}, "does not accept the GitHub App's assertion"),
        ({"GITHUB_APP_ID": ""}, "GITHUB_APP_ID is not set"),
        ({"GITHUB_APP_INSTALLATION_ID": ""}, "GITHUB_APP_INSTALLATION_ID is not set"),
        ({"GITHUB_APP_INSTALLATION_ID": "1/../2"}, "is not a number"),
        ({"GITHUB_APP_INSTALLATION_ID": "1"}, "knows no such installation"),
        ({"GITHUB_APP_PRIVATE_KEY_FILE": "/nonexistent"}, "No such file"),
        ({"GITHUB_APP_PRIVATE_KEY_FILE": "/etc/hostname"}, "no RSA key in PEM"),
    ],
)
def test_an_app_that_is_not_configured_right_is_told_how(change, said, cloud, run):
    result = run(cloud.environment("github-app") | change)
    assert result.status == 1
    assert said in result.output
    assert "\n" not in result.output


def test_another_key_than_the_apps_is_refused(cloud, run):
    environment = cloud.environment("github-app")
    Path(environment["GITHUB_APP_PRIVATE_KEY_FILE"]).write_text(
        rs256.pem(rs256.new_key())
    )
    assert "does not accept" in run(environment).output


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        ("access-denied", "denies the GitHub App a token"),
        ("throttle", "throttles"),
        ("server-error", "answered 502"),
        ("garbage-body", "answered 200"),
        ("garbage", "did not answer in HTTP"),
        ("hang", "did not answer within"),
    ],
)
@pytest.mark.slow
def test_bad_weather_at_github_is_told_in_one_line(failure, said, cloud, run):
    cloud.fail(f"github:{failure}")
    result = run(cloud.environment("github-app"))
    assert result.status == 1
    assert said in result.output
    assert "\n" not in result.output


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_break_after_a_variable_is_not_part_of_it(end, cloud, run):
    environment = cloud.environment("github-app")
    broken = {
        name: f"{value}{end}"
        for name, value in environment.items()
        if name.startswith("GITHUB_APP_")
    }
    assert len(broken) == 3
    assert run(environment | broken).secret.startswith("ghs_")


@pytest.mark.parametrize("failure", ["throttle", "server-error"])
def test_a_refusal_that_passes_is_asked_again(failure, cloud, run):
    cloud.fail(f"github:{failure}:1")
    result = run(cloud.environment("github-app"))
    assert result.secret.startswith("ghs_")
    assert cloud.calls[ASK] == 2


def test_an_app_that_is_no_more_is_passed_over_where_that_is_said(cloud, run):
    environment = cloud.environment("github-app") | {"GITHUB_APP_ID": "999"}
    result = run(environment | {"DOCKCRED_ANONYMOUS": "true"})
    assert (result.status, result.output) == (1, NOT_FOUND)
    assert "does not accept" in run(environment).output


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (403, {"x-ratelimit-remaining": "0"}, "throttles"),
        (403, {"retry-after": "60"}, "throttles"),
        (429, {}, "throttles"),
        (403, {"x-ratelimit-remaining": "59"}, "denies"),
        (403, {}, "denies"),
    ],
)
def test_githubs_two_ways_to_throttle_are_not_taken_for_a_denial(status, headers, said):
    """docs.github.com, "Rate limits for the REST API": 403 or 429, with headers."""
    failure = api._failure(Response(status, headers, b""), "api.github.com")
    assert said in failure.cause


def test_another_installation_and_a_renewed_key_are_misses(cloud, run):
    environment = cloud.environment("github-app")
    run(environment)
    path = Path(environment["GITHUB_APP_PRIVATE_KEY_FILE"])
    path.write_text(path.read_text())
    run(environment)
    assert cloud.calls[ASK] == 2
    cloud.github.installation = "1"
    run(environment | {"GITHUB_APP_INSTALLATION_ID": "1"})
    assert cloud.calls[ASK] == 3


def test_fifty_cold_gets_at_once_are_one_mint(run):
    with Sandbox(latency_ms=100) as cloud:
        environment = cloud.environment("github-app") | {"DOCKCRED_TIMEOUT": "25"}
        with ThreadPoolExecutor(50) as pool:
            results = list(pool.map(lambda _: run(environment), range(50)))
        assert len({result.secret for result in results}) == 1
        assert cloud.calls[ASK] == 1


@pytest.mark.slow
def test_an_expired_token_is_never_answered(run):
    with Sandbox(expires_s=3) as cloud:
        environment = cloud.environment("github-app")
        answered = []
        while len(set(answered)) < 3:
            asked = time.time()
            answered.append(run(environment).secret)
            assert cloud.github.tokens.find(answered[-1], asked)
        assert len(answered) > 3
