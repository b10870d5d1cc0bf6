"""The cache holds the job's credential only: no other job's, and no job's token."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import entries
from support.exchanged import exchanged

from dockcred.testing.sandbox import Sandbox

from .conftest import HOST

# The variables by which the next job on the same runner differs.
NEXT = {
    "ci-github": {"GITHUB_RUN_ID": "30012"},
    "ci-gitlab": {"CI_JOB_ID": "303"},
    "ci-circleci": {"CIRCLE_WORKFLOW_JOB_ID": "w-2"},
    "ci-buildkite": {"BUILDKITE_JOB_ID": "b-2"},
}


@pytest.mark.parametrize("name", [*NEXT, "ci-kubernetes"])
def test_a_job_exchanges_once(name, cloud, oidc):
    environment = exchanged(cloud, name)
    assert oidc.get(environment, HOST).password == oidc.get(environment, HOST).password
    assert cloud.calls["sts:exchange"] == 1


@pytest.mark.parametrize("name", NEXT)
def test_the_next_job_never_gets_the_last_one_s(name, cloud, oidc):
    environment = exchanged(cloud, name)
    last = oidc.get(environment, HOST).password
    assert oidc.get(environment | NEXT[name], HOST).password != last
    assert cloud.calls["sts:exchange"] == 2


def test_a_matrix_has_one_run_and_many_jobs(cloud, oidc):
    """The jobs of a matrix have the same numbers, but different request URLs."""
    environment = exchanged(cloud, "ci-github")
    last = oidc.get(environment, HOST).password
    cloud.ci.github.start_job()
    other = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": cloud.ci.github.request_url,
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": cloud.ci.github.request_token,
    }
    assert oidc.get(environment | other, HOST).password != last


def test_a_rotated_file_of_the_same_subject_holds(cloud, oidc):
    environment = exchanged(cloud, "ci-kubernetes")
    file = Path(environment["DOCKCRED_OIDC_TOKEN_FILE"])
    last = oidc.get(environment, HOST).password
    file.write_text(cloud.ci.kubernetes.token(cloud.ci.audience))
    assert oidc.get(environment, HOST).password == last
    assert cloud.calls["sts:exchange"] == 1


@pytest.mark.parametrize("claim", ["sub", "iss"])
def test_another_s_token_on_the_same_path_is_met(claim, cloud, oidc):
    """The exchange refuses the other's token; the cache does not answer for it."""
    environment = exchanged(cloud, "ci-kubernetes")
    file = Path(environment["DOCKCRED_OIDC_TOKEN_FILE"])
    assert oidc.get(environment, HOST).status == 0
    file.write_text(cloud.ci.kubernetes.token(cloud.ci.audience, **{claim: "other"}))
    assert "does not accept the token" in oidc.get(environment, HOST).said


@pytest.mark.parametrize("name", ["ci-variable", "ci-command"])
def test_what_does_not_say_whose_job_it_is_is_not_kept(name, cloud, oidc):
    environment = exchanged(cloud, name)
    assert oidc.get(environment, HOST).password != oidc.get(environment, HOST).password
    assert not entries.paths(environment, "oidc")


@pytest.mark.parametrize("name", ["ci-gitlab", "ci-circleci"])
def test_nor_where_the_job_has_no_number(name, cloud, oidc):
    environment = exchanged(cloud, name)
    for variable in NEXT[name]:
        del environment[variable]
    assert oidc.get(environment, HOST).password != oidc.get(environment, HOST).password


@pytest.mark.parametrize(
    "name", ["ci-github", "ci-gitlab", "ci-kubernetes", "ci-buildkite", "ci-variable"]
)
def test_a_token_that_is_handed_on_is_fresh_and_nowhere(name, oidc):
    with Sandbox() as cloud:
        environment = cloud.environment(name) | {"DOCKCRED_LOG": "debug"}
        answers = [oidc.get(environment, HOST) for _ in range(2)]
        if name == "ci-github":
            assert answers[0].password != answers[1].password
            assert cloud.calls["github-actions:token"] == 2
        cache = entries.directory(environment)
        for answer in answers:
            signature = answer.password.rpartition(".")[2].encode()
            assert signature not in answer.stderr
            for directory, _, files in os.walk(cache):
                for file in files:
                    assert signature not in Path(directory, file).read_bytes()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DOCKCRED_OIDC_EXCHANGE_SCOPE", "other"),
        ("DOCKCRED_OIDC_EXCHANGE_AUDIENCE", "other"),
        ("DOCKCRED_OIDC_EXCHANGE_AS", "other"),
        ("DOCKCRED_OIDC_AUDIENCE", "https://other.example.com"),
        ("DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE", "other"),
    ],
)
def test_another_configuration_is_another_entry(variable, value, cloud, oidc):
    environment = exchanged(cloud, "ci-github")
    assert oidc.get(environment, HOST).status == 0
    assert oidc.get(environment | {variable: value}, HOST).status == 1


def test_erase_drops_it(cloud, oidc):
    environment = exchanged(cloud, "ci-github")
    last = oidc.get(environment, HOST).password
    assert oidc("list", environment=environment).stdout == (
        b'{"registry.example.com":"JWT"}\n'
    )
    assert oidc("erase", environment=environment, stdin=HOST.encode()).status == 0
    assert oidc.get(environment, HOST).password != last


def test_fifty_at_once_exchange_once(oidc):
    with Sandbox(latency_ms=50) as cloud:
        environment = exchanged(cloud, "ci-github") | {"DOCKCRED_TIMEOUT": "25"}
        answers = oidc.get_together(environment, [HOST] * 50)
        assert len({answer.password for answer in answers}) == 1
        assert cloud.calls["sts:exchange"] == 1


def test_a_machine_s_is_asked_who_it_is_when_its_lease_is_over(cloud, oidc):
    environment = exchanged(cloud, "ci-google")
    trust = cloud.ci.sts.trusted[cloud.ci.sts.client]
    trust.issuer, trust.subject = cloud.ci.google, cloud.google.machine_account
    last = oidc.get(environment, HOST).password
    entries.end_lease(entries.only(environment, "oidc"))
    cloud.reset()
    assert oidc.get(environment, HOST).password == last
    assert cloud.calls == {"gce-metadata:email": 1}
    cloud.google.machine_account = "other@sandbox.iam.gserviceaccount.com"
    entries.end_lease(entries.only(environment, "oidc"))
    assert "does not accept the token" in oidc.get(environment, HOST).said


@pytest.mark.parametrize("failure", ["503:1", "429:1", "reset:1"])
def test_a_machine_that_fails_for_a_moment_is_asked_again(failure, cloud, oidc):
    environment = exchanged(cloud, "ci-google")
    trust = cloud.ci.sts.trusted[cloud.ci.sts.client]
    trust.issuer, trust.subject = cloud.ci.google, cloud.google.machine_account
    cloud.fail(f"gce-metadata:{failure}")
    assert oidc.get(environment, HOST).password


def test_a_machine_that_was_named_and_is_not_there_is_an_error_whatever_is_said(
    cloud, oidc
):
    environment = exchanged(cloud, "ci-google") | {"DOCKCRED_ANONYMOUS": "true"}
    said = oidc.get(environment | {"GCE_METADATA_HOST": "127.0.0.1:1"}, HOST).said
    assert "this is no machine of Google's" in said
    cloud.fail("gce-metadata:503")
    said = oidc.get(environment | {"DOCKCRED_TIMEOUT": "3"}, HOST).said
    assert "is not ready (status 503)" in said
