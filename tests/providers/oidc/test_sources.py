"""Each source of a job's token, and every way in which the token may be missing."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from support.program import LONG_S

from dockcred.testing.sandbox import Sandbox

from .conftest import HOST

JOBS = {
    "ci-github": "github",
    "ci-gitlab": "gitlab",
    "ci-kubernetes": "kubernetes",
    "ci-circleci": "circleci",
    "ci-buildkite": "buildkite",
    "ci-azure-pipelines": "azure_pipelines",
    "ci-variable": "generic",
    "ci-command": "generic",
}
OTHER = "https://other.example.com"


def asked(environment) -> list[str]:
    """Return the command lines with which a CI system's program was called."""
    return Path(environment["HOME"], "calls").read_text().splitlines()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "tls"])
@pytest.mark.parametrize("name", JOBS)
def test_the_job_s_own_token_is_the_password(name, tls, oidc):
    with Sandbox(tls=tls) as cloud:
        environment = cloud.environment(name)
        answer = oidc.get(environment, HOST)
        assert json.loads(answer.stdout)["Username"] == "JWT"
        issuer = getattr(cloud.ci, JOBS[name])
        audience = environment["DOCKCRED_OIDC_AUDIENCE"]
        claims = issuer.verify(answer.password, audience=audience, now=time.time())
        assert claims["sub"] == issuer.job["sub"]


@pytest.mark.parametrize("end", ["\n", "\r\n", " "])
@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("ci-github", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"),
        ("ci-github", "ACTIONS_ID_TOKEN_REQUEST_URL"),
        ("ci-azure-pipelines", "SYSTEM_ACCESSTOKEN"),
    ],
)
def test_what_an_echo_leaves_around_a_variable_is_not_part_of_it(
    name, variable, end, cloud, oidc
):
    environment = cloud.environment(name)
    environment[variable] += end
    assert oidc.get(environment, HOST).password


@pytest.mark.parametrize("name", JOBS)
def test_a_token_for_another_audience_is_never_handed_on(name, cloud, oidc):
    """The same job is refused if one claim of its token is changed."""
    environment = cloud.environment(name)
    environment["DOCKCRED_OIDC_AUDIENCE"] = OTHER
    cloud.ci.github.job["aud"] = cloud.ci.audience
    said = oidc.get(environment, HOST).said
    assert f"not for '{OTHER}'" in said


@pytest.mark.parametrize("name", JOBS)
def test_an_expired_token_is_never_handed_on(name, oidc):
    with Sandbox() as cloud:
        for issuer in cloud.ci.issuers:
            issuer.job["exp"] = int(time.time()) - 1
        said = oidc.get(cloud.environment(name), HOST).said
        assert "has expired" in said


@pytest.mark.parametrize("ends", [None, "soon", [], float("inf"), 10**400, -1, True])
def test_a_token_without_a_real_end_is_none(ends, cloud, oidc):
    environment = cloud.environment("ci-variable")
    token = cloud.ci.generic.token(cloud.ci.audience, exp=ends)
    said = oidc.get(environment | {"JOB_TOKEN": token}, HOST).said
    assert "names no end" in said or "has expired" in said


@pytest.mark.parametrize("name", JOBS)
def test_without_an_audience_nobody_is_asked(name, cloud, oidc):
    environment = cloud.environment(name)
    del environment["DOCKCRED_OIDC_AUDIENCE"]
    said = oidc.get(environment, HOST).said
    assert "DOCKCRED_OIDC_AUDIENCE is not set" in said
    assert not cloud.calls
    assert not Path(environment["HOME"], "calls").exists()


def test_a_job_without_the_permission_is_told_so(cloud, oidc):
    said = oidc.get(cloud.environment("ci-github-without-permission"), HOST).said
    assert "id-token: write" in said
    assert "fork" in said


def test_the_audience_is_asked_for_in_the_query(cloud, oidc):
    environment = cloud.environment("ci-github")
    environment["DOCKCRED_OIDC_AUDIENCE"] = "a b&c=d"
    assert oidc.get(environment, HOST).status == 0
    (request,) = cloud.requests
    assert request.parameters == {"api-version": "2.0", "audience": "a b&c=d"}
    assert request.header("authorization") == f"Bearer {cloud.ci.github.request_token}"


@pytest.mark.parametrize(
    ("name", "call"),
    [
        (
            "ci-circleci",
            'run oidc get --claims {"aud": "https://registry.example.com"}',
        ),
        (
            "ci-buildkite",
            "oidc request-token --audience https://registry.example.com",
        ),
        ("ci-command", "--for registry"),
    ],
)
def test_a_program_is_asked_once_without_a_stdin(name, call, cloud, oidc):
    environment = cloud.environment(name)
    assert oidc.get(environment, HOST).status == 0
    assert asked(environment) == [call]


def test_gitlab_s_variable_may_have_the_audience_s_name(cloud, oidc):
    """As in sigstore's clients."""
    environment = cloud.environment("ci-gitlab")
    token = environment.pop("REGISTRY_ID_TOKEN")
    del environment["DOCKCRED_OIDC_TOKEN_VARIABLE"]
    name = "HTTPS___REGISTRY_EXAMPLE_COM_ID_TOKEN"
    said = oidc.get(environment, HOST).said
    assert f"id_tokens: {{{name}: {{aud: https://registry.example.com}}}}" in said
    assert oidc.get(environment | {name: token}, HOST).password == token


def test_github_s_refusal_is_told(cloud, oidc):
    environment = cloud.environment("ci-github")
    cloud.ci.github.start_job()
    assert "refuses this job an ID token (status 403)" in (
        oidc.get(
            environment
            | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": cloud.ci.github.request_token},
            HOST,
        ).said
    )
    assert "(status 401)" in oidc.get(environment, HOST).said


@pytest.mark.parametrize("failure", ["garbage", "garbage-body", "half", "huge", "hang"])
@pytest.mark.parametrize("name", ["ci-github", "ci-azure-pipelines"])
@pytest.mark.slow
def test_bad_weather_is_one_line_in_good_time(failure, name, cloud, oidc):
    cloud.fail(failure)
    environment = cloud.environment(name) | {"DOCKCRED_TIMEOUT": "2"}
    answer = oidc.get(environment, HOST)
    assert answer.said


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"DOCKCRED_OIDC_SOURCE": "jenkins"}, "choose of file, command, gitlab"),
        ({"DOCKCRED_OIDC_SOURCE": "file"}, "is not an absolute path"),
        ({"DOCKCRED_OIDC_SOURCE": "variable"}, "_TOKEN_VARIABLE is not set"),
        ({"DOCKCRED_OIDC_TOKEN_FILE": "token"}, "is not an absolute path"),
        ({"DOCKCRED_OIDC_TOKEN_FILE": "/nowhere"}, "no token can be read"),
        ({"DOCKCRED_OIDC_TOKEN_FILE": "/dev/zero"}, "/dev/zero, which is no file"),
        ({"DOCKCRED_OIDC_TOKEN_FILE": "/"}, "which is no file"),
        ({"DOCKCRED_OIDC_TOKEN_FILE": "/etc/hostname"}, "no ID token"),
        ({"DOCKCRED_OIDC_USERNAME": "a\nb"}, "is no user name"),
        ({"DOCKCRED_OIDC_USERNAME": "a:b"}, "is no user name"),
        ({"DOCKCRED_OIDC_TOKEN_VARIABLE": "NOT_SET"}, "NOT_SET, which is not set"),
        ({"DOCKCRED_OIDC_TOKEN_VARIABLE": "PATH"}, "the token in PATH is no ID token"),
        ({"DOCKCRED_OIDC_TOKEN_COMMAND": "mint"}, "absolute path"),
        ({"DOCKCRED_OIDC_TOKEN_COMMAND": "/bin/'"}, "absolute path"),
        ({"DOCKCRED_OIDC_TOKEN_COMMAND": "/nowhere"}, "could not be started"),
        ({"DOCKCRED_OIDC_TOKEN_COMMAND": "/bin/false"}, "(status 1)"),
        ({"DOCKCRED_OIDC_TOKEN_COMMAND": "/bin/echo a b"}, "no ID token"),
        (
            {"DOCKCRED_OIDC_TOKEN_COMMAND": f"/bin/sleep {LONG_S}"},
            "did not answer within",
        ),
        ({"CIRCLECI": "true"}, "no circleci is found on PATH"),
        ({"GITHUB_ACTIONS": "true"}, "id-token: write"),
        ({"SYSTEM_OIDCREQUESTURI": "https://x"}, "SYSTEM_ACCESSTOKEN is not set"),
        (
            {
                "GITHUB_ACTIONS": "true",
                "ACTIONS_ID_TOKEN_REQUEST_URL": "http://evil.example/?a=b",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t",
            },
            "plain http to evil.example is refused",
        ),
        (
            {"DOCKCRED_OIDC_SOURCE": "google", "GCE_METADATA_HOST": "evil.example"},
            "plain http to evil.example is refused",
        ),
        ({"DOCKCRED_OIDC_AUDIENCE": "a\nb"}, "no job's identity was found"),
        ({}, "no job's identity was found"),
    ],
)
def test_bad_input_is_one_line(changes, words, cloud, oidc):
    environment = cloud.environment("ci-nobody") | {"DOCKCRED_TIMEOUT": "3"}
    assert words in oidc.get(environment | changes, HOST).said


def test_no_secret_of_the_job_reaches_a_program(cloud, oidc):
    environment = cloud.environment("ci-github")
    spy = Path(environment["HOME"], "spy")
    spy.write_text('#!/bin/sh\nenv >"$HOME/seen"\n')
    spy.chmod(0o700)
    environment["DOCKCRED_OIDC_TOKEN_COMMAND"] = str(spy)
    assert oidc.get(environment, HOST).status == 1
    seen = Path(environment["HOME"], "seen").read_text()
    assert cloud.ci.github.request_token not in seen
    assert "DOCKCRED_OIDC_AUDIENCE=" in seen


@pytest.mark.parametrize("token", ["a\nx-evil: 1", "\u20ac", "a\r\n\r\nGET /"])
def test_a_request_token_makes_no_second_header(token, cloud, oidc):
    environment = cloud.environment("ci-github")
    environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] = token
    assert "a header " in oidc.get(environment, HOST).said
    assert not cloud.calls
