"""The docker engine pushes and pulls with what the CLI's helper answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from .clients import Account
from .registry import ACCOUNT_HOST


@pytest.fixture
def docker(engine: str) -> tuple[str, ...]:
    """Return the docker command that uses the world's engine."""
    return ("docker", "--host", engine)


def test_what_was_pushed_can_be_pulled(
    account: Account, docker: tuple[str, ...], layer: Path
) -> None:
    image = f"{ACCOUNT_HOST}/team/by-engine:1"
    account.docker_helper("ecr-login")
    identity = account.succeed(*docker, "import", str(layer), image).stdout
    account.succeed(*docker, "push", image)
    account.succeed(*docker, "image", "rm", image)
    assert account.run(*docker, "image", "inspect", image).returncode == 1
    account.succeed(*docker, "pull", image)
    named = ("image", "inspect", "--format={{.Id}}", image)
    assert account.succeed(*docker, *named).stdout == identity


def test_pull_with_creds_store(
    account: Account, docker: tuple[str, ...], image: str
) -> None:
    account.docker_store("ecr-login")
    account.succeed(*docker, "pull", image)


def test_without_a_helper_nobody_pulls(
    account: Account, docker: tuple[str, ...], image: str
) -> None:
    account.refused(*docker, "pull", image, user="-")


@pytest.mark.parametrize("liar", ["other-account", "altered"])
@pytest.mark.parametrize("verb", ["pull", "push"])
def test_a_wrong_password_is_refused(
    account: Account, docker: tuple[str, ...], layer: Path, verb: str, liar: str
) -> None:
    image = f"{ACCOUNT_HOST}/team/refused:1"
    account.succeed(*docker, "import", str(layer), image)
    account.docker_helper(liar)
    account.refused(*docker, verb, image)
