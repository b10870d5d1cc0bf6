"""A get's imports: nothing slow if the cache answers."""

from __future__ import annotations

from functools import partial

import pytest
from support import imports
from support.imports import HEAVY


@pytest.fixture
def imported():
    """Run a get; return the top-level names of the modules that it imported."""
    return partial(imports.of_get, "docker_credential_gcr", "gcr.io")


@pytest.mark.parametrize(
    "name",
    ["google-metadata", "google-service-account", "google-wif-file", "google-gcloud"],
)
def test_a_cached_get_imports_nothing_heavy(name, cloud, run, imported):
    environment = cloud.environment(name)
    assert run(environment).status == 0
    modules = imported(environment)
    assert "dockcred" in modules
    assert modules & HEAVY == set()


def test_a_cold_get_by_the_direct_road_imports_no_sdk(cloud, imported):
    modules = imported(cloud.environment("google-metadata"))
    assert "socket" in modules
    assert not modules & {"json", "re", "ssl"}
    assert not modules & {"google", "requests", "http", "urllib", "subprocess"}
