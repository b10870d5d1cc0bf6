"""Real clients push and pull without a stored secret; each success has its twin.

A twin is the same job with one claim changed: the registry must refuse it.
"""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode

import pytest

from dockcred.testing.sandbox import Sandbox

from .clients import Client, Docker
from .conftest import Start, changed
from .registries import Site

Done = subprocess.CompletedProcess[str]


def succeeds(done: Done) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def refused(done: Done, site: Site, since: int, path: str) -> None:
    """Check that the registry refused it with 401, and nothing was written or read."""
    assert done.returncode != 0, done.stdout
    assert site.answered("401", since), site.visits()[since:]
    allowed = [f"20{digit} {method} {path}" for digit in "0124" for method in METHODS]
    for visit in site.visits()[since:]:
        assert not visit.startswith(tuple(allowed)), visit


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH")
WRITING = ("POST", "PUT", "PATCH")


def test_what_was_pushed_can_be_pulled(client: Client, site: Site):
    ref = f"{site.host}/team/app:{type(client).__name__.lower()}"
    since = len(site.visits())
    succeeds(client.push(ref))
    assert site.answered("201 PUT /v2/team/app/manifests/", since)
    succeeds(client.pull(ref))


@pytest.mark.parametrize(
    "claim",
    [
        {"event_name": "pull_request"},
        {"ref": "refs/heads/other"},
        {"repository_id": "74012346"},
    ],
    ids=str,
)
def test_a_push_is_refused_for_one_claim(
    client: Client, site: Site, cloud: Sandbox, claim: dict[str, str]
):
    """The owner is the same, so reading is still allowed, but nothing is written."""
    ref = f"{site.host}/team/app:refused"
    since = len(site.visits())
    with changed(cloud.ci.github, **claim):
        done = client.push(ref)
    assert done.returncode != 0, done.stdout
    assert site.answered("401", since)
    for visit in site.visits()[since:]:
        status, method, _ = visit.split(" ", 2)
        assert not (status.startswith("2") and method in WRITING), visit


def test_a_push_elsewhere_is_refused(client: Client, site: Site):
    since = len(site.visits())
    done = client.push(f"{site.host}/other/app:1")
    refused(done, site, since, "/v2/other/app/")


def test_a_pull_is_refused_for_one_claim(client: Client, site: Site, cloud: Sandbox):
    ref = f"{site.host}/team/app:to-pull"
    succeeds(client.push(ref))
    succeeds(client.pull(ref))
    since = len(site.visits())
    with changed(
        cloud.ci.github, repository_owner_id="6501235", repository_id="74012346"
    ):
        refused(client.pull(ref), site, since, "/v2/team/app/")


def test_a_token_for_another_audience_opens_nothing(client: Client, site: Site):
    since = len(site.visits())
    client.job.environment["DOCKCRED_OIDC_AUDIENCE"] = "https://other.example.com"
    refused(client.push(f"{site.host}/team/app:1"), site, since, "/v2/team/app/")
    assert site.answered("401 GET /token", since) or site.answered(
        "401 POST /token", since
    )
    assert site.service.said(event="refused", status=401)


def test_docker_login_keeps_what_it_was_given(job: Start, site: Site, cloud: Sandbox):
    """We make no refresh token, so docker's file gets no `identitytoken`."""
    docker = Docker(job())
    config = docker.job.home / ".docker/config.json"
    # If the file has a registry, docker does not look for a store of the system.
    config.write_text('{"auths": {"other.example.com": {"auth": "eDp5"}}}')
    token = cloud.ci.github.token(cloud.ci.audience)
    succeeds(docker.docker("login", "-u", "JWT", "-p", token, site.host))
    entry = json.loads(config.read_text())["auths"][site.host]
    assert b64decode(entry["auth"]).decode() == f"JWT:{token}"
    assert "identitytoken" not in entry
    succeeds(docker.push(f"{site.host}/team/app:after-login"))
    bad = cloud.ci.github.token("https://other.example.com")
    assert docker.docker("login", "-u", "JWT", "-p", bad, site.host).returncode != 0
