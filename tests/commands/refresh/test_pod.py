"""Run as in the Deployment: the pod's account, no capability, a read-only root."""

from __future__ import annotations

import subprocess

import pytest
from support.program import BUSY_S, HOST
from support.real import program, require_own_mounts

from .api_server import kustomized

# Does what kubelet and the container runtime would do, in its own mount namespace.
POD = """
mount --make-rprivate / && mount -t tmpfs pod /var/run && mount -t tmpfs pod /mnt
mkdir -p /var/run/secrets/kubernetes.io/serviceaccount /mnt/config
cp "$CERTIFICATE" /var/run/secrets/kubernetes.io/serviceaccount/ca.crt
printf %s "$TOKEN" >/var/run/secrets/kubernetes.io/serviceaccount/token
printf %s dockcred >/var/run/secrets/kubernetes.io/serviceaccount/namespace
cp "$TARGETS" /mnt/config/refresh.toml && chmod 644 /mnt/config/refresh.toml
mount -o bind,remount,ro / && mount --bind /tmp /tmp && mount -o bind,remount,ro /tmp
cd / && exec setpriv --inh-caps=-all --bounding-set=-all --no-new-privs \
  env -u TOKEN -u HOME "$@" /mnt/config/refresh.toml
"""


@pytest.fixture
def pod(make_keeper, cloud, api, namespaces, helper_bin):
    require_own_mounts()
    program("setpriv")
    keeper = make_keeper(cloud, DOCKCRED_CACHE="off")
    keeper.wants(
        {
            "format": "kubernetes-secret",
            "registries": [HOST],
            "secret": "registry-pull",
            "namespaces": namespaces,
        }
    )
    api.kubectl("apply", "-f", "-", stdin=kustomized("base"))
    token = api.kubectl("create", "token", "dockcred-refresh", "-n", "dockcred")
    environment = keeper.environment | {
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
        "KUBERNETES_SERVICE_PORT": str(api.port),
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "CERTIFICATE": api.certificate,
        "TARGETS": str(keeper.file),
        "TOKEN": token.strip(),
    }

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        program = [str(helper_bin / "dockcred"), "refresh", *options]
        return subprocess.run(
            ["unshare", "--mount", "sh", "-euc", POD, "sh", *program],
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )

    return run


def test_a_pod_needs_no_more_than_its_account(pod, namespaces):
    done = pod("--once")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(line.partition(":")[0] for line in done.stdout.splitlines()) == [
        f"wrote {name}/registry-pull" for name in namespaces
    ]
    assert pod("--status").returncode == 0
