"""Clients that `list` first, and `get` what is listed, while nothing is cached yet.

With `auto` each client runs once more: then everything is cached.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import oracles, real

from .clients import Account
from .parts import missing, program
from .registry import ACCOUNT_HOST, AZURE_HOST, GITHUB_HOST, GOOGLE_HOST

pytestmark = pytest.mark.slow

KEPT = Path("/usr/local/lib/dockcred-ci")
TESTCONTAINERS = KEPT / "testcontainers/node_modules/testcontainers"
AWS_S_OWN = KEPT / "bin/docker-credential-ecr-login"
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
PY_BUILD = """
import sys
from docker import DockerClient
client = DockerClient(base_url=sys.argv[1])
client.images.build(path=sys.argv[2], tag="built-by-docker-py", nocache=True)
"""
NODE_PULL = """
const [where, image] = process.argv.slice(1);
const { getContainerRuntimeClient, ImageName } = require(where);
(async () => {
  const client = await getContainerRuntimeClient();
  await client.image.pull(ImageName.fromString(image), { force: true });
  await client.image.inspect(ImageName.fromString(image));
})().catch((error) => { console.error(String(error)); process.exitCode = 1; });
"""


@dataclass(frozen=True)
class Place:
    """A client's engine, a folder whose Dockerfile uses an image, and the image."""

    engine: str
    folder: Path
    image: str


def by_docker(place: Place) -> tuple[str, ...]:
    """Return a command: docker's classic builder builds the folder."""
    build = ("env", "DOCKER_BUILDKIT=0", program("docker"), "--host", place.engine)
    return (*build, "build", "--no-cache", "--pull", str(place.folder))


def by_docker_py(place: Place) -> tuple[str, ...]:
    """Return a command: docker-py builds the folder."""
    if not importlib.util.find_spec("docker"):
        missing("docker-py is not installed: pip install docker")
    return (sys.executable, "-I", "-c", PY_BUILD, place.engine, str(place.folder))


def by_testcontainers(place: Place) -> tuple[str, ...]:
    """Return a command: testcontainers for Node.js pulls the image by its own code."""
    node = real.program("node")
    if not TESTCONTAINERS.exists():
        missing("testcontainers is not installed: see .ci/run")
    # Otherwise it looks for the host by the engine's bridge, which this engine lacks.
    engine = (f"DOCKER_HOST={place.engine}", "TESTCONTAINERS_HOST_OVERRIDE=localhost")
    return ("env", *engine, node, "-e", NODE_PULL, str(TESTCONTAINERS), place.image)


def by_regctl(place: Place) -> tuple[str, ...]:
    """Return a command: regctl reads the image's manifest."""
    return (str(oracles.program("regctl")), "manifest", "get", place.image)


CLIENTS = {
    "docker build": by_docker,
    "docker-py": by_docker_py,
    "testcontainers": by_testcontainers,
    "regctl": by_regctl,
}
every_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)


@pytest.fixture
def person(
    account: Account, identities: Mapping[str, Mapping[str, str]], host: str
) -> Account:
    """Return an account with an identity for the host, and an empty cache."""
    world, home, helpers = account.world, account.home, account.helpers
    return Account(world, home, helpers, identities[IDENTITIES[host]])


@pytest.fixture
def place(person: Account, engine: str, image: str, host: str) -> Place:
    """Return a place whose folder uses the host's image."""
    path = image.partition("/")[2]
    folder = person.home / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {host}/{path}\nLABEL built=yes\n")
    return Place(engine, folder, f"{host}/{path}")


def _forget(person: Account, place: Place) -> None:
    """Remove the image that a client has pulled from the engine."""
    docker = (program("docker"), "--host", place.engine)
    person.run(*docker, "image", "rm", "-f", place.image)


@every_client
@pytest.mark.parametrize("host", HELPERS)
@pytest.mark.parametrize("store", ["auto", "own", "credHelpers"])
def test_a_client_that_lists_gets_in_cold_and_warm(
    person: Account, place: Place, client, host: str, store: str
) -> None:
    if store == "credHelpers":
        person.docker_helper(HELPERS[host], host)
    else:
        person.docker_store(HELPERS[host] if store == "own" else store)
    if host == AZURE_HOST and store != "credHelpers":
        # Azure's identities name no registry, so config.toml names it.
        config = person.home / ".config/dockcred/config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f'[[registry]]\nmatch = "{host}"\n')
        config.chmod(0o600)
    command = client(place)
    cache = person.home / ".cache/dockcred"
    assert not cache.exists()
    person.succeed(*command)
    _forget(person, place)
    assert cache.exists()
    if store == "auto":
        person.succeed(*command)
        _forget(person, place)


@every_client
@pytest.mark.parametrize("host", [ACCOUNT_HOST])
@pytest.mark.parametrize("store", ["ecr-login", "credHelpers"])
def test_aws_s_own_helper_lets_the_same_clients_in(
    person: Account, place: Place, client, host: str, store: str, tmp_path: Path
) -> None:
    """Ours must serve the clients that AWS's own helper serves, as a drop-in."""
    if not AWS_S_OWN.exists():
        missing("AWS's own helper is not there: see .ci/run")
    (tmp_path / AWS_S_OWN.name).symlink_to(AWS_S_OWN)
    person = Account(person.world, person.home, (tmp_path,), person.cloud)
    if store == "credHelpers":
        person.docker_helper("ecr-login", host)
    else:
        person.docker_store(store)
    person.succeed(*client(place))
    _forget(person, place)


@every_client
@pytest.mark.parametrize("host", [ACCOUNT_HOST])
def test_a_client_gets_nothing_of_what_is_not_listed(
    person: Account, place: Place, client, host: str, tmp_path: Path
) -> None:
    """Otherwise the tests above would not test `list`."""
    mute = tmp_path / "docker-credential-mute"
    mute.write_text(
        '#!/bin/sh\n[ "$1" = list ] && echo "{}" || exec docker-credential-auto "$@"\n'
    )
    mute.chmod(0o755)
    helpers = (tmp_path, *person.helpers)
    person = Account(person.world, person.home, helpers, person.cloud)
    person.docker_store("mute")
    person.refused(*client(place), user="-")
    person.docker_store("auto")
    person.succeed(*client(place))
    _forget(person, place)
