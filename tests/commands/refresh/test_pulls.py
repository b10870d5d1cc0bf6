"""Real clients pull with what is refreshed, for longer than a password lives."""

from __future__ import annotations

import base64
import json
import subprocess
import tarfile
from pathlib import Path

import pytest
from support.private_registry import PrivateRegistry, private_registry
from support.program import BUSY_S, wait_until

from dockcred.testing.sandbox import Sandbox

from .api_server import SYSTEM_PATH

LIFE_S = 5
CLIENTS = {
    "skopeo": "skopeo --insecure-policy inspect --tls-verify=false"
    " --authfile {file} docker://{image}",
    "docker": "DOCKER_CONFIG={file.parent} docker manifest inspect --insecure {image}",
    "crane": "DOCKER_CONFIG={file.parent} crane digest {image}",
}


@pytest.fixture
def cloud():
    with Sandbox(expires_s=LIFE_S) as sandbox:
        yield sandbox


@pytest.fixture
def registry(cloud, tmp_path):
    with private_registry(cloud, tmp_path) as served:
        yield served


@pytest.fixture
def keeper(make_keeper, cloud, registry):
    return make_keeper(cloud, DOCKCRED_CONFIG=str(registry.config))


def pull(client: str, file: Path, registry: PrivateRegistry) -> bool:
    image = f"{registry.host}/team/app:1"
    done = subprocess.run(
        ["sh", "-c", CLIENTS[client].format(file=file, image=image)],
        env={"PATH": SYSTEM_PATH, "HOME": str(file.parent)},
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    # docker may report a refusal as "no such manifest".
    refusals = ("nauthorized", "authentication required", "no such manifest")
    refused = any(word in done.stderr for word in refusals)
    assert refused == (done.returncode != 0), done.stderr
    return not refused


def push(file: Path, registry: PrivateRegistry) -> None:
    layer = file.parent / "layer.tar"
    with tarfile.open(layer, "w") as tar:
        tar.addfile(tarfile.TarInfo("empty"))
    image = f"{registry.host}/team/app:1"
    subprocess.run(
        ["crane", "append", "--new_layer", layer, "--new_tag", image],
        env={"PATH": SYSTEM_PATH, "DOCKER_CONFIG": str(file.parent)},
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )


def password(file: Path, registry: PrivateRegistry) -> str:
    auth = json.loads(file.read_text())["auths"][registry.host]["auth"]
    return base64.b64decode(auth).decode().partition(":")[2]


def test_a_file_opens_the_registry_for_longer_than_its_password_lives(keeper, registry):
    file = keeper.home / "config.json"
    keeper.wants(
        {
            "format": "docker-config",
            "registries": [registry.host],
            "file": str(file),
        }
    )
    with keeper.start() as running:
        running.says("wrote")
        push(file, registry)
        first = password(file, registry)
        while registry.admits(first):
            for client in CLIENTS:
                assert pull(client, file, registry), running.said
        for client in CLIENTS:
            assert pull(client, file, registry), running.said
    assert len(registry.passwords()) >= 2
    # After the end of the loop the last password expires, and no client can pull.
    last = password(file, registry)
    wait_until(lambda: not registry.admits(last))
    for client in CLIENTS:
        assert not pull(client, file, registry)


def test_what_a_secret_holds_opens_the_registry(
    make_keeper, cloud, registry, api, namespaces
):
    keeper = make_keeper(
        cloud, DOCKCRED_CONFIG=str(registry.config), KUBECONFIG=api.kubeconfig()
    )
    file = keeper.home / "config.json"
    keeper.wants(
        {
            "format": "kubernetes-secret",
            "registries": [registry.host],
            "secret": "registry-pull",
            "namespaces": namespaces[:1],
        }
    )

    def fetch() -> None:
        held = api.get("secret", "registry-pull", namespaces[0])["data"]
        file.write_bytes(base64.b64decode(held[".dockerconfigjson"]))

    with keeper.start() as running:
        running.says("wrote")
        fetch()
        push(file, registry)
        running.says("wrote", times=3)
        fetch()
        assert pull("skopeo", file, registry)
    assert len(registry.passwords()) == 2
