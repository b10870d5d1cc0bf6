"""With each cloud's helper clients can use that cloud's registry; without, they cannot.

Azure's host demands a Bearer token of its own service, the others Basic.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from .clients import Account
from .parts import program
from .registry import AZURE_HOST, BACKEND, GITHUB_HOST, GITLAB_HOST, GOOGLE_HOST
from .world import World

CLOUDS = {
    "acr-login": ("azure-imds", AZURE_HOST),
    "gcr": ("google-metadata", GOOGLE_HOST),
    "ghcr-login": ("github-gh-token", GITHUB_HOST),
    "gitlab": ("gitlab-job", GITLAB_HOST),
}
every_helper = pytest.mark.parametrize("suffix", [*CLOUDS, "auto"])
NAME = "team/app:1"


@pytest.fixture
def images(world: World, image: str) -> str:
    """Return the image's name; the other tests' image is at every host."""
    assert image.endswith(NAME)
    assert BACKEND
    return NAME


@pytest.fixture
def person(
    world: World,
    identities: Mapping[str, Mapping[str, str]],
    helper_bin: Path,
    suffix: str,
) -> tuple[Account, str]:
    """Return an account with the helper's identity, and the registry's host."""
    identity, host = CLOUDS.get(suffix, CLOUDS["acr-login"])
    home = Path(tempfile.mkdtemp(prefix="home-", dir=world.directory))
    return Account(world, home, (helper_bin,), identities[identity]), host


def _skopeo() -> tuple[str, ...]:
    return (program("skopeo"), "--insecure-policy")


@every_helper
def test_docker_reads_a_manifest(person, images: str, suffix: str) -> None:
    account, host = person
    account.docker_helper(suffix, host)
    docker = program("docker")
    shown = account.succeed(docker, "manifest", "inspect", f"{host}/{images}")
    assert json.loads(shown.stdout)["layers"]


@every_helper
def test_the_engine_pulls(person, images: str, suffix: str, engine: str) -> None:
    account, host = person
    account.docker_store(suffix)
    account.succeed("docker", "--host", engine, "pull", f"{host}/{images}")
    account.succeed("docker", "--host", engine, "image", "rm", f"{host}/{images}")


@every_helper
def test_skopeo_and_podman_pull(person, images: str, suffix: str) -> None:
    account, host = person
    account.containers_store(suffix)
    account.succeed(*_skopeo(), "inspect", f"docker://{host}/{images}")
    podman = (program("podman"), "--storage-driver=vfs", "--cgroup-manager=cgroupfs")
    account.succeed(*podman, "pull", f"{host}/{images}")


@every_helper
def test_one_changed_character_is_refused(person, images: str, suffix: str) -> None:
    """The registry accepts only the exact password that was minted."""
    account, host = person
    liar = account.home / "bin/docker-credential-altered"
    liar.parent.mkdir()
    liar.write_text(
        f'#!/bin/sh\ndocker-credential-{suffix} "$1" | '
        'sed \'s/\\("Secret": *"......\\)./\\1~/\'\n'
    )
    liar.chmod(0o755)
    altered = Account(
        account.world, account.home, (liar.parent, *account.helpers), account.cloud
    )
    altered.docker_helper("altered", host)
    docker = program("docker")
    done = altered.run(docker, "manifest", "inspect", f"{host}/{images}")
    assert done.returncode == 1
    said = (done.stdout + done.stderr).lower()
    assert "unauthorized" in said or "denied" in said or "no such manifest" in said


@every_helper
def test_without_a_helper_nobody_is_let_in(person, images: str, suffix: str) -> None:
    account, host = person
    assert suffix
    done = account.run(*_skopeo(), "inspect", f"docker://{host}/{images}")
    assert done.returncode == 1
