"""The programs under test, installed from the built wheel, and a cloud to ask."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.directory import build_once
from support.installed import install
from support.once import make_once
from support.program import Program
from support.real import require_own_mounts
from support.release import DIST, ROOT, build

from dockcred.testing.sandbox import Sandbox

# Container images set this variable. Each worker would then compile all tests anew at
# each run: half of the 17 s of processor time that collecting them takes.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    sys.dont_write_bytecode = False

# A shell that starts us in the background has SIGINT ignored, and our programs would
# inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


# No deadline for an example: other tests keep the machine busy. With DOCKCRED_SEED set,
# examples are derived from the test's own code, so they are always the same.
with contextlib.suppress(ImportError):
    import hypothesis

    hypothesis.settings.register_profile(
        "dockcred", deadline=None, derandomize="DOCKCRED_SEED" in os.environ
    )
    hypothesis.settings.load_profile("dockcred")

pytest_plugins = (
    *("support.left_out", "support.left_behind", "support.workers", "support.told"),
    "support.differential",
)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a release's files: DOCKCRED_DIST, or built here."""
    if named := os.environ.get("DOCKCRED_DIST"):
        return Path(named)
    return make_once(tmp_path_factory, "dist", lambda place: build(ROOT, place, *DIST))


@pytest.fixture(scope="session")
def helper_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the programs, installed from the wheel in a new venv.

    DOCKCRED_BIN names another one, for speed while developing and for mutations.
    """
    if named := os.environ.get("DOCKCRED_BIN"):
        return Path(named)
    return make_once(tmp_path_factory, "installed", _install) / "bin"


def _install(place: Path) -> None:
    """Install the wheel of DOCKCRED_DIST, or one built here."""
    with tempfile.TemporaryDirectory() as scratch:
        dist = Path(os.environ.get("DOCKCRED_DIST") or scratch)
        if str(dist) == scratch:
            # Only Python: most tests need no Debian package, and must not fail with it.
            build(ROOT, dist, "python")
        (wheel,) = dist.glob("dockcred-*.whl")
        install(wheel, place)


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the node directory, which runs on any Linux, built from this Debian."""
    return build_once(tmp_path_factory)


@pytest.fixture(scope="session")
def own_mounts() -> None:
    """Skip tests that need a mount namespace of their own, where there is none."""
    require_own_mounts()


@pytest.fixture(scope="session")
def ecr(helper_bin: Path) -> Program:
    """docker-credential-ecr-login as installed."""
    return Program(str(helper_bin / "docker-credential-ecr-login"))


@pytest.fixture(scope="session")
def acr(helper_bin: Path) -> Program:
    """docker-credential-acr-login as installed."""
    return Program(str(helper_bin / "docker-credential-acr-login"))


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """Yield a sandbox under the clouds' real host names, over TLS by its own proxy."""
    with Sandbox(tls=True) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def own_variables() -> Iterator[None]:
    """Restore this process's environment variables, which a test may have changed."""
    before = dict(os.environ)
    yield
    before |= {n: v for n, v in os.environ.items() if n == "PYTEST_CURRENT_TEST"}
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)
