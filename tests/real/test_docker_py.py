"""docker-py, the Python library, finds the helper and pulls through the engine."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from .clients import Account, Configure
from .parts import missing, program
from .registry import ACCOUNT_HOST, Visits

RESOLVE = """
import sys
from docker.auth import load_config
found = load_config().resolve_authconfig(sys.argv[1])
print(found["Username"], found["Password"])
"""
PULL = """
import sys
from docker import DockerClient
client = DockerClient(base_url=sys.argv[1])
print(*client.images.pull(sys.argv[2]).tags)
"""


@pytest.fixture
def python() -> tuple[str, ...]:
    """Return the command that runs a Python text in which docker-py can be imported."""
    if not importlib.util.find_spec("docker"):
        missing("docker-py is not installed: pip install docker")
    return (sys.executable, "-I", "-c")


@pytest.mark.parametrize("configure", [Account.docker_helper, Account.docker_store])
def test_the_registry_accepts_what_docker_py_resolved(
    account: Account, python: tuple[str, ...], configure: Configure
) -> None:
    configure(account, "ecr-login")
    user, password = account.succeed(*python, RESOLVE, ACCOUNT_HOST).stdout.split()
    login = (program("docker"), "login", "--username", user, "--password-stdin")
    visits = Visits(account.world)
    account.succeed(*login, ACCOUNT_HOST, stdin=password)
    assert visits.seen("AWS", 200)


def test_images_pull(
    account: Account, python: tuple[str, ...], engine: str, image: str
) -> None:
    account.docker_helper("ecr-login")
    assert image in account.succeed(*python, PULL, engine, image).stdout.split()


@pytest.mark.parametrize("liar", ["other-account", "altered"])
def test_a_wrong_password_is_refused(
    account: Account, python: tuple[str, ...], engine: str, image: str, liar: str
) -> None:
    account.docker_helper(liar)
    account.refused(*python, PULL, engine, image)


def test_without_a_helper_nobody_pulls(
    account: Account, python: tuple[str, ...], engine: str, image: str
) -> None:
    account.refused(*python, PULL, engine, image, user="-")
