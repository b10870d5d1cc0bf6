"""Fixtures: a world with the whole chain in it, and jobs that push."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from real.clients import Account
from real.engine import open_engine, write_layer
from real.world import World, open_world

from .chain import HOST, Chain, make_certificates, open_chain


@pytest.fixture(scope="session")
def helper_bin() -> Path:
    """Give the directory of the programs under test: DOCKCRED_BIN, or our venv's."""
    return Path(os.environ.get("DOCKCRED_BIN") or Path(sys.executable).parent)


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """Open a world where the registry's host name and CA are real."""
    with open_world((HOST,), make_certificates) as world:
        yield world


@pytest.fixture(scope="session")
def chain(world: World, helper_bin: Path) -> Iterator[Chain]:
    """Serve issuers, token service and registry."""
    with open_chain(world, helper_bin) as chain:
        yield chain


@pytest.fixture(scope="session")
def engine(world: World) -> Iterator[str]:
    """Run a docker engine; give its address."""
    with open_engine(world) as address:
        yield address


@pytest.fixture(scope="session")
def layer(world: World) -> Path:
    """Write a root file system of one file, as a tar."""
    return write_layer(world.directory / "layer.tar")


Runner = Callable[[Mapping[str, str]], Account]


@pytest.fixture
def runner(world: World, helper_bin: Path) -> Runner:
    """Give a fresh runner to a job, its clients configured for docker-credential-oidc."""

    def start(job: Mapping[str, str]) -> Account:
        home = Path(tempfile.mkdtemp(prefix="runner-", dir=world.directory))
        account = Account(world, home, (helper_bin,), job)
        account.docker_helper("oidc", HOST)
        auth = home / ".config/containers/auth.json"
        auth.parent.mkdir(parents=True)
        auth.write_text(json.dumps({"credHelpers": {HOST: "oidc"}}))
        return account

    return start
