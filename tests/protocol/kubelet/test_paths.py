"""A path of config.toml chooses the identity, and the type of kubelet's cache key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.kubelet import password, request, response
from support.program import HOST


@pytest.fixture
def config(tmp_path: Path):
    def write(text: str) -> dict[str, str]:
        path = tmp_path / "config.toml"
        path.write_text(text)
        os.chmod(path, 0o644)
        return {"DOCKCRED_CONFIG": str(path)}

    return write


def _team_profile(cloud, tmp_path) -> dict[str, str]:
    """Return variables that name a profile with the keys of a user `team`."""
    key = cloud.aws.keys.permanent("123456789012", "team")
    path = tmp_path / "credentials"
    path.write_text(
        f"[team]\naws_access_key_id = {key.access_key_id}\n"
        f"aws_secret_access_key = {key.secret_access_key}\n"
    )
    return {"AWS_SHARED_CREDENTIALS_FILE": str(path)}


def test_an_identity_by_path_is_cached_by_image(plugin, node, cloud, config, tmp_path):
    """Otherwise kubelet would use one team's credential for another team's image."""
    environment = node(
        **_team_profile(cloud, tmp_path),
        **config(f'[[registry]]\nmatch = "{HOST}/team"\nprofile = "team"\n'),
    )
    inside = plugin(environment=environment, stdin=request(f"{HOST}/team/app"))
    assert response(inside)["cacheKeyType"] == "Image"
    minted = cloud.minted(password(inside, f"{HOST}/team"))
    assert minted.principal.endswith("user/team")
    beside = plugin(environment=environment, stdin=request(f"{HOST}/teamwork/app"))
    assert response(beside)["cacheKeyType"] == "Image"
    assert "instance-profile" in cloud.minted(password(beside)).principal


def test_an_identity_by_host_is_cached_by_registry(
    plugin, node, cloud, config, tmp_path
):
    environment = node(
        **_team_profile(cloud, tmp_path),
        **config(
            f'[[registry]]\nmatch = "{HOST}"\nprofile = "team"\n'
            '[[registry]]\nmatch = "other.example/path"\nanonymous = true\n'
        ),
    )
    answer = plugin(environment=environment, stdin=request())
    assert response(answer)["cacheKeyType"] == "Registry"
    assert cloud.minted(password(answer)).principal.endswith("user/team")


def test_an_alias_is_answered_under_the_image_s_own_host(plugin, node, cloud, config):
    environment = node(
        **config(f'[[registry]]\nmatch = "images.example"\nregistry = "{HOST}"\n')
    )
    answer = plugin(environment=environment, stdin=request("images.example/a"))
    assert cloud.minted(password(answer, "images.example")).host == HOST


def test_a_named_store_answers_for_the_rest(plugin, node, tmp_path):
    """A node has no keychain; a store that is named is asked."""
    helper = tmp_path / "docker-credential-shelf"
    helper.write_text(
        '#!/bin/sh\nread key; echo "{\\"Username\\":\\"u\\",\\"Secret\\":\\"$key\\"}"\n'
    )
    helper.chmod(0o755)
    environment = node(DOCKCRED_STORE="helper:shelf", PATH=f"{tmp_path}:/usr/bin:/bin")
    answer = plugin(environment=environment, stdin=request("registry.example/a/b"))
    fields = response(answer)
    assert "cacheDuration" not in fields
    assert password(answer, "registry.example") == "registry.example/a/b"
