"""A docker engine that shares nothing with the system's, and a layer to push."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .parts import program
from .world import World


@contextmanager
def open_engine(world: World) -> Iterator[str]:
    """Run an engine in the world; yield its address."""
    directory = world.directory / "engine"
    address = f"unix://{directory}/docker.sock"
    docker = program("docker")

    def answers() -> bool:
        return world.run(docker, "--host", address, "version").returncode == 0

    command = [
        *(program("dockerd"), "--host", address, "--pidfile", f"{directory}/pid"),
        *("--data-root", f"{directory}/data", "--exec-root", f"{directory}/exec"),
        *("--storage-driver=vfs", "--bridge=none", "--iptables=false"),
        *("--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
    ]
    with world.server(*command, ready=answers):
        yield address


def write_layer(path: Path) -> Path:
    """Write a root file system of one file, as a tar."""
    with tarfile.open(path, "w") as tar:
        entry = tarfile.TarInfo("hello")
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"hello\n"))
    return path
