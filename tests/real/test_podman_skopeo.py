"""podman and skopeo ask the helper, configured by auth.json or by registries.conf."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .clients import Account, Configure
from .parts import program
from .registry import ACCOUNT_HOST

every_file = pytest.mark.parametrize(
    "configure",
    [Account.docker_helper, Account.containers_auth, Account.containers_store],
)
every_liar = pytest.mark.parametrize("liar", ["other-account", "altered"])


@pytest.fixture
def skopeo() -> tuple[str, ...]:
    """Return the skopeo command; Debian's policy.json may be missing."""
    return (program("skopeo"), "--insecure-policy")


@pytest.fixture
def podman() -> tuple[str, ...]:
    """Return the podman command; its storage is in memory and ends with the world."""
    return (program("podman"), "--storage-driver=vfs", "--cgroup-manager=cgroupfs")


@every_file
def test_skopeo_inspects(
    account: Account, skopeo: tuple[str, ...], image: str, configure: Configure
) -> None:
    configure(account, "ecr-login")
    shown = account.succeed(*skopeo, "inspect", f"docker://{image}")
    assert "1" in json.loads(shown.stdout)["RepoTags"]


def test_skopeo_copies_there_and_back(
    account: Account, skopeo: tuple[str, ...], layer: Path
) -> None:
    account.containers_auth("ecr-login")
    there = f"docker://{ACCOUNT_HOST}/team/by-skopeo:1"
    account.succeed(*skopeo, "copy", f"tarball:{layer}", there)
    account.succeed(*skopeo, "copy", there, f"dir:{account.home}/back")
    assert (account.home / "back/manifest.json").is_file()


@every_liar
def test_skopeo_with_a_wrong_password_is_refused(
    account: Account, skopeo: tuple[str, ...], image: str, liar: str
) -> None:
    account.containers_auth(liar)
    account.refused(*skopeo, "inspect", f"docker://{image}")


def test_skopeo_without_a_helper_is_refused(
    account: Account, skopeo: tuple[str, ...], image: str
) -> None:
    account.refused(*skopeo, "inspect", f"docker://{image}", user="-")


@every_file
def test_podman_pulls(
    account: Account, podman: tuple[str, ...], image: str, configure: Configure
) -> None:
    configure(account, "ecr-login")
    account.succeed(*podman, "pull", image)
    account.succeed(*podman, "image", "exists", image)


def test_podman_pushes(
    account: Account, podman: tuple[str, ...], skopeo: tuple[str, ...], layer: Path
) -> None:
    image = f"{ACCOUNT_HOST}/team/by-podman:1"
    account.containers_store("ecr-login")
    account.succeed(*podman, "import", str(layer), image)
    account.succeed(*podman, "push", image)
    account.succeed(*skopeo, "inspect", f"docker://{image}")


@every_liar
def test_podman_with_a_wrong_password_is_refused(
    account: Account, podman: tuple[str, ...], image: str, liar: str
) -> None:
    account.containers_auth(liar)
    account.refused(*podman, "pull", image)


def test_podman_without_a_helper_is_refused(
    account: Account, podman: tuple[str, ...], image: str
) -> None:
    account.refused(*podman, "pull", image, user="-")
