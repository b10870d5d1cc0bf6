"""A get's imports: nothing slow if the cache answers."""

from __future__ import annotations

from functools import partial

import pytest
from support import imports
from support.imports import HEAVY


@pytest.fixture
def imported():
    """Run a get; return the top-level names of the modules that it imported."""
    return partial(imports.of_get, "docker_credential_ghcr_login", "ghcr.io")


@pytest.mark.parametrize(
    "name",
    ["github-app"],
)
def test_a_cached_get_imports_nothing_heavy(name, cloud, run, imported):
    environment = cloud.environment(name)
    assert run(environment).status == 0
    modules = imported(environment)
    assert "dockcred" in modules
    assert modules & HEAVY == set()


def test_a_token_in_a_variable_costs_no_more_than_its_digest(cloud, run, imported):
    environment = cloud.environment("github-gh-token")
    assert run(environment).status == 0
    assert imported(environment) & HEAVY <= {"hashlib"}


def test_the_guard_sees_what_a_cold_get_imports(cloud, imported):
    """Otherwise the test above could not fail."""
    assert {"json", "socket"} <= imported(cloud.environment("github-gh-token"))
