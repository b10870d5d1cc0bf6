"""Real clients, without a network, ask the helper for the keys that configure wrote."""

from __future__ import annotations

import importlib.util
import json
import os
import sys

import pytest
from real.parts import missing, program

from .conftest import Person

HUB_URL = "https://index.docker.io/v1/"
HOST = "127.0.0.1:5055"
BOTH = ("--registry", "docker.io", "--registry", HOST, "--helper", "recorder")
DOCKER_PY = """
import sys
from docker.auth import load_config
load_config().resolve_authconfig(sys.argv[1])
"""

# podman, as root, always keeps its state in these two directories.
ALONE = (
    *("unshare", "--net", "--mount", "sh", "-c"),
    'mount -t tmpfs none /run && mount -t tmpfs -o X-mount.mkdir none /var/lib/containers && "$@"',
    "sh",
)

docker_inspect = ("docker", "manifest", "inspect", "--insecure")
skopeo_inspect = ("skopeo", "--insecure-policy", "inspect")
podman_pull = ("podman", "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "pull")
docker_py = (sys.executable, "-I", "-c", DOCKER_PY)

OF_CONFIG_JSON = [
    (*docker_inspect, "alpine", HUB_URL),
    (*docker_inspect, "docker.io/library/alpine", HUB_URL),
    (*docker_inspect, "index.docker.io/library/alpine", HUB_URL),
    (*docker_inspect, f"{HOST}/a", HOST),
    (*docker_py, "docker.io", HUB_URL),
    (*docker_py, "index.docker.io", "index.docker.io"),
    (*docker_py, HOST, HOST),
]
OF_CONTAINERS = [
    (*skopeo_inspect, "docker://alpine", "docker.io"),
    (*skopeo_inspect, "docker://index.docker.io/library/alpine", "docker.io"),
    (*skopeo_inspect, f"docker://{HOST}/a", HOST),
    (*podman_pull, "docker.io/library/alpine", "docker.io"),
    (*podman_pull, f"{HOST}/a", HOST),
]


pytestmark = pytest.mark.usefixtures("own_mounts")


def asks(person: Person, *command: str) -> set[str]:
    """Run a client without a network; return the keys it asked the helper for."""
    if "docker.auth" in command[-2] and not importlib.util.find_spec("docker"):
        missing("docker-py is not installed: pip install docker")
    program(command[0])
    person.asked()
    person.run(*ALONE, *command)
    asked = [line.partition(" ") for line in person.asked()]
    assert all(verb == "get" for verb, _, _ in asked)
    return {key for _, _, key in asked}


def shown(command: tuple[str, ...]) -> str:
    return f"{os.path.basename(command[0])} {command[-2]}"


@pytest.mark.parametrize("case", [*OF_CONFIG_JSON, *OF_CONTAINERS], ids=shown)
def test_after_configure_docker(person: Person, case: tuple[str, ...]) -> None:
    *command, key = case
    person.configure("docker", *BOTH)
    assert asks(person, *command) == {key}


@pytest.mark.parametrize("case", [*OF_CONFIG_JSON, *OF_CONTAINERS], ids=shown)
def test_without_that_very_key_the_client_asks_nobody(
    person: Person, case: tuple[str, ...]
) -> None:
    """So configure writes no key that no client needs."""
    *command, key = case
    person.configure("docker", *BOTH)
    path = person.home / ".docker/config.json"
    config = json.loads(path.read_text())
    del config["credHelpers"][key]
    path.write_text(json.dumps(config))
    assert asks(person, *command) == set()


@pytest.mark.parametrize("case", OF_CONFIG_JSON, ids=shown)
def test_after_configure_docker_for_all(person: Person, case: tuple[str, ...]) -> None:
    *command, key = case
    person.configure("docker", "--all", "--helper", "recorder")
    assert key in asks(person, *command)


@pytest.mark.parametrize("case", OF_CONTAINERS, ids=shown)
def test_after_configure_podman(person: Person, case: tuple[str, ...]) -> None:
    *command, key = case
    person.configure("podman", *BOTH)
    assert asks(person, *command) == {key}


@pytest.mark.parametrize("case", OF_CONTAINERS, ids=shown)
def test_after_configure_podman_for_all(person: Person, case: tuple[str, ...]) -> None:
    *command, key = case
    person.configure("podman", "--all", "--helper", "recorder")
    assert asks(person, *command) == {key}


def test_the_drop_in_leaves_the_system_s_registries_conf_in_force(
    person: Person,
) -> None:
    """A user's registries.conf would replace it: podman reads only one of them."""
    for command in ("podman", "unshare"):
        program(command)
    system = person.write(
        "system.conf", 'unqualified-search-registries = ["s.example"]\n'
    )
    script = (
        f"mount --bind {system} /etc/containers/registries.conf &&"
        " podman --storage-driver=vfs info --format '{{.Registries}}'"
    )
    look = (*ALONE, "sh", "-c", script)
    person.configure("podman", "--all", "--helper", "recorder")
    assert "s.example" in person.run(*look).stdout
    person.write(".config/containers/registries.conf", "")
    assert "s.example" not in person.run(*look).stdout


def test_a_login_in_a_file_serves_podman_where_the_helper_has_nothing(
    person: Person,
) -> None:
    program("podman")
    auths = {"auths": {HOST: {"auth": "bWU6c2VjcmV0"}}}
    person.write(".config/containers/auth.json", json.dumps(auths))
    person.configure("podman", "--all", "--helper", "recorder")
    done = person.run(*ALONE, "podman", "login", "--get-login", HOST)
    assert done.stdout == "me\n"
    assert person.asked() == [f"get {HOST}"]


def test_a_login_of_the_session_comes_first_and_configure_says_so(
    person: Person,
) -> None:
    runtime = person.home / "run"
    auths = {"auths": {HOST: {"auth": "YTpi"}}}
    person.write("run/containers/auth.json", json.dumps(auths))
    variables = {"XDG_RUNTIME_DIR": str(runtime)}
    done = person.configure("podman", *BOTH, **variables)
    assert f"has a login for {HOST}, which comes first" in done.stderr
    assert "docker.io" not in done.stderr
    login = (program("podman"), "login", "--get-login", HOST)
    assert person.run(*ALONE, *login, **variables).stdout == "a\n"
    assert person.asked() == []
