"""Every helper on Windows: a cold and a cached get, ages, and many at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import entries
from support.program import wait_until

pytestmark = pytest.mark.slow

ECR, ACR = "docker-credential-ecr-login", "docker-credential-acr-login"
GCR, GHCR = "docker-credential-gcr", "docker-credential-ghcr-login"
OIDC, KEYRING = "docker-credential-oidc", "docker-credential-keyring"
ECR_HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ACR_HOST, GAR_HOST = "sandbox.azurecr.io", "europe-west1-docker.pkg.dev"
ECR_CALL = "ecr:GetAuthorizationToken"

GETS = {
    "env-keys": (ECR, ECR_HOST),
    "web-identity": (ECR, ECR_HOST),
    "container-relative": (ECR, ECR_HOST),
    "instance-profile": (ECR, ECR_HOST),
    "azure-imds": (ACR, ACR_HOST),
    "azure-workload-identity": (ACR, ACR_HOST),
    "google-metadata": (GCR, GAR_HOST),
    "github-gh-token": (GHCR, "ghcr.io"),
    "ci-github": (OIDC, "registry.example.com"),
}


PATIENT = {"DOCKCRED_TIMEOUT": "60"}
"""Of Wine's start the watchdog knows nothing."""
NOT_CACHED = {"ci-github"}
"""A job's own token is the password: it is asked for anew, as on Linux."""


@pytest.mark.parametrize("identity", GETS)
def test_a_credential_is_minted_and_then_cached(windows, cloud, identity):
    program, host = GETS[identity]
    variables = cloud.environment(identity) | PATIENT
    cold = windows.get(program, host, variables)
    assert cold.status == 0, cold
    assert cold.stderr == b""
    assert cold.stdout.endswith(b"}\n")
    assert b"\r" not in cold.stdout
    answer = json.loads(cold.stdout)
    assert answer["ServerURL"] == host
    assert answer["Secret"]
    asked = sum(cloud.calls.values())
    cached = windows.get(program, host, variables)
    if identity in NOT_CACHED:
        assert cached.password != cold.password
        return
    assert (cached.status, cached.stdout) == (0, cold.stdout)
    assert sum(cloud.calls.values()) == asked


def test_expired_it_is_minted_anew(windows, cloud):
    variables = cloud.environment("env-keys") | PATIENT
    first = windows.get(ECR, ECR_HOST, variables).password
    entries.age_to(entries.only(variables), 1.1)
    assert windows.get(ECR, ECR_HOST, variables).password != first
    assert cloud.calls[ECR_CALL] == 2


def test_aging_it_is_answered_at_once_and_refreshed_behind(windows, cloud):
    """There is no fork: another Python does it, which nobody waits for."""
    variables = cloud.environment("env-keys") | PATIENT
    first = windows.get(ECR, ECR_HOST, variables).password
    entries.age_to(entries.only(variables), 0.6)
    assert windows.get(ECR, ECR_HOST, variables).password == first
    wait_until(lambda: cloud.calls[ECR_CALL] == 2)
    wait_until(lambda: entries.read(entries.only(variables)).credential.secret != first)
    assert windows.get(ECR, ECR_HOST, variables).password != first
    assert cloud.calls[ECR_CALL] == 2


def test_twenty_at_once_make_one_call(windows, cloud):
    variables = cloud.environment("env-keys") | PATIENT
    with ThreadPoolExecutor(20) as pool:
        asked = [pool.submit(windows.get, ECR, ECR_HOST, variables) for _ in range(20)]
        answers = {each.result().password for each in asked}
    assert (len(answers), cloud.calls[ECR_CALL]) == (1, 1)


def test_what_is_kept_is_for_its_user_alone(windows, cloud):
    """Wine shows a list of rights that lets nobody else in as a mode that does so."""
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
