"""Fixtures: the world, started once for all tests, and the clients' accounts in it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support import build

from .clients import Account, write_liars
from .clouds import open_clouds, put_image
from .engine import open_engine, write_layer
from .fleet import Fleet, open_fleet
from .registry import ACCOUNT_HOST, HOSTS, make_certificates
from .world import World, open_world


@pytest.fixture(scope="session")
def helper_bin() -> Path:
    """Give the directory of the programs under test: DOCKCRED_BIN, or our venv's."""
    return Path(os.environ.get("DOCKCRED_BIN") or Path(sys.executable).parent)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Open a world in which the registries' host names and certificates are valid."""
    with open_world(HOSTS, make_certificates) as world:
        yield world


@pytest.fixture(scope="session")
def identities(world: World) -> Iterator[Mapping[str, Mapping[str, str]]]:
    """Serve the sandbox and the registries; yield the variables of each identity."""
    with open_clouds(world) as served:
        yield served["environments"]


@pytest.fixture(scope="session")
def cloud(identities: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the variables of an AWS user, the identity of most tests."""
    return identities["env-keys"]


@pytest.fixture(scope="session")
def layer(world: World) -> Path:
    """Write a root file system of one file, as a tar."""
    return write_layer(world.directory / "layer.tar")


@pytest.fixture(scope="session")
def image(world: World, cloud: Mapping[str, str], layer: Path) -> str:
    """Put an image into the registry without authentication; return clients' name."""
    name = "team/app:1"
    put_image(world, f"tarball:{layer}", name)
    return f"{ACCOUNT_HOST}/{name}"


@pytest.fixture(scope="session")
def liars(world: World) -> Path:
    """Write the wrong helpers; return their directory."""
    directory = world.directory / "liars"
    directory.mkdir()
    return write_liars(directory)


@pytest.fixture(scope="session")
def go_reader(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the program that reads rendered files by Go libraries (readers/go)."""
    target = tmp_path_factory.mktemp("readers") / "reader"
    build.go(Path(__file__).parent / "readers/go", target)
    return str(target)


@pytest.fixture(scope="session")
def rust_reader() -> str:
    """Build the program that reads rendered files by Rust crates (readers/rust)."""
    return str(build.rust(Path(__file__).parent / "readers/rust", "reader"))


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
    """Run a docker engine that shares nothing with the system's; yield its address."""
    with open_engine(world) as address:
        yield address


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Open another world, with one node and clouds that trust a cluster's key."""
    with open_fleet(tmp_path_factory.mktemp("cluster")) as fleet:
        yield fleet
