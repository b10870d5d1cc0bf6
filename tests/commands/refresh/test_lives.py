"""How long the credentials of each cloud live, and credentials without expiry."""

from __future__ import annotations

import json
import time

import pytest
from support.program import HOST

HELPER = """#!/bin/sh
read -r key
printf '{"ServerURL":"%s","Username":"me","Secret":"%s"}' "$key" "$(cat "$0.secret")"
"""


@pytest.mark.parametrize(
    ("identity", "registry"),
    [
        ("env-keys", HOST),
        ("azure-imds", "contoso.azurecr.io"),
        ("google-metadata", "europe-docker.pkg.dev"),
    ],
)
def test_what_is_recorded_is_the_end_that_the_cloud_gives(
    identity, registry, make_keeper, cloud
):
    keeper = make_keeper(cloud, inside=True)
    keeper.environment = cloud.environment(identity)
    file = keeper.home / "user-pass"
    keeper.wants({"format": "user-pass", "registries": [registry], "file": str(file)})
    assert len(keeper.once()) == 1
    minted = cloud.minted(file.read_text().partition(":")[2])
    assert minted
    (line,) = (keeper.home / ".user-pass.dockcred").read_text().splitlines()
    known = json.loads(line)
    assert abs(known["issued_at"] - time.time()) < 60
    assert abs(known["expires_at"] - minted.expires_at) < 60
    assert keeper.once() == []


@pytest.fixture
def kept(make_keeper, cloud, api, namespaces):
    """A person whose password is kept by a helper, and has no expiry."""
    keeper = make_keeper(cloud, inside=True, KUBECONFIG=api.kubeconfig())
    helper = keeper.home / "docker-credential-kept"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    keeper.environment["PATH"] = f"{keeper.home}:/usr/bin:/bin"
    target = {
        "format": "kubernetes-secret",
        "registries": ["registry.example"],
        "sources": ["helper:kept"],
        "secret": "registry-pull",
        "namespaces": namespaces[:1],
    }
    keeper.wants(target)
    return keeper


def test_a_password_without_an_end_is_written_when_it_has_changed(
    kept, api, namespaces
):
    secret = kept.home / "docker-credential-kept.secret"
    secret.write_text("first")
    (line,) = kept.once()
    assert line == f"wrote {namespaces[0]}/registry-pull: it has no end"
    before = api.get("secret", "registry-pull", namespaces[0])
    assert kept.once() == []
    assert api.get("secret", "registry-pull", namespaces[0]) == before
    assert "dockcred/expires-at" not in before["metadata"]["annotations"]
    secret.write_text("second")
    assert len(kept.once()) == 1


def test_what_had_an_end_and_has_none_any_more_loses_the_annotation(
    kept, api, namespaces
):
    (kept.home / "docker-credential-kept.secret").write_text("first")
    kept.once()
    ends = {
        "metadata": {"annotations": {"dockcred/expires-at": "2020-01-01T00:00:00Z"}}
    }
    api.patch("secret", "registry-pull", namespaces[0], ends)
    assert len(kept.once()) == 1
    found = api.get("secret", "registry-pull", namespaces[0])
    assert "dockcred/expires-at" not in found["metadata"]["annotations"]
