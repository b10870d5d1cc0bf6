"""A person's or job's tokens: used if they can read packages, else passed over."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dockcred.errors import MissingIdentityError
from dockcred.providers.github import identities
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import Sandbox

from .conftest import NOT_FOUND

GOOD = {
    "github-gh-token": "x-access-token",
    "github-job-token": "monalisa",
    "github-gh-login": "monalisa",
    "github-gh-keychain": "monalisa",
}


def held(environment, name):
    """Return the files of cached verdicts, without their lock files."""
    found = Path(environment["DOCKCRED_CACHE_DIR"]).glob(name)
    return [path for path in found if path.suffix != ".lock"]


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize("name", GOOD)
def test_the_token_is_handed_on_after_one_question_and_then_after_none(name, tls, run):
    with Sandbox(tls=tls) as cloud:
        environment = cloud.environment(name)
        first = run(environment)
        assert (first.status, first.errors) == (0, "")
        assert first.username == GOOD[name]
        assert cloud.github.admits(first.username, first.secret, "ghcr.io", time.time())
        assert cloud.calls["github:rate_limit"] == 1
        (request,) = [r for r in cloud.requests if r.path == "/rate_limit"]
        assert request.header("authorization") == f"Bearer {first.secret}"
        assert request.header("user-agent").startswith("dockcred/")
        cloud.reset()
        assert run(environment) == first
        assert not cloud.calls


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("github-narrow-token", "GH_TOKEN lacks the scope read:packages"),
        ("github-invalid-token", "GH_TOKEN is invalid, expired or revoked"),
        ("github-nobody", "no GitHub identity was found for github.com"),
    ],
)
def test_a_token_that_opens_no_packages_leaves_public_images_alone(
    name, why, cloud, run
):
    environment = cloud.environment(name)
    result = run(environment)
    assert (result.status, result.output, result.errors) == (1, NOT_FOUND, "")
    cloud.reset()
    told = run(environment | {"DOCKCRED_LOG": "info"})
    assert told.output == NOT_FOUND
    assert why in told.errors
    assert not cloud.calls


def test_the_scope_that_is_missing_comes_with_what_gives_it(cloud, run):
    """The remedy is not `gh auth refresh`: it does nothing while GH_TOKEN is set."""
    environment = cloud.environment("github-narrow-token") | {"DOCKCRED_LOG": "info"}
    page = "https://github.com/settings/tokens/new?scopes=read:packages"
    assert f"set GH_TOKEN to a classic token with the scope read:packages: {page}" in (
        run(environment).errors
    )


def test_a_fine_grained_token_is_known_for_too_narrow_without_a_question(cloud, run):
    environment = cloud.environment("github-nobody") | {
        "GH_TOKEN": "github_pat_" + "a" * 70,
        "DOCKCRED_LOG": "info",
    }
    result = run(environment)
    assert result.output == NOT_FOUND
    assert "fine-grained" in result.errors
    assert not cloud.calls


def test_write_packages_is_enough(cloud, run):
    token = cloud.github.tokens.personal("writer", "write:packages")
    environment = cloud.environment("github-nobody") | {"GITHUB_TOKEN": token}
    assert run(environment).secret == token


def test_gh_token_comes_before_github_token_and_both_before_ghs_login(cloud, run):
    environment = cloud.environment("github-gh-login")
    first = cloud.github.tokens.personal("one", "read:packages")
    second = cloud.github.tokens.personal("two", "read:packages")
    both = {"GH_TOKEN": first, "GITHUB_TOKEN": second}
    assert run(environment | both).secret == first
    assert run(environment | {"GITHUB_TOKEN": second}).secret == second
    assert run(environment).secret not in {first, second}


def test_a_token_is_never_written_down(cloud, run):
    environment = cloud.environment("github-gh-token")
    secret = run(environment).secret
    files = held(environment, "*")
    assert any(path.name.startswith("github-verdict,") for path in files)
    for path in files:
        assert secret not in path.read_text()
        assert secret not in path.name


def test_another_token_is_asked_about_anew(cloud, run):
    environment = cloud.environment("github-gh-token")
    run(environment)
    other = cloud.github.tokens.personal("other", "repo")
    assert run(environment | {"GH_TOKEN": other}).output == NOT_FOUND
    assert cloud.calls["github:rate_limit"] == 2


def test_a_verdict_is_asked_for_again_when_its_time_is_over(cloud, run):
    environment = cloud.environment("github-gh-token")
    secret = run(environment).secret
    cloud.github.tokens.revoke(secret)
    assert run(environment).secret == secret
    (verdict,) = held(environment, "github-verdict,*")
    os.utime(verdict, (time.time() - 1, time.time() - 1))
    assert run(environment).output == NOT_FOUND


@pytest.mark.parametrize("failure", ["hang", "garbage", "server-error", "throttle"])
def test_a_token_that_github_cannot_be_asked_about_is_handed_on(failure, cloud, run):
    cloud.fail(f"github:{failure}")
    environment = cloud.environment("github-gh-token")
    assert run(environment).secret == environment["GH_TOKEN"]


def test_fifty_cold_gets_at_once_are_one_question(run):
    with Sandbox(latency_ms=100) as cloud:
        environment = cloud.environment("github-gh-token") | {"DOCKCRED_TIMEOUT": "25"}
        with ThreadPoolExecutor(50) as pool:
            results = list(pool.map(lambda _: run(environment), range(50)))
        assert {result.secret for result in results} == {environment["GH_TOKEN"]}
        assert cloud.calls["github:rate_limit"] == 1


@pytest.mark.parametrize(
    ("github", "server", "names"),
    [
        ("github.com", "", ("GH_TOKEN", "GITHUB_TOKEN")),
        ("github.com", "https://github.com", ("GH_TOKEN", "GITHUB_TOKEN")),
        # A job's token belongs to the job's server, and is sent to no other.
        ("github.com", "https://ghe.example.com", ("GH_TOKEN",)),
        (
            "ghe.example.com",
            "https://ghe.example.com",
            ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GITHUB_TOKEN"),
        ),
        ("ghe.example.com", "", ("GH_ENTERPRISE_TOKEN", "GITHUB_ENTERPRISE_TOKEN")),
        ("acme.ghe.com", "", ("GH_TOKEN", "GITHUB_TOKEN")),
    ],
)
def test_a_variable_is_read_for_its_own_github_only(github, server, names):
    environment = Environment({"GITHUB_SERVER_URL": server})
    assert identities.token_variables(github, environment) == names


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\n\n"])
@pytest.mark.parametrize("name", ["GH_TOKEN", "GITHUB_TOKEN"])
def test_what_an_echo_leaves_around_a_token_is_not_part_of_it(name, end, cloud, run):
    """As `gh auth login --with-token` does, by Go's strings.TrimSpace."""
    token = cloud.github.tokens.personal("somebody", "read:packages")
    environment = cloud.environment("github-nobody") | {"GITHUB_ACTOR": f"mona{end}"}
    result = run(environment | {name: f"{token}{end}"})
    assert (result.status, result.errors) == (0, "")
    assert (result.username, result.secret) == ("mona", token)


def test_white_space_alone_is_no_token(cloud, run):
    environment = cloud.environment("github-gh-login")
    assert run(environment | {"GH_TOKEN": "\n"}).username == "monalisa"


@pytest.mark.parametrize("failure", ["server-error", "throttle"])
def test_what_github_could_not_say_is_asked_again_soon(failure, cloud, run):
    """A temporary failure says nothing about the token: it is not kept for an hour."""
    cloud.fail(f"github:{failure}")
    environment = cloud.environment("github-gh-token")
    run(environment)
    (verdict,) = held(environment, "github-verdict,*")
    assert verdict.stat().st_mtime - time.time() < 100


def test_a_token_with_a_line_break_is_no_token():
    environment = Environment({"GH_TOKEN": "ghp_x\r\nX-Evil: 1"})
    identity = identities.choose("github.com", environment)
    with pytest.raises(MissingIdentityError, match="GH_TOKEN is no token"):
        identity.issue()
