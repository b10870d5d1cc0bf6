"""Public images of every cloud, with `auto` for all registries and no identity at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from .clients import Account
from .parts import program
from .registry import OPEN_HOSTS
from .world import World

READERS = {
    "docker": ("docker", "manifest", "inspect"),
    "crane": ("crane", "manifest"),
    "oras": ("oras", "manifest", "fetch"),
}


@pytest.fixture
def nobody(world: World, image: str, helper_bin: Path) -> Account:
    """A person without identity, keychain and vault; the registry has the image."""
    assert image
    home = Path(tempfile.mkdtemp(prefix="home-", dir=world.directory))
    return Account(world, home, (helper_bin,), {})


@pytest.mark.parametrize("host", OPEN_HOSTS)
@pytest.mark.parametrize("client", READERS)
def test_strict_clients_read_a_public_image(
    nobody: Account, client: str, host: str
) -> None:
    """crane and oras pull anonymously only after the exact "not found" answer."""
    name, *arguments = READERS[client]
    nobody.docker_store("auto")
    nobody.succeed(program(name), *arguments, f"{host}/team/app:1")


@pytest.mark.parametrize("host", OPEN_HOSTS)
def test_skopeo_and_podman_read_a_public_image(nobody: Account, host: str) -> None:
    nobody.containers_store("auto")
    skopeo = (program("skopeo"), "--insecure-policy")
    nobody.succeed(*skopeo, "inspect", f"docker://{host}/team/app:1")


@pytest.mark.parametrize("host", OPEN_HOSTS)
def test_the_engine_pulls_a_public_image(
    nobody: Account, engine: str, host: str
) -> None:
    nobody.docker_store("auto")
    nobody.succeed("docker", "--host", engine, "pull", f"{host}/team/app:1")
