"""Real clients that push and pull, each with docker-credential-oidc as its helper."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from real.parts import SYSTEM_PATH, program
from support.program import BUSY_S

from .registries import Site


@dataclass
class Job:
    """A CI job: its variables, and a home in which clients find the helper."""

    site: Site
    environment: Mapping[str, str]
    engine: str
    short: str  # a directory with a short path: podman refuses long ones

    def __post_init__(self) -> None:
        """Configure docker's file, so that every client asks the helper."""
        self.home = Path(self.environment["HOME"])
        config = self.home / ".docker/config.json"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(json.dumps({"credHelpers": {self.site.host: "oidc"}}))
        self.environment = {
            **self.environment,
            "PATH": f"{self.site.helper_bin}:{SYSTEM_PATH}",
            "DOCKCRED_OIDC_HOSTS": self.site.host,
        }

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.home,
            timeout=BUSY_S,
            check=False,
        )


@dataclass
class Client:
    """A client; its methods return the result of their last command."""

    job: Job

    def prepare(self, ref: str) -> None:
        """Make the image that is pushed, without contact to the registry."""

    def push(self, ref: str) -> subprocess.CompletedProcess[str]:
        raise NotImplementedError

    def pull(self, ref: str) -> subprocess.CompletedProcess[str]:
        raise NotImplementedError

    def layer(self) -> Path:
        """Write a root file system of one random file, which no registry has yet."""
        path = self.job.home / "layer.tar"
        with tarfile.open(path, "w") as tar:
            entry = tarfile.TarInfo("hello")
            entry.size = 32
            tar.addfile(entry, io.BytesIO(os.urandom(32)))
        return path


class Docker(Client):
    """docker and its engine."""

    def docker(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.job.run(program("docker"), "--host", self.job.engine, *arguments)

    def prepare(self, ref: str) -> None:
        done = self.docker("import", str(self.layer()), ref)
        assert done.returncode == 0, done.stderr

    def push(self, ref: str) -> subprocess.CompletedProcess[str]:
        self.prepare(ref)
        return self.docker("push", ref)

    def pull(self, ref: str) -> subprocess.CompletedProcess[str]:
        self.docker("image", "rm", ref)
        return self.docker("pull", ref)


class Skopeo(Client):
    """skopeo."""

    def copy(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = (program("skopeo"), "--insecure-policy", "copy")
        return self.job.run(*command, *arguments)

    def push(self, ref: str) -> subprocess.CompletedProcess[str]:
        source = f"tarball:{self.layer()}"
        return self.copy("--dest-tls-verify=false", source, f"docker://{ref}")

    def pull(self, ref: str) -> subprocess.CompletedProcess[str]:
        # A refused pull leaves an empty directory behind, so each pull has a new one.
        target = f"dir:{tempfile.mkdtemp(dir=self.job.home)}/pulled"
        return self.copy("--src-tls-verify=false", f"docker://{ref}", target)


class Podman(Client):
    """podman with its own storage."""

    def podman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        place = self.job.short
        return self.job.run(
            *(program("podman"), "--storage-driver=vfs", "--cgroup-manager=cgroupfs"),
            *(
                f"--root={place}/root",
                f"--runroot={place}/run",
                f"--tmpdir={place}/tmp",
            ),
            *arguments,
        )

    def push(self, ref: str) -> subprocess.CompletedProcess[str]:
        done = self.podman("import", str(self.layer()), ref)
        assert done.returncode == 0, done.stderr
        return self.podman("push", "--tls-verify=false", ref)

    def pull(self, ref: str) -> subprocess.CompletedProcess[str]:
        self.podman("image", "rm", ref)
        return self.podman("pull", "--tls-verify=false", ref)


class Oras(Client):
    """oras; helm uses the same library."""

    def push(self, ref: str) -> subprocess.CompletedProcess[str]:
        (self.job.home / "hello").write_bytes(os.urandom(32))
        return self.job.run(program("oras"), "push", "--plain-http", ref, "hello")

    def pull(self, ref: str) -> subprocess.CompletedProcess[str]:
        command = (program("oras"), "pull", "--plain-http", ref, "--output", "pulled")
        return self.job.run(*command)


class Crane(Client):
    """crane; kaniko and cosign use the same library."""

    def push(self, ref: str) -> subprocess.CompletedProcess[str]:
        layer = str(self.layer())
        command = (program("crane"), "append", "--insecure", "-f", layer, "-t", ref)
        return self.job.run(*command)

    def pull(self, ref: str) -> subprocess.CompletedProcess[str]:
        return self.job.run(program("crane"), "pull", "--insecure", ref, "pulled.tar")


CLIENTS = {
    kind.__name__.lower(): kind for kind in (Docker, Skopeo, Podman, Oras, Crane)
}
