"""A real kubelet of a cluster: the DaemonSet installs, and pods pull as themselves.

Kubelet is a node that NodeRestriction holds to what is its own.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.program import wait_until
from support.release import ROOT

from .engine import open_engine
from .fleet import IMAGE, NODE_TOKEN, Api, Fleet
from .node import NAME, PLUGIN, Kubelet, Node, Spy, pod
from .parts import program
from .registry import ACCOUNT_HOST, BACKEND, Visits

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kubelet")]

KUBERNETES = ROOT / "packaging/kubernetes"
RIGHTS = KUBERNETES / "install/rbac.yaml"
INSTALLER = "registry.example/dockcred-installer:1"
# As packaging/kubernetes/README.md gives them.
FLAGS = (
    "--image-credential-provider-bin-dir=/opt/dockcred/plugins",
    "--image-credential-provider-config=/etc/dockcred/credential-provider.yaml",
)
ROLE = "eks.amazonaws.com/ecr-role-arn"
FAILED = '"Failed to provide credentials for image"'


@pytest.fixture(scope="module")
def cluster(fleet: Fleet) -> Iterator[Api]:
    """A cluster of one node, with two accounts, of which the role trusts one."""
    noted = {ROLE: fleet.served["role"]}
    with fleet.cluster() as api:
        api.kubectl("create", "namespace", "team")
        for name in ("builder", "thief"):
            api.create(_account(name, "team", noted))
        yield api


@pytest.fixture(scope="module")
def joined(cluster: Api) -> str:
    """The flag of a kubelet that is a node of the cluster."""
    return f"--kubeconfig={cluster.kubeconfig(NODE_TOKEN, NAME)}"


@pytest.fixture(scope="module")
def installer(fleet: Fleet, directory: Path) -> None:
    """The image as the page says it is built, where the manifest looks for it."""
    world, place = fleet.node.world, fleet.node.directory / "image"
    shutil.copytree(directory, place / "amd64")
    named = ("--network", "none", "--tag", INSTALLER)
    file = ("--file", str(KUBERNETES / "Dockerfile"))
    archive = str(fleet.node.directory / "installer.tar")
    with open_engine(world) as engine:
        docker = (program("docker"), "--host", engine)
        world.check(*docker, "build", *named, *file, str(place))
        world.check(*docker, "save", "--output", archive, INSTALLER)
    world.check(
        *(program("skopeo"), "--insecure-policy", "copy", "--dest-tls-verify=false"),
        *(f"docker-archive:{archive}", f"docker://{BACKEND}/dockcred-installer:1"),
    )


@pytest.fixture(scope="module")
def spy(fleet: Fleet, helper_bin: Path) -> Spy:
    return Spy(fleet.node.directory / "spy-of-pods", str(helper_bin / PLUGIN))


@pytest.fixture(scope="module")
def with_tokens(joined: str, spy: Spy) -> tuple[str, ...]:
    """The flags of a kubelet that asks for tokens of pods' accounts."""
    config = KUBERNETES / "install/configs/aws-tokens.yaml"
    return (
        joined,
        f"--image-credential-provider-bin-dir={spy.bin_dir}",
        f"--image-credential-provider-config={config}",
    )


def test_the_daemonset_installs_what_pods_are_pulled_by(
    fleet: Fleet, cluster: Api, joined: str, installer: None
) -> None:
    """Its pod is made of its template by hand: no controller runs here."""
    node = fleet.node
    cluster.kubectl("apply", "-k", str(KUBERNETES / "install"))
    cluster.create(_account("default", "dockcred", {}))
    with node.kubelet(joined, env=fleet.cloud):
        wait_until(lambda: NAME in cluster.kubectl("get", "nodes", "-o", "name"), 30)
        shown = cluster.read("daemonset", "dockcred-installer", "-n", "dockcred")
        assert cluster.run_pod(_of(shown["spec"]["template"])) == ""
        wait_until(lambda: "install: done" in _log_of(node, "dockcred_installer"), 30)
    visits = Visits(node.world)
    with node.kubelet(joined, *FLAGS, env=fleet.cloud):
        assert cluster.run_pod(_as("as-the-node", "builder")) == ""
        assert visits.seen("AWS", 200)


def test_a_pod_pulls_as_its_account_and_another_is_refused(
    fleet: Fleet, cluster: Api, with_tokens: tuple[str, ...], spy: Spy
) -> None:
    cluster.kubectl("apply", "-f", str(RIGHTS))
    with fleet.node.kubelet(*with_tokens, env=fleet.cloud) as kubelet:
        visits = Visits(fleet.node.world)
        assert cluster.run_pod(_as("trusted", "builder")) == ""
        assert visits.seen("AWS", 200)
        (asked,) = spy.asked()
        noted = asked["request"]["serviceAccountAnnotations"]
        assert noted == {ROLE: fleet.served["role"]}
        assert "401" in cluster.run_pod(_as("untrusted", "thief"))
        said = _told(kubelet, "untrusted", "thief")
        role = fleet.served["role"]
        assert f"{PLUGIN}: AWS denies sts:AssumeRoleWithWebIdentity" in said
        assert f"for the role {role} as system:serviceaccount:team:thief" in said
        assert f"in the trust policy of {role}" in said


def test_without_the_right_to_the_audience_the_plugin_is_not_called(
    fleet: Fleet, cluster: Api, with_tokens: tuple[str, ...], spy: Spy
) -> None:
    cluster.kubectl("delete", "--ignore-not-found", "-f", str(RIGHTS))
    with fleet.node.kubelet(*with_tokens, env=fleet.cloud) as kubelet:
        spy.asked()
        assert "401" in cluster.run_pod(_as("no-right", "builder"))
        assert spy.asked() == []
        said = _told(kubelet, "no-right", "builder").replace("\\", "")
        assert (
            'serviceaccounts "builder" is forbidden: audience "sts.amazonaws.com" not '
            f"found in pod spec volume, system:node:{NAME} is not authorized to "
            "request tokens for this audience"
        ) in said


def _told(kubelet: Kubelet, name: str, account: str) -> str:
    """Return the line of kubelet's log, as docs/kubernetes.md has it."""
    return kubelet.said(
        FAILED,
        f'image="{ACCOUNT_HOST}/{IMAGE}"',
        f'pod="team/{name}"',
        f'serviceAccount="team/{account}"',
    )


def _account(name: str, namespace: str, noted: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "annotations": noted}
    return {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": metadata}


def _as(name: str, account: str) -> dict[str, Any]:
    """Return a pod of an account of the team's."""
    own = {"serviceAccountName": account, "automountServiceAccountToken": False}
    document = pod(name, f"{ACCOUNT_HOST}/{IMAGE}:1", **own)
    document["metadata"]["namespace"] = "team"
    return document


def _of(template: dict[str, Any]) -> dict[str, Any]:
    """Return the pod that a DaemonSet's controller makes of a template."""
    metadata = {**template["metadata"], "name": "installer", "namespace": "dockcred"}
    spec = template["spec"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _log_of(node: Node, name: str) -> str:
    """Return what the containers of a pod have said."""
    return node.world.run("sh", "-c", f"cat /var/log/pods/{name}_*/*/*.log").stdout
