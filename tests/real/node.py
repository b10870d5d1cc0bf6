"""A node in its own world: containerd, and the kubelet that .ci/run builds."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.program import BUSY_S

from . import groups
from .parts import missing, program
from .pod_images import build_image
from .world import ADDRESS, BARE_ENVIRONMENT, SYSTEM_TRUST, World

BINARY = Path("/usr/local/lib/dockcred-ci/kubelet")
CNI = "/usr/lib/cni"
NAME = "node-1"
PLUGIN = "dockcred-credential-provider"
PAUSE = "localhost/pause:1"
READ_ONLY_PORT, HEALTH_PORT = 10255, 10248
# containerd and kubelet write to these directories: overlays, which end with the world.
OWN_TREES = ("/etc", "/opt", "/var")

CONTAINERD = """\
version = 2
root = "/run/images"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni}"
    conf_dir = "{directory}/cni"
"""
NETWORK = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "type": "bridge",
    "ipam": {"type": "host-local", "subnet": "10.88.0.0/24"},
}
SOCKET = "/run/containerd/containerd.sock"
# The spy records the request, and then execs the plugin: kubelet stays the parent.
SPY = """\
#!/bin/sh
request={directory}/request.$$
cat >"$request"
printf '{{"arguments": "%s", "request": %s}}\\n' "$*" "$(cat "$request")" >>{directory}/asked
exec {plugin} "$@" <"$request"
"""
FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"


def require_a_node() -> None:
    """Require the kubelet that .ci/run builds, and the programs for containers."""
    if not BINARY.exists():
        missing(f"{BINARY} is not built; .ci/run builds it")
    if not Path(f"{CNI}/bridge").exists():
        missing("containernetworking-plugins is not installed")
    for name in ("containerd", "runc", "ctr", "gcc", "skopeo"):
        program(name)


@dataclass
class Node:
    """A node with a running containerd; each `kubelet` call is one start of kubelet."""

    world: World
    starts: int = 0

    @property
    def directory(self) -> Path:
        return self.world.directory

    @contextmanager
    def kubelet(
        self,
        *flags: str,
        env: Mapping[str, str] = BARE_ENVIRONMENT,
        ready: str = f"http://127.0.0.1:{HEALTH_PORT}/healthz",
        **settings: Any,
    ) -> Iterator[Kubelet]:
        """Run the node's kubelet, with these flags, variables and settings."""
        self.starts += 1
        place = self.directory / f"kubelet-{self.starts}"
        (place / "pods").mkdir(parents=True)
        config = place / "config.json"
        config.write_text(json.dumps(_settings(place) | settings))
        command = [
            *(*groups.within(self.world), str(BINARY), f"--config={config}"),
            f"--hostname-override={NAME}",
            *(f"--node-ip={ADDRESS}", "--v=4", *flags),
        ]

        def is_ready() -> bool:
            return self.fetch(ready) is not None

        with self.world.server(
            *command, ready=is_ready, env=env, within_s=BUSY_S, name=place.name
        ) as log:
            yield Kubelet(self, place, log)

    def fetch(self, url: str) -> str | None:
        """Return the answer of a URL of the node; None if nothing answers."""
        done = self.world.run(sys.executable, "-c", FETCH, url)
        return done.stdout if done.returncode == 0 else None

    def ctr(self, *words: str) -> str:
        """Run containerd's own client in the namespace of kubelet's images."""
        return self.world.check("ctr", "--namespace", "k8s.io", *words)

    def forget(self, image: str) -> None:
        """Remove an image from the node."""
        self.world.run("ctr", "--namespace", "k8s.io", "image", "rm", image)


@dataclass
class Kubelet:
    """A running kubelet, standalone or with an API server."""

    node: Node
    place: Path
    log: Path

    def run_static(self, name: str, image: str) -> None:
        """Start a static pod, by a file in kubelet's directory."""
        file = self.place / "pods" / f"{name}.json"
        file.write_text(json.dumps(pod(name, image)))

    def said(self, *words: str) -> str:
        """Return the lines of kubelet's log that have all these words."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if all(word in line for word in words))

    def pulled(self, name: str) -> str:
        """Wait until a static pod runs (return "") or fails (return why)."""
        url = f"http://127.0.0.1:{READ_ONLY_PORT}/pods"
        deadline = time.monotonic() + BUSY_S
        ends: list[str | None] = []
        while time.monotonic() < deadline:
            pods = json.loads(self.node.fetch(url) or "{}").get("items") or ()
            ends = [ended(p) for p in pods if p["metadata"]["name"] == f"{name}-{NAME}"]
            if ends and ends[0] is not None:
                return ends[0]
            time.sleep(0.3)
        raise AssertionError(f"no end of {name}: {ends}{self.said(name)[-3000:]}")


def ended(found: Mapping[str, Any]) -> str | None:
    """Return why a pod got no image, "" if it runs, None if it is not decided yet."""
    for status in found["status"].get("containerStatuses") or ():
        state = status["state"]
        if "running" in state:
            return ""
        waiting = state.get("waiting", {})
        if waiting.get("reason") not in {"ContainerCreating", "PodInitializing", None}:
            return f"{waiting['reason']}: {waiting.get('message', '')}"
        if "terminated" in state:
            return f"ended: {state['terminated']}"
    return None


def pod(name: str, image: str, **more: Any) -> dict[str, Any]:
    """Return a pod with one container that ends at once on SIGTERM."""
    container = {"name": "one", "image": image, "imagePullPolicy": "Always"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "containers": [container],
            "terminationGracePeriodSeconds": 1,
            **more,
        },
    }


class Spy:
    """A script in the plugin's place that records the requests and runs the plugin."""

    def __init__(self, directory: Path, plugin: str) -> None:
        self.bin_dir = directory / "bin"
        self.bin_dir.mkdir(parents=True)
        script = self.bin_dir / PLUGIN
        script.write_text(SPY.format(directory=directory, plugin=plugin))
        script.chmod(0o755)
        self._log = directory / "asked"

    def asked(self) -> list[dict[str, Any]]:
        """Return the requests since the last call."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.write_text("")
        return [json.loads(line) for line in lines]


@contextmanager
def open_node(world: World) -> Iterator[Node]:
    """Run containerd in the world, which must be for this node only."""
    require_a_node()
    _own_trees(world)
    (world.directory / "cni").mkdir()
    (world.directory / "cni/pods.conf").write_text(json.dumps(NETWORK))
    words = {"directory": world.directory, "socket": SOCKET, "pause": PAUSE}
    config = world.directory / "containerd.toml"
    config.write_text(CONTAINERD.format(cni=CNI, **words))
    command = (*groups.within(world), program("containerd"))

    def is_ready() -> bool:
        return world.run("ctr", "version").returncode == 0

    with world.server(
        *command, "--config", str(config), ready=is_ready, name="containerd"
    ):
        node = Node(world)
        archive = build_image(world.directory / "pause", PAUSE)
        node.ctr("images", "import", str(archive))
        yield node


def _own_trees(world: World) -> None:
    for tree in OWN_TREES:
        place = f"/run/own{tree}"
        world.check("mkdir", "-p", f"{place}/upper", f"{place}/work")
        layers = f"lowerdir={tree},upperdir={place}/upper,workdir={place}/work"
        world.check("mount", "-t", "overlay", "-o", layers, "own", tree)
    # kubelet makes this mount shared itself, while it creates sockets there: a race.
    own = "/var/lib/kubelet"
    world.check("mkdir", "-p", own)
    world.check("mount", "--bind", own, own)
    world.check("mount", "--make-rshared", own)
    # These are mounted over files of /etc.
    names = str(world.directory / "hosts")
    world.check("mount", "--bind", names, "/etc/hosts")
    world.check("mount", "--bind", str(world.directory / "ca.pem"), SYSTEM_TRUST)


def _settings(place: Path) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "staticPodPath": str(place / "pods"),
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        # kubelet manages no control groups, so it needs no own root of them.
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "localStorageCapacityIsolation": False,
        "readOnlyPort": READ_ONLY_PORT,
        "healthzPort": HEALTH_PORT,
        "authentication": {"webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "fileCheckFrequency": "1s",
        "syncFrequency": "1s",
        "serializeImagePulls": False,
        # No pods are evicted, however full the machine's disk is.
        "evictionHard": {"memory.available": "1Mi"},
        "imageGCHighThresholdPercent": 100,
    }
