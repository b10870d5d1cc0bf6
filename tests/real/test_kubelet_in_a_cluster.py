"""A cluster's real kubelet: the DaemonSet installs, and pods pull as their accounts.

NodeRestriction limits kubelet to its own node's objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.program import wait_until
from support.release import ROOT

from .clouds import put_image
from .engine import open_engine
from .fleet import IMAGE, NODE_TOKEN, Api, Fleet
from .node import NAME, PLUGIN, Kubelet, Node, Spy, pod
from .parts import program
from .pod_images import architecture
from .registry import ACCOUNT_HOST, AZURE_HOST, BACKEND, GOOGLE_HOST, Visits

pytestmark = pytest.mark.slow

KUBERNETES = ROOT / "packaging/kubernetes"
RIGHTS = KUBERNETES / "install/rbac.yaml"
INSTALLER = "registry.example/dockcred-installer:1"
# The flags in packaging/kubernetes/README.md.
FLAGS = (
    "--image-credential-provider-bin-dir=/opt/dockcred/plugins",
    "--image-credential-provider-config=/etc/dockcred/credential-provider.yaml",
)
CONFIGS = {"aws": ACCOUNT_HOST, "azure": AZURE_HOST, "google": GOOGLE_HOST}
IF_MISSING = "IfNotPresent"
FAILED = '"Failed to provide credentials for image"'


# A refusal's message, and the key of the value in `served` that it names.
CAUSES = {
    "aws": ("AWS denies sts:AssumeRoleWithWebIdentity", "role"),
    "azure": ("Entra does not trust the federated token's subject", "application"),
    "google": ("Google denies impersonation", "account"),
}


@pytest.fixture(scope="module")
def cluster(fleet: Fleet) -> Iterator[Api]:
    """A cluster with one node; the clouds trust its account builder, and not thief."""
    served = fleet.served
    noted = {
        "eks.amazonaws.com/ecr-role-arn": served["role"],
        "kubernetes.azure.com/acr-client-id": served["application"],
        "kubernetes.azure.com/acr-tenant-id": served["tenant"],
        "iam.gke.io/gcp-service-account": served["account"],
    }
    with fleet.cluster() as api:
        api.kubectl("create", "namespace", "team")
        for name in ("builder", "thief"):
            api.create(_account(name, "team", noted))
        api.create(_account("plain", "team", {}))
        yield api


@pytest.fixture(scope="module")
def joined(cluster: Api) -> str:
    """The flag that makes a kubelet a node of the cluster."""
    return f"--kubeconfig={cluster.kubeconfig(NODE_TOKEN, NAME)}"


@pytest.fixture(scope="module")
def installer(fleet: Fleet, directory: Path) -> None:
    """Build the image as the page says, and push it where the manifest expects it."""
    world, place = fleet.node.world, fleet.node.directory / "image"
    bound = f"{place}/{architecture()}"
    world.check("mkdir", "-p", bound, f"{fleet.node.directory}/engine")
    world.check("mount", "--bind", str(directory), bound)
    # The engine's many copies stay in memory, and end with the world.
    world.check("mount", "-t", "tmpfs", "own", f"{fleet.node.directory}/engine")
    named = ("--network", "none", "--tag", INSTALLER)
    arch = ("--build-arg", f"TARGETARCH={architecture()}")
    file = ("--file", str(KUBERNETES / "Dockerfile"))
    archive = str(fleet.node.directory / "installer.tar")
    with open_engine(world) as engine:
        docker = (program("docker"), "--host", engine)
        world.check(*docker, "build", *named, *arch, *file, str(place))
        world.check(*docker, "save", "--output", archive, INSTALLER)
    world.check(
        *(program("skopeo"), "--insecure-policy", "copy", "--dest-tls-verify=false"),
        *(f"docker-archive:{archive}", f"docker://{BACKEND}/dockcred-installer:1"),
    )


@pytest.fixture(scope="module")
def spy(fleet: Fleet, helper_bin: Path) -> Spy:
    return Spy(fleet.node.directory / "spy-of-pods", str(helper_bin / PLUGIN))


Ask = Callable[[str], tuple[str, ...]]


@pytest.fixture(scope="module")
def asking(fleet: Fleet, joined: str, spy: Spy) -> Ask:
    """Return a function: it returns kubelet's flags for a cloud with pods' tokens."""

    def flags(cloud: str) -> tuple[str, ...]:
        text = (KUBERNETES / f"install/configs/{cloud}-tokens.yaml").read_text()
        file = fleet.node.directory / f"{cloud}-tokens.yaml"
        file.write_text(_filled(text, fleet))
        return (
            joined,
            f"--image-credential-provider-bin-dir={spy.bin_dir}",
            f"--image-credential-provider-config={file}",
        )

    return flags


@pytest.fixture
def rights(fleet: Fleet, cluster: Api) -> None:
    """Let the node request tokens for the audiences, by the page's rbac.yaml."""
    cluster.kubectl("apply", "-f", "-", stdin=_filled(RIGHTS.read_text(), fleet))


@pytest.fixture(autouse=True)
def gone(cluster: Api) -> Iterator[None]:
    """Delete the team's pods after a test: kubelet would retry the refused ones."""
    yield
    now = ("--all", "--force", "--grace-period=0")
    cluster.kubectl("delete", "pods", "--namespace", "team", *now)


def test_the_daemonset_installs_what_pods_are_pulled_by(
    fleet: Fleet, cluster: Api, joined: str, installer: None
) -> None:
    """The test creates the DaemonSet's pod itself, since no controller runs here."""
    node = fleet.node
    cluster.kubectl("apply", "-k", str(KUBERNETES / "install"))
    cluster.create(_account("default", "dockcred", {}))
    with node.kubelet(joined, env=fleet.cloud):
        wait_until(lambda: NAME in cluster.kubectl("get", "nodes", "-o", "name"))
        shown = cluster.read("daemonset", "dockcred-installer", "-n", "dockcred")
        assert cluster.run_pod(_of(shown["spec"]["template"])) == ""
        wait_until(lambda: "install: done" in _log_of(node, "dockcred_installer"))
    visits = Visits(node.world)
    with node.kubelet(joined, *FLAGS, env=fleet.cloud):
        assert cluster.run_pod(_as("as-the-node", "builder")) == ""
        assert visits.seen("AWS", 200)
        # An image that was pulled with the node's credential is for all pods: KEP-2535.
        assert cluster.run_pod(_as("another-s", "thief", policy=IF_MISSING)) == ""
    cluster.kubectl("delete", "pod", "installer", "-n", "dockcred", "--force")
    cluster.kubectl("apply", "-k", str(KUBERNETES / "remove"))
    with node.kubelet(joined, env=fleet.cloud):
        shown = cluster.read("daemonset", "dockcred-installer", "-n", "dockcred")
        assert cluster.run_pod(_of(shown["spec"]["template"])) == ""
        wait_until(lambda: "remove: done" in _log_of(node, "dockcred_installer"))
    left = node.world.check("sh", "-c", "ls -d /opt/dockcred* /etc/dockcred* || :")
    assert left == ""


@pytest.mark.usefixtures("rights")
@pytest.mark.parametrize("cloud", CONFIGS)
def test_a_pod_pulls_as_its_account_and_another_is_refused(
    cloud: str, fleet: Fleet, cluster: Api, asking: Ask, spy: Spy
) -> None:
    host = CONFIGS[cloud]
    with fleet.node.kubelet(*asking(cloud), env=fleet.cloud) as kubelet:
        spy.asked()
        end = cluster.run_pod(_as("trusted", "builder", host))
        assert end == "", kubelet.said(FAILED)
        (asked,) = spy.asked()
        assert asked["request"]["serviceAccountToken"].count(".") == 2
        assert "401" in cluster.run_pod(_as("untrusted", "thief", host))
        said = _told(kubelet, "untrusted", "thief", host)
        told, named = CAUSES[cloud]
        assert f"{PLUGIN}: {told}" in said
        assert fleet.served[named] in said
        assert "system:serviceaccount:team:thief" in said


@pytest.mark.usefixtures("rights")
def test_what_an_account_has_pulled_is_no_other_s(
    fleet: Fleet, cluster: Api, asking: Ask, spy: Spy
) -> None:
    """Even if the image is on the node: KEP-2535, see docs/kubernetes.md."""
    world = fleet.node.world
    for image in ("tenant/app", "shared/app"):
        put_image(world, f"docker-archive:{world.directory}/pause.tar", f"{image}:1")
    with fleet.node.kubelet(*asking("aws"), env=fleet.cloud):

        def run(name: str, account: str, image: str) -> tuple[str, bool]:
            """Return why a pod got no image, or "", and if the plugin was asked."""
            spy.asked()
            said = cluster.run_pod(_as(name, account, image=image, policy=IF_MISSING))
            asked = {row["request"]["image"] for row in spy.asked()}
            return said, f"{ACCOUNT_HOST}/{image}" in asked

        assert run("tenant-1", "builder", "tenant/app") == ("", True)
        assert run("tenant-2", "builder", "tenant/app") == ("", False)
        refused, asked = run("tenant-3", "thief", "tenant/app")
        assert asked
        assert "401" in refused
        # Pulled with the node's credential, but kubelet records the pod's account.
        assert run("shared-1", "plain", "shared/app") == ("", True)
        assert "401" in run("shared-2", "thief", "shared/app")[0]


def test_without_the_right_to_the_audience_the_plugin_is_not_called(
    fleet: Fleet, cluster: Api, asking: Ask, spy: Spy
) -> None:
    cluster.kubectl("delete", "--ignore-not-found", "-f", str(RIGHTS))
    with fleet.node.kubelet(*asking("aws"), env=fleet.cloud) as kubelet:
        spy.asked()
        assert "401" in cluster.run_pod(_as("no-right", "builder"))
        assert spy.asked() == []
        said = _told(kubelet, "no-right", "builder").replace("\\", "")
        assert (
            'serviceaccounts "builder" is forbidden: audience "sts.amazonaws.com" not '
            f"found in pod spec volume, system:node:{NAME} is not authorized to "
            "request tokens for this audience"
        ) in said


def _filled(text: str, fleet: Fleet) -> str:
    """Return a text of packaging/kubernetes with the pool in place of placeholders."""
    place = "//iam.googleapis.com/projects/NUMBER/locations/global/"
    pool = "workloadIdentityPools/POOL/providers/PROVIDER"
    return text.replace(f"{place}{pool}", fleet.served["pool"])


def _told(kubelet: Kubelet, name: str, account: str, host: str = ACCOUNT_HOST) -> str:
    """Return the line of kubelet's log that docs/kubernetes.md describes."""
    return kubelet.said(
        FAILED,
        f'image="{host}/{IMAGE}"',
        f'pod="team/{name}"',
        f'serviceAccount="team/{account}"',
    )


def _account(name: str, namespace: str, noted: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "annotations": noted}
    return {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": metadata}


def _as(
    name: str,
    account: str,
    host: str = ACCOUNT_HOST,
    image: str = IMAGE,
    policy: str = "Always",
) -> dict[str, Any]:
    """Return a pod that runs as an account of the namespace team."""
    own = {"serviceAccountName": account, "automountServiceAccountToken": False}
    document = pod(name, f"{host}/{image}:1", **own)
    document["metadata"]["namespace"] = "team"
    document["spec"]["containers"][0]["imagePullPolicy"] = policy
    return document


def _of(template: dict[str, Any]) -> dict[str, Any]:
    """Return the pod that a DaemonSet's controller would create from a template."""
    metadata = {**template["metadata"], "name": "installer", "namespace": "dockcred"}
    spec = template["spec"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _log_of(node: Node, name: str) -> str:
    """Return the output of a pod's containers."""
    return node.world.run("sh", "-c", f"cat /var/log/pods/{name}_*/*/*.log").stdout
