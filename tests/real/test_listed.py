"""Clients that `list` first, and `get` what is listed, with nothing cached yet."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from .clients import Account
from .parts import missing, program
from .registry import ACCOUNT_HOST, AZURE_HOST, GITHUB_HOST, GOOGLE_HOST

IDENTITIES = {
    ACCOUNT_HOST: "env-keys",
    GOOGLE_HOST: "google-metadata",
    GITHUB_HOST: "github-gh-token",
    AZURE_HOST: "azure-imds",
}
HELPERS = {
    ACCOUNT_HOST: "ecr-login",
    GOOGLE_HOST: "gcr",
    GITHUB_HOST: "ghcr-login",
    AZURE_HOST: "acr-login",
}
# No identity of Azure's names a registry: `config.toml` does.
STORES = [(host, store) for host, own in HELPERS.items() for store in ("auto", own)]
BUILD = """
import sys
from docker import DockerClient
client = DockerClient(base_url=sys.argv[1])
client.images.build(path=sys.argv[2], tag="built-by-docker-py", nocache=True)
"""


@pytest.fixture
def builder(
    account: Account,
    identities: Mapping[str, Mapping[str, str]],
    image: str,
    host: str,
    store: str,
) -> tuple[Account, Path]:
    """Give an account with an empty cache, and a folder that builds on an image."""
    assert image
    person = Account(
        account.world, account.home, account.helpers, identities[IDENTITIES[host]]
    )
    if store == "credHelpers":
        person.docker_helper(HELPERS[host], host)
    else:
        person.docker_store(store)
    if host == AZURE_HOST and store != "credHelpers":
        config = person.home / ".config/dockcred/config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'[[registry]]\nmatch = "{host}"\n')
        config.chmod(0o600)
    folder = person.home / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {host}/team/app:1\nLABEL built=yes\n")
    return person, folder


CASES = pytest.mark.parametrize(
    ("host", "store"), [*STORES, *((host, "credHelpers") for host in HELPERS)]
)


@CASES
def test_docker_s_classic_builder_pulls_its_base(
    builder, engine: str, host: str
) -> None:
    account, folder = builder
    build = ("env", "DOCKER_BUILDKIT=0", program("docker"), "--host", engine, "build")
    account.succeed(*build, "--no-cache", "--pull", str(folder))
    account.run(
        program("docker"), "--host", engine, "image", "rm", f"{host}/team/app:1"
    )


@CASES
def test_docker_py_builds(builder, engine: str, host: str) -> None:
    if not importlib.util.find_spec("docker"):
        missing("docker-py is not installed: pip install docker")
    account, folder = builder
    account.succeed(sys.executable, "-I", "-c", BUILD, engine, str(folder))
    account.run(
        program("docker"), "--host", engine, "image", "rm", "-f", f"{host}/team/app:1"
    )
