"""A get's imports: nothing slow from the cache, nothing of OIDC's for other hosts."""

from __future__ import annotations

import pytest
from support import imports
from support.exchanged import exchanged
from support.imports import HEAVY

from .conftest import HOST


@pytest.mark.parametrize("name", ["ci-github", "ci-gitlab", "ci-kubernetes"])
def test_a_cached_get_imports_nothing_heavy(name, cloud, oidc):
    environment = exchanged(cloud, name)
    assert oidc.get(environment, HOST).status == 0
    modules = imports.of_get("docker_credential_oidc", HOST, environment)
    assert "dockcred" in modules
    assert modules & HEAVY == set()


def test_the_guard_sees_what_a_cold_get_imports(cloud):
    """Otherwise the test above could not fail; no SDK is imported either."""
    environment = cloud.environment("ci-github")
    modules = imports.of_get("docker_credential_oidc", HOST, environment)
    assert "socket" in modules
    assert not modules & {"boto3", "botocore", "azure", "google", "requests", "jwt"}


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("env-keys", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
        ("github-gh-token", "ghcr.io"),
    ],
)
def test_no_other_host_s_get_imports_ours(name, host, cloud):
    """Not even with docker-credential-auto, which has all providers."""
    modules = imports.in_full("docker_credential_auto", host, cloud.environment(name))
    assert "dockcred.identity.router" in modules
    assert not [name for name in modules if name.startswith("dockcred.providers.oidc")]
