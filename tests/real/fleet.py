"""A node, its clouds, and the API server that it may belong to, in their own world."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands.refresh import api_server
from support.program import BUSY_S

from . import groups
from .clouds import open_clouds, put_image
from .node import NAME, Node, ended, open_node, require_a_node
from .parts import missing, program
from .registry import HOSTS, make_certificates
from .world import ADDRESS, BARE_ENVIRONMENT, World, open_world

# The address of the clouds' endpoints, with real host names, over TLS.
CLOUDS = "192.0.2.2"
ENDPOINTS = (
    "login.microsoftonline.com",
    "sts.googleapis.com",
    "iamcredentials.googleapis.com",
)
KNOWN = ("instance-profile", "azure-imds", "google-metadata", "github-gh-token")
IMAGE = "team/app"
NODE_TOKEN = "the-node-s-token"
FLAGS = (
    "--authorization-mode=Node",
    "--enable-admission-plugins=NodeRestriction",
    # A world has no default route.
    f"--advertise-address={ADDRESS}",
)


class Api(api_server.ApiServer):
    """etcd and kube-apiserver in a world; they know the node by a token."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.world: World | None = None
        with (directory / "tokens.csv").open("a") as file:
            file.write(f'{NODE_TOKEN},system:node:{NAME},2,"system:nodes"\n')

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        assert self.world
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                self.world.command(*command, seconds=3600),
                cwd=self.directory,
                env={"PATH": api_server.SYSTEM_PATH, "HOME": str(self.directory)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _is_ready(self) -> bool:
        assert self.world
        for name, process in self._running.items():
            log = self.directory / f"{name}.log"
            assert process.poll() is None, log.read_text()[-2000:]
        done = self._kubectl("get", "--raw", "/readyz")
        return done.returncode == 0

    def stop(self) -> None:
        """Stop both by SIGTERM, which is passed on into the world."""
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            process.wait()
        self._running.clear()

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as the admin; it must succeed."""
        done = self._kubectl(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _kubectl(self, *arguments: str, stdin: str = "") -> Any:
        assert self.world
        # kubectl caches what it learns about the server in its home directory.
        own = {"KUBECONFIG": self.kubeconfig(), "HOME": str(self.directory)}
        environment = BARE_ENVIRONMENT | own
        return self.world.run(
            program("kubectl"), *arguments, env=environment, stdin=stdin
        )

    def create(self, *documents: dict[str, Any]) -> None:
        """Create objects in the cluster."""
        objects = {"apiVersion": "v1", "kind": "List", "items": list(documents)}
        self.kubectl("create", "-f", "-", stdin=json.dumps(objects))

    def read(self, *words: str) -> Any:
        """Return the output of `kubectl get` with these words, parsed."""
        return json.loads(self.kubectl("get", "-o", "json", *words))

    def run_pod(self, document: dict[str, Any]) -> str:
        """Run a pod on the node; return why it got no image, "" if it runs."""
        document["spec"]["nodeName"] = NAME
        self.create(document)
        names = document["metadata"]
        words = ("pod", names["name"], "--namespace", names["namespace"])
        deadline = time.monotonic() + BUSY_S
        shown: Any = None
        while time.monotonic() < deadline:
            shown = self.read(*words)
            if (end := ended(shown)) is not None:
                return end
            time.sleep(0.2)
        raise AssertionError(f"no end of {names['name']}: {shown['status']}")


@dataclass
class Fleet:
    """One node, the output of its clouds' server, and an API server to be started."""

    node: Node
    served: Mapping[str, Any]
    api: Api

    @property
    def cloud(self) -> dict[str, str]:
        """The variables of a node that has an identity in each of four clouds."""
        variables = dict(BARE_ENVIRONMENT)
        for name in KNOWN:
            variables |= self.served["environments"][name]
        return variables

    @contextmanager
    def cluster(self) -> Iterator[Api]:
        """Run the API server; NodeRestriction limits the node to its own objects."""
        if not api_server.BINARY.exists():
            missing(f"{api_server.BINARY} is not built; .ci/run builds it")
        issuer = f"--service-account-issuer={self.served['issuer']}"
        try:
            self.api.start(issuer, *FLAGS)
            yield self.api
        finally:
            self.api.stop()


@contextmanager
def open_fleet(directory: Path) -> Iterator[Fleet]:
    """Open the world and its node; the API server's files are in `directory`."""
    require_a_node()
    api = Api(directory)
    with open_world(HOSTS, make_certificates) as world:
        api.world = world
        try:
            with _open_clouds(world, directory) as served, open_node(world) as node:
                archive = f"docker-archive:{world.directory}/pause.tar"
                put_image(world, archive, f"{IMAGE}:1")
                yield Fleet(node, served, api)
        finally:
            world.end()
            groups.drop(world)


@contextmanager
def _open_clouds(world: World, directory: Path) -> Iterator[dict[str, Any]]:
    """Serve the clouds, which trust the cluster, with real host names as well."""
    world.check("ip", "address", "add", f"{CLOUDS}/32", "dev", "lo")
    with (world.directory / "hosts").open("a") as file:
        file.write(f"{CLOUDS} {' '.join(ENDPOINTS)}\n")
    with open_clouds(world, f"{directory}/accounts.key", CLOUDS) as served:
        with (world.directory / "ca.pem").open("a") as file:
            file.write(served["authority"])
        yield served
