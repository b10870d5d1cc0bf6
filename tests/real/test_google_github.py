"""docker's engine, skopeo and podman pull from Google's and GitHub's registries."""

from __future__ import annotations

import json

import pytest

from .clients import Account
from .parts import program
from .registry import GITHUB_HOST, GOOGLE_HOST

HELPERS = {GOOGLE_HOST: "gcr", GITHUB_HOST: "ghcr-login"}
USERS = {GOOGLE_HOST: "oauth2accesstoken", GITHUB_HOST: "x-access-token"}
CLIENTS = {
    "skopeo": lambda image: (
        *(program("skopeo"), "--insecure-policy", "inspect"),
        f"docker://{image}",
    ),
    "podman": lambda image: (
        *(program("podman"), "--storage-driver=vfs", "--cgroup-manager=cgroupfs"),
        *("pull", image),
    ),
}


@pytest.fixture(params=HELPERS)
def host(request: pytest.FixtureRequest) -> str:
    """Give the registry's real host name."""
    return str(request.param)


@pytest.fixture
def pulled(host: str, image: str) -> str:
    """Give the image's name at that registry."""
    return f"{host}/{image.partition('/')[2]}"


def configure(account: Account, host: str, helper: str) -> None:
    """Let the helper answer for the host alone."""
    account.docker_config.parent.mkdir(parents=True, exist_ok=True)
    account.docker_config.write_text(json.dumps({"credHelpers": {host: helper}}))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_pulls_with_what_the_helper_answers(
    account: Account, host: str, pulled: str, client: str
) -> None:
    configure(account, host, HELPERS[host])
    account.succeed(*CLIENTS[client](pulled))


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_without_a_helper_is_refused(
    account: Account, pulled: str, client: str
) -> None:
    account.refused(*CLIENTS[client](pulled), user="-")


def test_the_engine_pulls_with_what_the_helper_answers(
    account: Account, engine: str, host: str, pulled: str
) -> None:
    configure(account, host, HELPERS[host])
    account.succeed("docker", "--host", engine, "pull", pulled)


def test_an_altered_token_is_refused(account: Account, host: str, pulled: str) -> None:
    liar = account.home / "docker-credential-liar"
    alter = """sed 's/\\("Secret": *"\\)./\\1~/'"""
    liar.write_text(f'#!/bin/sh\ndocker-credential-{HELPERS[host]} "$1" | {alter}\n')
    liar.chmod(0o755)
    configure(account, host, "liar")
    told = Account(
        account.world, account.home, (account.home, *account.helpers), account.cloud
    )
    told.refused(*CLIENTS["skopeo"](pulled), user=USERS[host])
