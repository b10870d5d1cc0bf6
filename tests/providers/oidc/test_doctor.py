"""doctor tells what is known about a job's identity without sending a request."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.program import Program

from .conftest import HOST


@pytest.fixture
def doctor(helper_bin: Path):
    program = Program(str(helper_bin / "dockcred"))

    def run(environment) -> str:
        answer = program("doctor", HOST, environment=environment)
        return " ".join((answer.stdout + answer.stderr).decode().split())

    return run


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ci-github", "oidc:github-actions+oidc:plain"),
        ("ci-github", "GITHUB_REPOSITORY=octo/app"),
        ("ci-github", "run: dockcred configure docker --registry"),
        ("ci-github", "--helper oidc"),
        ("ci-github-without-permission", "lack id-token: write"),
        ("ci-kubernetes", "system:serviceaccount:ci:builder"),
        ("ci-nobody", "no job's identity was found"),
    ],
)
def test_who_would_be_asked_is_told(name, words, cloud, doctor):
    assert words in doctor(cloud.environment(name))
    assert not cloud.calls


def test_a_missing_audience_is_told(cloud, doctor):
    environment = cloud.environment("ci-github") | {"DOCKCRED_OIDC_AUDIENCE": ""}
    assert "DOCKCRED_OIDC_AUDIENCE is not set" in doctor(environment)


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        ("jfrog", "the exchange needs the OIDC integration's name"),
        ("cloudsmith", "the exchange needs ORGANISATION/SERVICE at Cloudsmith"),
    ],
)
def test_what_an_exchange_lacks_is_told(exchange, words, cloud, doctor):
    environment = cloud.environment("ci-github") | {"DOCKCRED_OIDC_EXCHANGE": exchange}
    assert words in doctor(environment)
    environment["DOCKCRED_OIDC_EXCHANGE_AS"] = "acme/ci"
    assert words not in doctor(environment)
    assert not cloud.calls


def test_no_secret_of_the_job_is_shown(cloud, doctor):
    for name in ("ci-github", "ci-gitlab", "ci-variable", "ci-azure-pipelines"):
        environment = cloud.environment(name)
        said = doctor(environment)
        for variable, value in environment.items():
            if variable.endswith("TOKEN"):
                assert value not in said
