"""The plugin as installed, on a node: no HOME, two directories on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support.program import Program
from support.real import missing

from dockcred.testing.sandbox import Sandbox

GO = f"/usr/local/go/bin:{os.environ.get('PATH', '')}"
BUILD_S = 900


@pytest.fixture(scope="session")
def plugin(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "dockcred-credential-provider"))


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def node(cloud: Sandbox, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Make the variables of kubelet's process, and the sandbox's of an identity."""

    def make(identity: str = "instance-profile", **more: str) -> dict[str, str]:
        own = ("AWS_", "AZURE_", "GOOGLE_", "GCE_", "HTTPS_", "NO_PROXY", "SSL_")
        variables = cloud.environment(identity, inherit={})
        kept = {n: v for n, v in variables.items() if n.upper().startswith(own)}
        place = {"DOCKCRED_CACHE_DIR": str(tmp_path / "cache")}
        return {"PATH": "/usr/bin:/bin"} | place | kept | more

    return make


@pytest.fixture(scope="session")
def kubelet(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Kubelet's own codecs and plugin code, built by Go from its module."""
    go = shutil.which("go", path=GO) or missing("Go is not installed")
    source = Path(__file__).parent / "codec"
    target = tmp_path_factory.mktemp("kubelet") / "kubelet"
    places = ("HOME", "GOPATH", "GOCACHE", "GOMODCACHE", "GOPROXY", "SSL_CERT_FILE")
    environment = {n: os.environ[n] for n in places if n in os.environ}
    environment |= {"PATH": GO, "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [go, "build", "-trimpath", "-o", target, "."],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    if done.returncode:
        missing(f"kubelet's code cannot be built: {done.stderr[-300:]}")
    return Program(str(target))


Node = Callable[..., Mapping[str, str]]
