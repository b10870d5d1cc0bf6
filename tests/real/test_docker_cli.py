"""The docker CLI, without an engine, reads a private manifest, logs in and out."""

from __future__ import annotations

import json

import pytest

from .clients import Account, Configure
from .parts import every, program
from .registry import ACCOUNT_HOST, Visits

either_way = pytest.mark.parametrize(
    "configure", [Account.docker_helper, Account.docker_store]
)


@pytest.fixture(params=every("docker"))
def docker(request: pytest.FixtureRequest) -> str:
    """Return a docker CLI of the machine; a test runs once for each."""
    return program(request.param)


@either_way
def test_manifest_inspect(
    account: Account, docker: str, image: str, configure: Configure
) -> None:
    configure(account, "ecr-login")
    shown = account.succeed(docker, "manifest", "inspect", image)
    assert json.loads(shown.stdout)["layers"]


def test_without_a_helper_nobody_is_let_in(
    account: Account, docker: str, image: str
) -> None:
    account.refused(docker, "manifest", "inspect", image, user="-")


@pytest.mark.parametrize("liar", ["other-account", "altered"])
def test_a_wrong_password_is_refused(
    account: Account, docker: str, image: str, liar: str
) -> None:
    account.docker_helper(liar)
    account.refused(docker, "manifest", "inspect", image)


@either_way
def test_login_stores_no_password_and_says_so(
    account: Account, docker: str, configure: Configure
) -> None:
    configure(account, "ecr-login")
    password = account.password()
    login = (docker, "login", "--username", "AWS", "--password-stdin", ACCOUNT_HOST)
    visits = Visits(account.world)
    done = account.succeed(*login, stdin=password)
    assert visits.seen("AWS", 200)
    assert "stored" in done.stderr
    config = json.loads(account.docker_config.read_text())
    assert not any(config.get("auths", {}).values())


def test_login_with_a_wrong_password_is_refused(account: Account, docker: str) -> None:
    account.docker_helper("ecr-login")
    login = (docker, "login", "--username", "AWS", "--password-stdin", ACCOUNT_HOST)
    account.refused(*login, stdin="wrong")


@either_way
def test_after_logout_the_helper_still_answers(
    account: Account, docker: str, image: str, configure: Configure
) -> None:
    configure(account, "ecr-login")
    done = account.succeed(docker, "logout", ACCOUNT_HOST)
    assert "WARNING" not in done.stderr
    account.succeed(docker, "manifest", "inspect", image)
