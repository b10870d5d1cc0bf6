"""A real kubelet with containerd pulls with our plugin, set up by the page's commands.

There are static pods and no API server. A spy records kubelet's requests to the plugin.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.documents import ROOT, blocks
from support.program import BUSY_S

from .fleet import IMAGE, Fleet
from .node import PLUGIN, Kubelet, Node, Spy
from .registry import ACCOUNT_HOST, AZURE_HOST, GITHUB_HOST, GOOGLE_HOST, Visits

pytestmark = pytest.mark.slow

USERS = {
    ACCOUNT_HOST: "AWS",
    # Azure's user does not appear: the registry gets a token of its token service.
    AZURE_HOST: "-",
    GOOGLE_HOST: "oauth2accesstoken",
    GITHUB_HOST: "x-access-token",
}
# No provider's pattern matches this host, and it needs no login.
OPEN = "docker.pkg.github.com"
# A provider's pattern matches this host, but it needs no login.
PUBLIC = "public.ecr.aws"


@pytest.fixture(scope="module")
def node(fleet: Fleet) -> Node:
    return fleet.node


@pytest.fixture(scope="module")
def installed(node: Node) -> Path:
    """Run the commands of docs/nodes.md on the node; return the working directory."""
    place = node.directory / "operator"
    place.mkdir()
    (block,) = (
        block
        for block in blocks("console")
        if block.page == ROOT / "docs/nodes.md" and not block.elsewhere
    )
    bin_dir = os.environ.get("DOCKCRED_BIN") or str(Path(os.sys.executable).parent)
    variables = {"HOME": str(place), "PATH": f"{bin_dir}:{os.environ['PATH']}"}
    script = "\n".join(("set -eu", f"cd {place}", *(c for c, _ in block.steps())))
    done = node.world.run("bash", "-c", script, env=variables, seconds=BUSY_S)
    assert done.returncode == 0, done.stderr + done.stdout
    return place


@pytest.fixture(scope="module")
def spy(node: Node, installed: Path) -> Spy:
    """Put a spy before the plugin that the page's commands installed."""
    return Spy(node.directory / "spy", str(installed / "plugins" / PLUGIN))


@pytest.fixture(scope="module")
def flags(spy: Spy, installed: Path) -> tuple[str, str]:
    return (
        f"--image-credential-provider-bin-dir={spy.bin_dir}",
        f"--image-credential-provider-config={installed}/providers",
    )


@pytest.fixture
def kubelet(fleet: Fleet, flags: tuple[str, str], spy: Spy) -> Iterator[Kubelet]:
    spy.asked()
    with fleet.node.kubelet(*flags, env=fleet.cloud) as kubelet:
        yield kubelet


def test_static_pods_pull_of_four_clouds_as_the_node(
    kubelet: Kubelet, spy: Spy
) -> None:
    visits = Visits(kubelet.node.world)
    names = {host: f"of-{host.partition('.')[0]}" for host in USERS}
    for host, name in names.items():
        kubelet.run_static(name, f"{host}/{IMAGE}:1")
    for host, name in names.items():
        assert kubelet.pulled(name) == ""
        assert visits.seen(USERS[host], 200)
    asked = {row["request"]["image"]: row for row in spy.asked()}
    assert sorted(asked) == sorted(f"{host}/{IMAGE}" for host in USERS)
    for image, row in asked.items():
        assert row["arguments"] == ""
        assert row["request"] == {
            "kind": "CredentialProviderRequest",
            "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
            "image": image,
        }
    kubelet.run_static("again", f"{ACCOUNT_HOST}/{IMAGE}:1")
    assert kubelet.pulled("again") == ""
    assert spy.asked() == [], "kubelet keeps an answer for as long as it is good"


def test_nobody_is_asked_for_a_public_image_from_elsewhere(
    kubelet: Kubelet, spy: Spy
) -> None:
    kubelet.run_static("public", f"{OPEN}/{IMAGE}:1")
    assert kubelet.pulled("public") == ""
    assert spy.asked() == []


def test_doctor_finds_a_kubelet_that_runs(kubelet: Kubelet, helper_bin: Path) -> None:
    """doctor finds the process, as there is no unit; its config is a directory."""
    program = str(helper_bin / "dockcred")
    image = f"{ACCOUNT_HOST}/{IMAGE}"
    asked = ("doctor", image, "--client", "kubelet", "--json")
    done = kubelet.node.world.run(program, *asked)
    assert json.loads(done.stdout)["verdict"] == "works", done.stdout


def test_the_cause_of_a_refusal_stands_in_kubelet_s_log_alone(
    fleet: Fleet, flags: tuple[str, str], spy: Spy
) -> None:
    """The pod's event has only the registry's 401, as docs/kubernetes.md says."""
    without = {"AWS_EC2_METADATA_DISABLED": "true", "DOCKCRED_CACHE_DIR": "/run/other"}
    with fleet.node.kubelet(*flags, env=fleet.cloud | without) as kubelet:
        visits = Visits(kubelet.node.world)
        kubelet.run_static("refused", f"{ACCOUNT_HOST}/{IMAGE}:1")
        event = kubelet.pulled("refused")
        assert event.startswith("ErrImagePull")
        assert "401" in event
        assert "dockcred" not in event
        assert visits.seen("-", 401)
        said = kubelet.said("Failed to provide credentials for image")
        for word in (
            "failed to get credential from external registry credential provider",
            f"{PLUGIN}: no AWS identity was found",
            f'image="{ACCOUNT_HOST}/{IMAGE}"',
        ):
            assert word in said
        kubelet.run_static("of-nobody", f"{PUBLIC}/{IMAGE}:1")
        assert kubelet.pulled("of-nobody") == "", "it goes on without a credential"


def test_another_s_file_in_the_directory_is_asked_first(
    fleet: Fleet, flags: tuple[str, str], spy: Spy, installed: Path
) -> None:
    """kubelet tries that plugin's answer first and then ours, as docs/nodes.md says."""
    auth = {ACCOUNT_HOST: {"username": "other", "password": "wrong"}}
    answer = {
        "kind": "CredentialProviderResponse",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "cacheKeyType": "Registry",
        "cacheDuration": "0s",
        "auth": auth,
    }
    other = spy.bin_dir / "a-cloud-s-own"
    other.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{json.dumps(answer)}'\n")
    other.chmod(0o755)
    theirs = installed / "providers/a-cloud-s.json"
    provider = {
        "name": other.name,
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "matchImages": [ACCOUNT_HOST],
        "defaultCacheDuration": "0s",
    }
    config = {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [provider],
    }
    theirs.write_text(json.dumps(config))
    spy.asked()
    try:
        with fleet.node.kubelet(*flags, env=fleet.cloud) as kubelet:
            visits = Visits(kubelet.node.world)
            kubelet.run_static("both", f"{ACCOUNT_HOST}/{IMAGE}:1")
            assert kubelet.pulled("both") == ""
            assert visits.seen("other", 401)
            assert visits.seen("AWS", 200)
            assert len(spy.asked()) == 1
    finally:
        theirs.unlink()
