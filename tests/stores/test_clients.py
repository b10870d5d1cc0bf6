"""Real clients with `credsStore: keyring`, on every kind of backend."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time

import pytest
from docker.credentials import Store
from docker.credentials.errors import CredentialsNotFound
from support.program import BUSY_S
from support.real import require_own_mounts

from .parts import PROGRAMS, program

HUB = "https://index.docker.io/v1/"
WEB_LOGIN = (HUB, f"{HUB}access-token", f"{HUB}refresh-token")
USER, PASSWORD = "user", "registry-password"
# A bcrypt hash, the only kind that the registry accepts.
HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuux7DVfxfgfXTmp/9Tsk6HzX2QQGjxePG\n"


@pytest.fixture
def registry(place):
    """Provide a registry on the loopback that requires a password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    (place.path / "htpasswd").write_text(HTPASSWD)
    configuration = place.path / "registry.yml"
    configuration.write_text(
        json.dumps(
            {
                "version": "0.1",
                "log": {"level": "error"},
                "storage": {"filesystem": {"rootdirectory": f"{place.path}/images"}},
                "http": {"addr": host},
                "auth": {
                    "htpasswd": {"realm": "test", "path": f"{place.path}/htpasswd"}
                },
            }
        )
    )
    served = subprocess.Popen(
        [program("docker-registry"), "serve", str(configuration)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        give_up = time.monotonic() + BUSY_S
        while time.monotonic() < give_up:
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", int(host.partition(":")[2]))) == 0:
                    break
            time.sleep(0.05)
        yield host
    finally:
        served.kill()
        served.wait()


@pytest.fixture
def config(place):
    """Write a docker configuration that names our helper; return its path."""
    path = place.path / ".docker/config.json"
    path.parent.mkdir(mode=0o700)
    path.write_text(json.dumps({"credsStore": "keyring"}))
    return path


def login(place, host, password=PASSWORD):
    return place.run(
        "docker", "login", "-u", USER, "--password-stdin", host, text=password
    )


def test_docker_login_keeps_and_logout_drops_the_password(place, registry, config):
    done = login(place, registry)
    assert done.returncode == 0, done.stderr
    assert "Login Succeeded" in done.stdout
    assert place.helper.get(registry) == (USER, PASSWORD)
    assert json.loads(config.read_text())["auths"] == {registry: {}}
    gone = place.run("docker", "logout", registry)
    assert gone.returncode == 0
    assert "WARNING" not in gone.stdout + gone.stderr
    place.helper.finds_nothing(registry)
    assert place.helper.list() == {}


def test_oras_crane_and_docker_use_what_docker_login_kept(place, registry, config):
    image = f"{registry}/team/app:1"
    for name in ("oras", "crane", "docker"):
        program(name)
    (place.path / "hello").write_text("hello\n")
    push = ("oras", "push", "--plain-http", "--disable-path-validation", image)
    refused = place.run(*push, f"{place.path}/hello")
    assert refused.returncode != 0
    assert login(place, registry).returncode == 0
    pushed = place.run(*push, f"{place.path}/hello")
    assert pushed.returncode == 0, pushed.stderr
    read = {
        "oras": ("oras", "manifest", "fetch", "--plain-http", image),
        "crane": ("crane", "manifest", "--insecure", image),
        "docker": ("docker", "manifest", "inspect", "--insecure", image),
    }
    for name, command in read.items():
        shown = place.run(*command)
        assert shown.returncode == 0, (name, shown.stderr)
        assert json.loads(shown.stdout)["schemaVersion"] == 2
    place.run("docker", "logout", registry)
    for name, command in read.items():
        assert place.run(*command).returncode != 0, name


def test_oras_logs_in_and_out_itself(place, registry, config):
    done = place.run(
        "oras", "login", "--plain-http", "-u", USER, "--password-stdin", registry,
        text=PASSWORD,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert place.helper.get(registry) == (USER, PASSWORD)
    assert place.run("oras", "logout", registry).returncode == 0
    place.helper.finds_nothing(registry)


def test_skopeo_logs_in_and_out_by_cred_helpers(place, registry, config):
    config.write_text(json.dumps({"credHelpers": {registry: "keyring"}}))
    file = f"--authfile={config}"
    done = place.run(
        "skopeo", "login", "--tls-verify=false", file, "-u", USER,
        "--password-stdin", registry, text=PASSWORD,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert place.helper.get(registry) == (USER, PASSWORD)
    for _ in range(2):
        place.run("skopeo", "logout", file, registry)
        place.helper.finds_nothing(registry)


def test_docker_logout_from_hub_drops_the_three_keys_of_a_web_login(place, config):
    """The real CLI asks for the refresh token, revokes it, and erases all three."""
    require_own_mounts()
    for key in WEB_LOGIN:
        place.helper.store(key, USER, f"secret of {key}..client")
    config.write_text(json.dumps({"credsStore": "keyring", "auths": {HUB: {}}}))
    done = place.run("unshare", "-n", program("docker"), "logout")
    assert done.returncode == 0, done.stderr
    for key in WEB_LOGIN:
        place.helper.finds_nothing(key)
    assert place.helper.list() == {}


@pytest.fixture
def store(place, monkeypatch):
    """Open docker-py's store, which finds the helper on its own PATH."""
    monkeypatch.setenv("PATH", str(PROGRAMS), prepend=os.pathsep)
    absent = {"HOME", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"}
    for name in absent - set(place.variables):
        monkeypatch.delenv(name, raising=False)
    return Store("keyring", environment=place.variables)


def test_docker_py_keeps_all_its_promises(store):
    """The same store, get, list and erase calls as in docker-py's own tests."""
    assert store.list() == {}
    with pytest.raises(CredentialsNotFound):
        store.get("never.io")
    for key in WEB_LOGIN:
        store.store(server=key, username=USER, secret=f"s {key}")
    for key in WEB_LOGIN:
        assert store.get(key) == {
            "ServerURL": key,
            "Username": USER,
            "Secret": f"s {key}",
        }
    store.store(server="r.io", username=USER, secret="ä\n")
    assert store.get("https://r.io")["Secret"] == "ä\n"
    assert set(store.list()) == {*WEB_LOGIN, "r.io"}
    store.store(server="r.io", username="other", secret="new")
    assert store.get("r.io")["Username"] == "other"
    for key in (*WEB_LOGIN, "r.io"):
        store.erase(key)
        with pytest.raises(CredentialsNotFound):
            store.get(key)
    assert store.list() == {}
