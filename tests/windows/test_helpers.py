"""Every helper on Windows: a cold and a cached get, refresh, expiry, many at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from support import entries
from support.exchanged import exchanged
from support.program import wait_until

from dockcred.testing.sandbox import Sandbox

from .conftest import Case

pytestmark = pytest.mark.slow

ECR, ACR = "docker-credential-ecr-login", "docker-credential-acr-login"
GCR, GHCR = "docker-credential-gcr", "docker-credential-ghcr-login"
OIDC, KEYRING = "docker-credential-oidc", "docker-credential-keyring"
ECR_HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ACR_HOST, GAR_HOST = "sandbox.azurecr.io", "europe-west1-docker.pkg.dev"
OIDC_HOST = "registry.example.com"
ECR_CALL, ACR_CALL = "ecr:GetAuthorizationToken", "acr:exchange"


class Identity(NamedTuple):
    """A program and a host for an identity, and the call that mints the password."""

    program: str
    host: str
    mint: str
    kept: bool = True
    """Whether it is cached. A CI job's token, which is the password itself, is not."""
    behind: bool = False
    """Whether it is refreshed by a process in the background."""
    leased: bool = False
    """Whether its source is asked first if the identity is still the same."""


IDENTITIES = {
    "env-keys": Identity(ECR, ECR_HOST, ECR_CALL, behind=True),
    "web-identity": Identity(ECR, ECR_HOST, ECR_CALL, behind=True),
    "container-relative": Identity(ECR, ECR_HOST, ECR_CALL, behind=True, leased=True),
    "instance-profile": Identity(ECR, ECR_HOST, ECR_CALL, behind=True, leased=True),
    "azure-imds": Identity(ACR, ACR_HOST, ACR_CALL, behind=True, leased=True),
    "azure-workload-identity": Identity(ACR, ACR_HOST, ACR_CALL, behind=True),
    "google-metadata": Identity(
        GCR, GAR_HOST, "gce-metadata:token", behind=True, leased=True
    ),
    "github-gh-token": Identity(GHCR, "ghcr.io", "github:rate_limit"),
    "github-app": Identity(GHCR, "ghcr.io", "github:access_tokens"),
    "ci-github": Identity(OIDC, OIDC_HOST, "github-actions:token", kept=False),
    "exchange": Identity(OIDC, OIDC_HOST, "sts:exchange"),
}
PATIENT = {"DOCKCRED_TIMEOUT": "60"}
"""A long timeout, as the start of Wine takes time."""


def variables_of(cloud: Sandbox, identity: str) -> dict[str, str]:
    if identity == "exchange":
        return exchanged(cloud, "ci-github") | PATIENT
    return cloud.environment(identity) | PATIENT


def entry(variables: Mapping[str, str], asked: Identity) -> Path:
    """Return the path of a password's only cache entry, by its host."""
    (path,) = entries.paths(variables, f"*,{asked.host}")
    return path


@pytest.mark.parametrize("identity", IDENTITIES)
def test_a_credential_is_minted_and_then_cached(windows, cloud, identity):
    asked = IDENTITIES[identity]
    variables = variables_of(cloud, identity)
    cold = windows.get(asked.program, asked.host, variables)
    assert cold.status == 0, cold
    assert cold.stderr == b""
    assert cold.stdout.endswith(b"}\n")
    assert b"\r" not in cold.stdout
    answer = json.loads(cold.stdout)
    assert answer["ServerURL"] == asked.host
    assert answer["Secret"]
    calls = cloud.calls.total()
    assert cloud.calls[asked.mint] == 1
    cached = windows.get(asked.program, asked.host, variables)
    if not asked.kept:
        assert cached.password != cold.password
        return
    assert (cached.status, cached.stdout) == (0, cold.stdout)
    assert cloud.calls.total() == calls


AGING = (
    "env-keys",
    "instance-profile",
    "azure-imds",
    "azure-workload-identity",
    "google-metadata",
    "github-app",
    "exchange",
)


@pytest.mark.parametrize("identity", AGING)
def test_aging_it_is_answered_at_once_and_expired_it_is_minted_anew(
    windows, cloud, identity
):
    """Windows has no fork: another Python process refreshes in the background."""
    asked = IDENTITIES[identity]
    variables = variables_of(cloud, identity)

    def get() -> str:
        return windows.get(asked.program, asked.host, variables).password

    first = get()
    entries.age_to(entry(variables, asked), 0.6)
    issued_at = entries.read(entry(variables, asked)).credential.issued_at
    if asked.leased:  # only its source is asked
        assert get() == first
    assert cloud.calls[asked.mint] == 1
    assert get() == first
    minted = 1 + asked.behind
    wait_until(lambda: cloud.calls[asked.mint] == minted)

    def is_refreshed() -> bool:
        return entries.read(entry(variables, asked)).credential.issued_at > issued_at

    wait_until(lambda: is_refreshed() == asked.behind)
    second = get()
    assert cloud.calls[asked.mint] == minted
    entries.age_to(entry(variables, asked), 1.1)
    third = get()
    assert cloud.calls[asked.mint] == minted + 1
    if identity != "google-metadata":  # it returns the same token until expiry
        assert (second != first) == asked.behind
        assert third != second


AT_ONCE = ("env-keys", "azure-imds", "google-metadata", "github-gh-token", "exchange")


@pytest.mark.parametrize("identity", [*AT_ONCE, "ci-github"])
def test_twenty_at_once_make_one_call(windows, cloud, identity):
    asked = IDENTITIES[identity]
    case = Case(asked.program, ("get",), asked.host, variables_of(cloud, identity))
    number = 20 if asked.kept else 3
    answers = {each.password for each in windows.many([case] * number, number)}
    calls = 1 if asked.kept else number
    assert (len(answers), cloud.calls[asked.mint]) == (calls, calls)


def test_what_is_kept_is_for_its_user_alone(windows, cloud):
    """Wine shows a private access control list as a private mode on Linux."""
    variables = cloud.environment("env-keys") | PATIENT
    assert windows.get(ECR, ECR_HOST, variables).status == 0
    assert entries.only(variables).stat().st_mode & 0o007 == 0
    assert entries.directory(variables).stat().st_mode & 0o007 == 0


def test_a_directory_that_others_can_write_is_no_cache(windows, cloud):
    variables = cloud.environment("env-keys") | PATIENT
    assert windows.get(ECR, ECR_HOST, variables).status == 0
    entries.directory(variables).chmod(0o777)
    answer = windows.get(ECR, ECR_HOST, variables)
    assert answer.status == 0
    assert cloud.calls[ECR_CALL] == 2


def test_without_variables_the_cache_is_below_the_local_folder(windows, cloud):
    variables = cloud.environment("env-keys") | PATIENT
    kept = {n: v for n, v in variables.items() if "XDG" not in n and "CACHE" not in n}
    place = windows.profile / "AppData/Local/dockcred/cache"
    assert windows.get(ECR, ECR_HOST, kept).status == 0
    found = [path for path in place.iterdir() if path.name.startswith("ecr,")]
    for path in place.iterdir():
        path.unlink()
    assert found
