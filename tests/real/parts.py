"""Find the real programs; a missing one skips the test, or fails it in CI."""

from __future__ import annotations

import os

from support import real
from support.real import SYSTEM_PATH, missing, require

__all__ = ["SYSTEM_PATH", "every", "missing", "program", "require_a_world"]


def program(name: str) -> str:
    """Return the absolute path of the system's program `name`, which runs here."""
    return real.program(name, SYSTEM_PATH)


def every(name: str) -> list[str]:
    """Return each program `name` on the system's PATH; [`name`] if there is none."""
    files = [f"{directory}/{name}" for directory in SYSTEM_PATH.split(":")[:4]]
    return [file for file in files if os.access(file, os.X_OK)] or [name]


def require_a_world() -> None:
    """Require root, and the programs for a world and its registries."""
    if os.geteuid() != 0:
        missing("namespaces and mounts need root")
    for name in ("unshare", "nsenter", "mount", "ip", "ss"):
        program(name)
    require("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "true")
    for name in ("docker-registry", "nginx", "skopeo"):
        program(name)
