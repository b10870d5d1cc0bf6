"""Fixtures: programs that start at once, their common home, and a registry."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.private_registry import free_port, listens
from support.program import wait_until
from support.real import program
from support.starting import Table, crowds

USER, PASSWORD = "user", "registry-password"
# bcrypt, the only form that the registry reads.
_HTPASSWD = f"{USER}:$2b$05$abcdefghijklmnopqrstuux7DVfxfgfXTmp/9Tsk6HzX2QQGjxePG\n"


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Table]:
    place = tmp_path / "streams"
    place.mkdir()
    with crowds(place) as found:
        yield found


@pytest.fixture
def home() -> Iterator[Path]:
    """Yield a home with a short path, as the path of gpg-agent's socket is limited."""
    path = Path(tempfile.mkdtemp(prefix="dc-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "DOCKER_CONFIG": f"{home}/.docker",
        "REGISTRY_AUTH_FILE": f"{home}/.docker/config.json",
        "DOCKCRED_TIMEOUT": "300",
        "DOCKCRED_CACHE": "off",
    }


@pytest.fixture
def registry_port(tmp_path: Path) -> Iterator[int]:
    """Run a registry at every loopback address; docker takes each for another one."""
    for name in ("docker-registry", "docker"):
        program(name)
    port = free_port()
    (tmp_path / "htpasswd").write_text(_HTPASSWD)
    settings = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": f"{tmp_path}/images"}},
        "http": {"addr": f"0.0.0.0:{port}"},
        "auth": {"htpasswd": {"realm": "test", "path": f"{tmp_path}/htpasswd"}},
    }
    file = tmp_path / "registry.json"
    file.write_text(json.dumps(settings))
    with subprocess.Popen(
        ["docker-registry", "serve", str(file)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as served:
        try:
            wait_until(lambda: listens(port))
            yield port
        finally:
            served.kill()
