"""What all worlds of a run share: sandboxes, launchers, and the ground (places.py)."""

from __future__ import annotations

import shutil
from pathlib import Path

from dockcred import wiring
from dockcred.protocol.launcher import render as launcher_render
from dockcred.testing.sandbox import Sandbox

from . import names as registries
from .people import People
from .places import Ground

SHELLS = {"dash": ("dash",), "bash": ("bash",), "busybox": ("busybox", "sh")}
HANDED_OVER = 77
_PYTHON = f"#!/bin/sh\nexit {HANDED_OVER}\n"


class Cast:
    """What all worlds of a run share: sandboxes, launchers, the ground."""

    def __init__(self, directory: Path, ground: Ground, clouds: list[Sandbox]) -> None:
        self.directory = directory
        self.ground = ground
        self.clouds = clouds
        self.people = [People(cloud) for cloud in clouds]
        first, second = (cloud.aws.keys for cloud in clouds)
        second._keys = first._keys  # both sandboxes know all keys
        users = [user.client_id for user in self.people[0].users]
        self.registries = registries.clouds((users[0], users[1]))
        self.shells = {n: w for n, w in SHELLS.items() if shutil.which(w[0])}
        self._python = directory / "python"
        self._python.write_text(_PYTHON)
        self._python.chmod(0o755)
        self.launchers = {
            cloud.program: self._launcher(cloud) for cloud in self.registries
        }
        self.worlds = 0

    def _launcher(self, cloud: registries.Cloud) -> Path:
        provider = wiring.provider(cloud.provider)
        path = self.directory / cloud.program
        path.write_text(
            launcher_render.launcher(cloud.program, str(self._python), (), provider)
        )
        path.chmod(0o755)
        return path
