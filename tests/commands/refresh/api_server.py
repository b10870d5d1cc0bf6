"""A real Kubernetes API server and its etcd, on the loopback; a test may kill them."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from support.program import BUSY_S, wait_until
from support.real import program

BINARY = Path("/usr/local/lib/dockcred-ci/kube-apiserver")
REFRESH = Path(__file__).parents[3] / "packaging/kubernetes/refresh"
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin"
ADMIN = "the-admin-s-token"


class ApiServer:
    """etcd and kube-apiserver with their files in one directory; RBAC is on."""

    def __init__(self, directory: Path, *flags: str) -> None:
        self.directory = directory
        self._flags = flags
        self.port, client, peer = _free_ports(3)
        self._etcd_url = f"http://127.0.0.1:{client}"
        self._peer_url = f"http://127.0.0.1:{peer}"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        key = directory / "accounts.key"
        openssl = [program("openssl"), "genrsa", "-out", str(key), "2048"]
        subprocess.run(openssl, check=True, capture_output=True)
        (directory / "tokens.csv").write_text(f'{ADMIN},admin,1,"system:masters"\n')

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self, *first: str) -> None:
        """Start those that do not run, and wait until the server is ready.

        `first` are flags of the server that come before those of all tests.
        """
        etcd = [
            *(program("etcd"), "--data-dir", f"{self.directory}/etcd"),
            *("--listen-client-urls", self._etcd_url),
            *("--advertise-client-urls", self._etcd_url),
            *("--listen-peer-urls", self._peer_url),
            *("--initial-advertise-peer-urls", self._peer_url),
            *("--initial-cluster", f"default={self._peer_url}", "--unsafe-no-fsync"),
        ]
        key = f"{self.directory}/accounts.key"
        server = [
            *(str(BINARY), *first, "--etcd-servers", self._etcd_url),
            *("--bind-address", "127.0.0.1", "--secure-port", str(self.port)),
            *("--cert-dir", f"{self.directory}/certs"),
            *("--token-auth-file", f"{self.directory}/tokens.csv"),
            *("--authorization-mode", "RBAC"),
            *("--service-account-key-file", key),
            *("--service-account-signing-key-file", key),
            *("--service-account-issuer", "https://kubernetes.default.svc"),
            *("--service-cluster-ip-range", "10.0.0.0/24"),
            # If this is on, the server still serves a list that etcd has compacted.
            # Off, it answers 410, as older versions do.
            "--feature-gates=ListFromCacheSnapshot=false",
            *self._flags,
        ]
        for name, command in (("etcd", etcd), ("kube-apiserver", server)):
            if name not in self._running:
                self._running[name] = self._spawn(name, command)
        wait_until(self._is_ready)

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.directory / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env={"PATH": SYSTEM_PATH, "HOME": str(self.directory)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _is_ready(self) -> bool:
        for name, process in self._running.items():
            log = self.directory / f"{name}.log"
            assert process.poll() is None, log.read_text()[-2000:]
        try:
            return bool(self.ask("GET", "/readyz?verbose=false") is not None)
        except json.JSONDecodeError:
            return True  # the answer is "ok", which is not JSON
        except OSError:
            return False

    def kill(self, name: str = "kube-apiserver") -> None:
        process = self._running.pop(name)
        process.send_signal(signal.SIGKILL)
        process.wait()

    def compact(self) -> None:
        """Make one change, then have etcd drop all earlier revisions."""
        name = f"compacted-{time.time_ns()}"
        self.create({"kind": "Namespace", "metadata": {"name": name}})
        now = self._etcd("range", {"key": "AA=="})["header"]["revision"]
        self._etcd("compaction", {"revision": now})

    def _etcd(self, call: str, body: dict[str, Any]) -> Any:
        url = f"{self._etcd_url}/v3/kv/{call}"
        request = urllib.request.Request(url, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=BUSY_S) as answer:
            return json.load(answer)

    def stop(self) -> None:
        for name in list(self._running):
            self.kill(name)

    @property
    def certificate(self) -> str:
        return f"{self.directory}/certs/apiserver.crt"

    def kubeconfig(self, token: str = ADMIN, name: str = "admin") -> str:
        """Write a kubeconfig with this token; return its path."""
        cluster = {"server": self.url, "certificate-authority": self.certificate}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [
                {"name": "test", "context": {"cluster": "test", "user": name}}
            ],
            "current-context": "test",
        }
        path = self.directory / f"{name}.kubeconfig"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            json.dump(config, file)
        return str(path)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl as the admin; it must succeed."""
        done = subprocess.run(
            [program("kubectl"), *arguments],
            input=stdin,
            env={
                "PATH": SYSTEM_PATH,
                "HOME": str(self.directory),
                "KUBECONFIG": self.kubeconfig(),
            },
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def get(self, kind: str, name: str = "", namespace: str = "") -> Any:
        """Return an object, or the list of all if no name is given."""
        return self.ask("GET", _path(kind, namespace, name))

    def patch(self, kind: str, name: str, namespace: str, change: Any) -> Any:
        """Change an object by a merge patch."""
        return self.ask("PATCH", _path(kind, namespace, name), change)

    def create(self, *documents: dict[str, Any]) -> None:
        """Create objects."""
        for document in documents:
            namespace = document["metadata"].get("namespace", "")
            self.ask("POST", _path(document["kind"].lower(), namespace), document)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request as the admin; return the answer. Raises HTTPError."""
        kind = "merge-patch+json" if method == "PATCH" else "json"
        request = urllib.request.Request(
            self.url + path,
            None if body is None else json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {ADMIN}",
                "Content-Type": f"application/{kind}",
            },
            method=method,
        )
        trust = ssl.create_default_context(cafile=self.certificate)
        with urllib.request.urlopen(request, timeout=BUSY_S, context=trust) as answer:
            return json.load(answer)


_GROUPS = {
    "namespace": "/api/v1",
    "secret": "/api/v1",
    "deployment": "/apis/apps/v1",
    "daemonset": "/apis/apps/v1",
    "lease": "/apis/coordination.k8s.io/v1",
    "flowschema": "/apis/flowcontrol.apiserver.k8s.io/v1",
    "prioritylevelconfiguration": "/apis/flowcontrol.apiserver.k8s.io/v1",
    "role": "/apis/rbac.authorization.k8s.io/v1",
    "clusterrole": "/apis/rbac.authorization.k8s.io/v1",
}


def _path(kind: str, namespace: str, name: str = "") -> str:
    within = f"/namespaces/{namespace}" if namespace else ""
    below = f"/{name}" if name else ""
    return f"{_GROUPS[kind]}{within}/{kind}s{below}"


def kustomized(overlay: str) -> str:
    """Return the YAML of an overlay of packaging/kubernetes/refresh."""
    done = subprocess.run(
        [program("kubectl"), "kustomize", REFRESH / overlay],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _free_ports(count: int) -> list[int]:
    """Return free ports. All are bound until the last is found: so they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
