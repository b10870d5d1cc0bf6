"""Real clients can pull a private image in `dockcred exec`, and not outside of it."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.program import wait_until

from .clients import Account
from .parts import missing, program
from .registry import ACCOUNT_HOST, Visits
from .test_configured import HELM, crane, docker, named, oras, podman, skopeo
from .test_docker_py import PULL
from .world import World

# A plugin like buildx: docker runs it, and BUILDX_CONFIG says where its state is.
PLUGIN = """#!/bin/sh -e
if [ "$1" = docker-cli-plugin-metadata ]; then
    echo '{"SchemaVersion": "0.1.0", "Vendor": "tests", "Version": "1"}'
elif [ "$2" = create ]; then
    mkdir -p "$BUILDX_CONFIG/instances" && touch "$BUILDX_CONFIG/instances/$3"
else
    ls "${BUILDX_CONFIG:-$HOME/.docker/buildx}/instances"
fi
"""
SWAP_ONE_CHARACTER = """
sed -i 's/\\("auth": "...........\\)./\\1A/' "$DOCKER_CONFIG/config.json" && exec "$@"
"""


class Outsider:
    """A person with an identity in the cloud, but no helper and no files of clients."""

    def __init__(self, account: Account, dockcred: Path) -> None:
        self.account = account
        self._exec = [str(dockcred), "exec", "--registry", ACCOUNT_HOST]

    def within(self, *command: str, options: tuple[str, ...] = ()) -> list[str]:
        """Return the command line that runs a command in `dockcred exec`."""
        return [*self._exec, *options, "--", *command]


@pytest.fixture
def outsider(world: World, cloud: Mapping[str, str], helper_bin: Path) -> Outsider:
    home = Path(tempfile.mkdtemp(prefix="home-", dir=world.directory))
    return Outsider(Account(world, home, (), cloud), helper_bin / "dockcred")


def reading(client: tuple[str, ...], image: str) -> list[str]:
    """Return the command by which a client reads an image."""
    name, *arguments = client
    prefix = "docker://" if client is skopeo else ""
    return [program(name), *arguments, f"{prefix}{image}"]


def is_let_in_only_within(
    outsider: Outsider, *command: str, options: tuple[str, ...] = ()
) -> None:
    account = outsider.account
    account.refused(*command, user="-")
    visits = Visits(account.world)
    account.succeed(*outsider.within(*command, options=options))
    assert visits.seen("AWS", 200)
    account.refused(*command, user="-")
    # Directories of other tests may come and go meanwhile.
    find = (
        "find",
        "/dev/shm",
        "/run",
        "-ignore_readdir_race",
        "-name",
        "dockcred-exec*",
    )
    wait_until(lambda: account.succeed(*find).stdout == "")


@pytest.mark.parametrize("client", [docker, skopeo, podman, oras, crane], ids=named)
def test_a_client_is_let_in(
    outsider: Outsider, image: str, client: tuple[str, ...]
) -> None:
    is_let_in_only_within(outsider, *reading(client, image))


@pytest.mark.parametrize("client", [docker, oras, crane], ids=named)
def test_a_client_is_let_in_by_the_secret_and_by_no_other(
    outsider: Outsider, image: str, client: tuple[str, ...]
) -> None:
    command = reading(client, image)
    is_let_in_only_within(outsider, *command, options=("--secret",))
    altered = ("sh", "-c", SWAP_ONE_CHARACTER, "sh", *command)
    outsider.account.refused(*outsider.within(*altered, options=("--secret",)))


def test_the_engine_pulls(outsider: Outsider, image: str, engine: str) -> None:
    is_let_in_only_within(outsider, "docker", "--host", engine, "pull", image)
    outsider.account.succeed("docker", "--host", engine, "image", "rm", image)


def test_docker_py_pulls(outsider: Outsider, image: str, engine: str) -> None:
    if not importlib.util.find_spec("docker"):
        missing("docker-py is not installed: pip install docker")
    pull = (sys.executable, "-I", "-c", PULL, engine, image)
    is_let_in_only_within(outsider, *pull)
    outsider.account.succeed("docker", "--host", engine, "image", "rm", image)


def test_helm_is_let_in(outsider: Outsider, image: str) -> None:
    """The client is Helm's own registry client, from helm-python-sdk of PyPI."""
    if not importlib.util.find_spec("helm_python"):
        missing("helm is not installed: pip install helm-python-sdk")
    ask = (sys.executable, "-I", "-c", HELM, f"oci://{image}")
    is_let_in_only_within(outsider, *ask)


def test_contexts_are_listed_and_used_as_without(
    outsider: Outsider, engine: str
) -> None:
    """config.json names the context in use; one created in exec exists afterwards."""
    docker = program("docker")
    account = outsider.account
    make = ("context", "create", "--docker", f"host={engine}")
    account.succeed(docker, *make, "before")
    account.succeed(docker, "context", "use", "before")
    listing = (docker, "context", "ls", "--format", "{{.Name}} {{.Current}}")
    without = account.succeed(*listing).stdout
    assert "before true" in without
    assert account.succeed(*outsider.within(*listing)).stdout == without
    account.succeed(*outsider.within(docker, "version"))
    account.succeed(*outsider.within(docker, *make, "within"))
    assert "within false" in account.succeed(*listing).stdout


def test_a_plugin_runs_and_its_builders_are_there_afterwards(
    outsider: Outsider,
) -> None:
    docker = program("docker")
    plugin = outsider.account.home / ".docker/cli-plugins/docker-xbuilder"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    account = outsider.account
    account.succeed(*outsider.within(docker, "xbuilder", "create", "mine"))
    for listing in (
        (docker, "xbuilder", "ls"),
        outsider.within(docker, "xbuilder", "ls"),
    ):
        assert account.succeed(*listing).stdout == "mine\n"
