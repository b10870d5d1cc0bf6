"""Find the real programs; what is missing is a skip, or a failure in CI."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing(what: str) -> NoReturn:
    """Skip the test for want of `what`; fail where DOCKCRED_REQUIRE_REAL is set."""
    if os.environ.get("DOCKCRED_REQUIRE_REAL"):
        pytest.fail(f"DOCKCRED_REQUIRE_REAL is set, but {what}", pytrace=False)
    pytest.skip(what)


def program(name: str) -> str:
    """Return the absolute path of the system's program `name`."""
    return shutil.which(name, path=SYSTEM_PATH) or missing(f"{name} is not installed")


def every(name: str) -> list[str]:
    """Return each `name` on the system's path; `name` itself where there is none."""
    files = [f"{directory}/{name}" for directory in SYSTEM_PATH.split(":")[:4]]
    return [file for file in files if os.access(file, os.X_OK)] or [name]


def require_a_world() -> None:
    """Demand root, and the programs that make a world and the registry in it."""
    if os.geteuid() != 0:
        missing("namespaces and mounts need root")
    for name in ("unshare", "nsenter", "mount", "ip", "ss"):
        program(name)
    for name in ("docker-registry", "nginx", "skopeo"):
        program(name)
