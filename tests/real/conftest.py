"""The world, started once for all tests, and the clients' accounts in it."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from .clients import Account, write_liars
from .parts import program, require_a_world
from .registry import ACCOUNT_HOST, BACKEND, HOSTS, make_certificates, open_registry
from .world import World, open_world


@pytest.fixture(scope="session")
def helper_bin() -> Path:
    """Give the directory of the programs under test: DOCKCRED_BIN, or our venv's."""
    return Path(os.environ.get("DOCKCRED_BIN") or Path(sys.executable).parent)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Open the world where the registry's host names and CA are real."""
    require_a_world()
    with tempfile.TemporaryDirectory(prefix="dockcred-") as name:
        directory = Path(name)
        with open_world(directory, HOSTS, make_certificates(directory)) as world:
            yield world


@pytest.fixture(scope="session")
def identities(world: World) -> Iterator[Mapping[str, Mapping[str, str]]]:
    """Serve the sandbox cloud and the registries; give each identity's variables."""
    script = Path(__file__).with_name("sandbox_server.py")
    answer = world.directory / "sandbox.json"
    with world.server(*(sys.executable, str(script), str(answer)), ready=answer.exists):
        served = json.loads(answer.read_text())
        with open_registry(world, served["url"], served["certificate"]):
            yield served["environments"]


@pytest.fixture(scope="session")
def cloud(identities: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Give the environment of AWS's user, whom most tests are."""
    return identities["env-keys"]


@pytest.fixture(scope="session")
def layer(world: World) -> Path:
    """Write a root file system of one file, as a tar."""
    path = world.directory / "layer.tar"
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("hello")
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"hello\n"))
    return path


@pytest.fixture(scope="session")
def image(world: World, cloud: Mapping[str, str], layer: Path) -> str:
    """Put an image into the registry by its back door; name it as clients do."""
    name = "team/app:1"
    world.check(
        *(program("skopeo"), "--insecure-policy", "copy", "--format=v2s2"),
        *("--dest-tls-verify=false", f"tarball:{layer}", f"docker://{BACKEND}/{name}"),
    )
    return f"{ACCOUNT_HOST}/{name}"


@pytest.fixture(scope="session")
def liars(world: World) -> Path:
    """Write the helpers that lie."""
    directory = world.directory / "liars"
    directory.mkdir()
    return write_liars(directory)


@pytest.fixture
def account(
    world: World,
    cloud: Mapping[str, str],
    helper_bin: Path,
    liars: Path,
) -> Account:
    """Make a new account that may use the cloud and has the helpers on its PATH."""
    home = Path(tempfile.mkdtemp(prefix="home-", dir=world.directory))
    return Account(world, home, (liars, helper_bin), cloud)


@pytest.fixture(scope="session")
def engine(world: World, cloud: Mapping[str, str]) -> Iterator[str]:
    """Run a docker engine that shares nothing with the system's; give its address."""
    directory = world.directory / "engine"
    address = f"unix://{directory}/docker.sock"
    docker = program("docker")

    def answers() -> bool:
        return world.run(docker, "--host", address, "version").returncode == 0

    command = [
        *(program("dockerd"), "--host", address, "--pidfile", f"{directory}/pid"),
        *("--data-root", f"{directory}/data", "--exec-root", f"{directory}/exec"),
        *("--storage-driver=vfs", "--bridge=none", "--iptables=false"),
        *("--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
    ]
    with world.server(*command, ready=answers):
        yield address
