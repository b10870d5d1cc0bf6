"""A get's imports: nothing slow from the cache, nothing of GitLab's for other hosts."""

from __future__ import annotations

from functools import partial

import pytest
from support import imports
from support.imports import HEAVY

from .conftest import HOST, answered


def test_a_cached_get_imports_nothing_heavy(get, cloud):
    environment = cloud.environment("gitlab-glab-login")
    answered(get(environment))
    found = imports.in_full("docker_credential_gitlab", HOST, environment)
    assert "dockcred.providers.gitlab" in found
    assert {name.partition(".")[0] for name in found} & HEAVY == set()
    assert "dockcred.providers.gitlab.glab" not in found


@pytest.fixture
def imported():
    return partial(imports.in_full, "docker_credential_auto")


def of_gitlab(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("dockcred.") and "gitlab" in name}


def test_nothing_of_gitlabs_is_loaded_for_a_host_of_nobodys(imported, cloud):
    environment = cloud.environment("secret-in-variable") | {
        "DOCKER_registry_example_com_USR": "me",
        "DOCKER_registry_example_com_PSW": "pw",
    }
    assert not of_gitlab(imported("registry.example.com", environment))
    # Otherwise the assertion above could not fail.
    named = environment | {"DOCKCRED_GITLAB_HOSTS": "gitlab.example.com"}
    assert of_gitlab(imported("registry.example.com", named))
