"""A get's imports: nothing slow for a hit, none of Alibaba's for other hosts."""

from __future__ import annotations

import pytest
from support import imports

from dockcred.testing.sandbox.alibaba import ENTERPRISE

MODULE = "docker_credential_acr_helper"


@pytest.mark.parametrize("identity", ["alibaba-env-keys", "alibaba-rrsa"])
def test_a_cached_get_imports_nothing_heavy(identity, program, cloud) -> None:
    environment = cloud.environment(identity)
    assert program.get(environment, ENTERPRISE).password
    found = imports.in_full(MODULE, ENTERPRISE, environment)
    assert {name.partition(".")[0] for name in found} & imports.HEAVY == set()
    assert "dockcred.providers.alibaba.hosts" in found
    assert "dockcred.providers.alibaba.identity" not in found


def test_the_direct_road_needs_no_library(program, cloud) -> None:
    environment = cloud.environment("alibaba-rrsa")
    found = imports.in_full(MODULE, ENTERPRISE, environment)
    assert "dockcred.providers.alibaba.machine" in found
    assert not [name for name in found if name.startswith(("Tea", "alibabacloud"))]


@pytest.mark.parametrize("host", ["docker.io", "ghcr.io", "registry.corp.example"])
def test_another_s_host_imports_nothing_of_alibaba(host, cloud) -> None:
    environment = cloud.environment("alibaba-env-keys")
    environment |= {"CI_REGISTRY": "gitlab.corp.example", "DOCKCRED_STORE": "pass"}
    auto = "docker_credential_auto"
    found = imports.in_full(auto, ENTERPRISE, environment)
    assert "dockcred.providers.alibaba" in found
    found = imports.in_full(auto, host, environment, answered=False)
    assert "dockcred.identity.router" in found
    assert not [name for name in found if "alibaba" in name]
