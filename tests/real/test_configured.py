"""From an empty home, `install` and `configure` alone make real clients work."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from dockcred.wiring import PROGRAMS

from .clients import Account
from .parts import missing, program
from .registry import ACCOUNT_HOST, Visits
from .test_docker_py import PULL
from .world import World

HELPERS = [
    name for name in ("ecr-login", "auto") if f"docker-credential-{name}" in PROGRAMS
]
ONE = ("--registry", ACCOUNT_HOST)
ALL = ("--all",)

docker = ("docker", "manifest", "inspect")
skopeo = ("skopeo", "--insecure-policy", "inspect")
podman = ("podman", "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "pull")
crane = ("crane", "digest")
oras = ("oras", "manifest", "fetch")

HELM = """
import sys
from helm_python import RegistryClient
print(RegistryClient().resolve(sys.argv[1]))
"""

READERS = [
    *[(("docker", *how), client) for how in (ONE, ALL) for client in (docker, crane, oras)],
    *[(("docker", *ONE), client) for client in (skopeo, podman)],
    *[(("podman", *how), client) for how in (ONE, ALL) for client in (skopeo, podman)],
]  # fmt: skip


class Newcomer:
    """A person with launchers on PATH, and no files of clients."""

    def __init__(self, account: Account, dockcred: str) -> None:
        self.account = account
        self._dockcred = dockcred
        self.dockcred("install", "--dir", str(account.helpers[0]))
        self._before = self.files()

    def dockcred(self, *arguments: str) -> str:
        return self.account.succeed(self._dockcred, *arguments).stdout

    def files(self) -> dict[str, tuple[int, bytes]]:
        """Read the home directory, except the token cache and podman's own state."""
        return {
            str(path): (
                path.stat().st_mode,
                path.read_bytes() if path.is_file() else b"",
            )
            for path in self.account.home.rglob("*")
            if ".cache" not in path.parts and ".local/share" not in str(path)
        }

    def is_as_before(self) -> bool:
        return self.files() == self._before


@pytest.fixture
def newcomer(world: World, cloud: Mapping[str, str], helper_bin: Path) -> Newcomer:
    home = Path(tempfile.mkdtemp(prefix="home-", dir=world.directory))
    account = Account(world, home, (home / ".local/bin",), cloud)
    return Newcomer(account, str(helper_bin / "dockcred"))


def read(newcomer: Newcomer, client: tuple[str, ...], image: str) -> list[str]:
    prefix = "docker://" if client is skopeo else ""
    name, *arguments = client
    return [program(name), *arguments, f"{prefix}{image}"]


def named(value: object) -> str:
    return " ".join(value)[:16] if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("how, client", READERS, ids=named)
def test_a_client_is_let_in_and_after_undo_turned_away(
    newcomer: Newcomer,
    image: str,
    how: tuple[str, ...],
    client: tuple[str, ...],
    helper: str,
) -> None:
    command = read(newcomer, client, image)
    newcomer.account.refused(*command, user="-")
    newcomer.dockcred("configure", *how, "--helper", helper)
    visits = Visits(newcomer.account.world)
    newcomer.account.succeed(*command)
    assert visits.seen("AWS", 200)
    newcomer.dockcred("configure", how[0], "--undo")
    assert newcomer.is_as_before()
    newcomer.account.refused(*command, user="-")


@pytest.mark.parametrize("helper", HELPERS)
@pytest.mark.parametrize("how", [ONE, ALL], ids=named)
def test_docker_py_pulls_and_after_undo_is_turned_away(
    newcomer: Newcomer, engine: str, image: str, how: tuple[str, ...], helper: str
) -> None:
    if not importlib.util.find_spec("docker"):
        missing("docker-py is not installed: pip install docker")
    pull = (sys.executable, "-I", "-c", PULL, engine, image)
    newcomer.dockcred("configure", "docker", *how, "--helper", helper)
    newcomer.account.succeed(*pull)
    newcomer.dockcred("configure", "docker", "--undo")
    assert newcomer.is_as_before()
    newcomer.account.refused(*pull, user="-")


@pytest.mark.parametrize("how", [ONE, ALL], ids=named)
def test_helm_is_let_in_and_after_undo_turned_away(
    newcomer: Newcomer, image: str, how: tuple[str, ...]
) -> None:
    """The client is Helm's own registry client, from helm-python-sdk of PyPI."""
    if not importlib.util.find_spec("helm_python"):
        missing("helm is not installed: pip install helm-python-sdk")
    ask = (sys.executable, "-I", "-c", HELM, f"oci://{image}")
    newcomer.account.refused(*ask, user="-")
    newcomer.dockcred("configure", "helm", *how, "--helper", "ecr-login")
    visits = Visits(newcomer.account.world)
    newcomer.account.succeed(*ask)
    assert visits.seen("AWS", 200)
    newcomer.dockcred("configure", "helm", "--undo")
    assert newcomer.is_as_before()
    newcomer.account.refused(*ask, user="-")


def test_after_docker_login_undo_takes_our_key_and_leaves_docker_s(
    newcomer: Newcomer, image: str
) -> None:
    """docker login writes a stub for the host, and the whole file in its own form."""
    newcomer.dockcred("configure", "docker", *ONE, "--helper", "ecr-login")
    password = newcomer.account.password()
    login = ("login", "--username", "AWS", "--password-stdin", ACCOUNT_HOST)
    newcomer.account.succeed(program("docker"), *login, stdin=password)
    newcomer.account.succeed(*read(newcomer, docker, image))
    said = newcomer.dockcred("configure", "docker", "--undo")
    assert "others have changed it since" in said
    config = json.loads(newcomer.account.docker_config.read_text())
    assert config == {"auths": {ACCOUNT_HOST: {}}}


def test_an_alias_serves_a_file_that_names_another_helper(
    newcomer: Newcomer, image: str
) -> None:
    newcomer.account.docker_helper("old-name")
    newcomer.account.refused(*read(newcomer, docker, image), user="-")
    directory = ("--dir", str(newcomer.account.helpers[0]))
    newcomer.dockcred("install", *directory, "--alias", "old-name=ecr-login")
    newcomer.account.succeed(*read(newcomer, docker, image))


def test_install_remove_takes_all_away(newcomer: Newcomer) -> None:
    directory = ("--dir", str(newcomer.account.helpers[0]))
    newcomer.dockcred("install", *directory, "--alias", "old-name=ecr-login")
    newcomer.dockcred("install", *directory, "--remove")
    assert not [name for name, (_, data) in newcomer.files().items() if data]
