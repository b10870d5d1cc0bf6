"""Fixtures: the installed plugin on a node, without HOME, two directories on PATH."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from support import build
from support.pods import Cluster
from support.program import Program

from dockcred.testing.sandbox import Sandbox


@pytest.fixture(scope="session")
def plugin(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "dockcred-credential-provider"))


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def node(cloud: Sandbox, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function: it returns kubelet's variables with those of an identity."""

    def make(identity: str = "instance-profile", **more: str) -> dict[str, str]:
        own = ("AWS_", "AZURE_", "GOOGLE_", "GCE_", "HTTPS_", "NO_PROXY", "SSL_")
        variables = cloud.environment(identity, inherit={})
        kept = {n: v for n, v in variables.items() if n.upper().startswith(own)}
        place = {"DOCKCRED_CACHE_DIR": str(tmp_path / "cache")}
        return {"PATH": "/usr/bin:/bin"} | place | kept | more

    return make


@pytest.fixture
def far_node(tmp_path: Path) -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """A sandbox with real host names by a proxy, and the variables of a node for it."""
    with Sandbox(tls=True) as cloud:
        variables = cloud.environment("azure-nothing", inherit={})
        kept = {
            name: value
            for name, value in variables.items()
            if name.upper().endswith("PROXY") or name == "SSL_CERT_FILE"
        }
        place = {"DOCKCRED_CACHE_DIR": str(tmp_path / "cache")}
        yield cloud, {"PATH": "/usr/bin:/bin", **place, **kept}


@pytest.fixture
def cluster(far_node: tuple[Sandbox, dict[str, str]], tmp_path: Path) -> Cluster:
    """A cluster; each exchange trusts the tokens of its account team/builder only."""
    return Cluster(*far_node, tmp_path)


@pytest.fixture(scope="session")
def kubelet(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Kubelet's own codecs and plugin code, built by Go from its module."""
    source = Path(__file__).parent / "codec"
    target = tmp_path_factory.mktemp("kubelet") / "kubelet"
    build.go(source, target)
    return Program(str(target))


Node = Callable[..., Mapping[str, str]]
