"""Where an Azure identity is set up: its home directory, and its sandbox."""

from __future__ import annotations

import json
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import programs
from dockcred.testing.sandbox.azure.directory import Principal
from dockcred.testing.sandbox.azure.proofs import FEDERATED_AUDIENCE
from dockcred.testing.sandbox.home import path_led_by, write_private

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure


class Workplace:
    """Writes the files of an identity into its home, readable only by the owner."""

    def __init__(self, azure: Azure, home: Path, url: str) -> None:
        self.azure = azure
        self.home = home
        self.url = url

    def write(self, path: str, data: bytes, mode: int = 0o600) -> Path:
        """Write a file below the home directory."""
        return write_private(self.home / path, data, mode)

    def federated_token(self, sub: str, **change: object) -> Path:
        """Write the token that a cluster mounts into a pod; it is valid for an hour.

        `change` replaces arguments of Signer.sign.
        """
        claims = {"audience": FEDERATED_AUDIENCE, "now": time.time(), "sub": sub}
        claims |= {"lifetime_s": 3600} | change
        token = self.azure.cluster.sign(**claims)  # type: ignore[arg-type]
        return self.write("federated-token", token.encode())

    def log_in(self, program: str, user: Principal) -> dict[str, str]:
        """Install a program and log a user in; return the PATH that finds it."""
        directory = self.home / programs.LOGINS[program]
        token = {"refresh_token": self.azure.directory.log_in(user)}
        self.write(f"{directory.name}/sandbox-login.json", json.dumps(token).encode())
        profile = {"subscriptions": [{"user": {"name": user.name, "type": "user"}}]}
        self.write(
            f"{directory.name}/{PROFILES[program]}", json.dumps(profile).encode()
        )
        return self.install(program)

    def log_out(self, program: str) -> None:
        """Remove the user, as the program's own logout does."""
        directory = self.home / programs.LOGINS[program]
        (directory / "sandbox-login.json").unlink()
        self.write(f"{directory.name}/{PROFILES[program]}", b'{"subscriptions": []}')

    def install(self, program: str) -> dict[str, str]:
        """Put a program on a PATH that has no other program of Azure's."""
        words = (sys.executable, "-I", "-S", "-B", programs.__file__, program, self.url)
        script = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
        target = self.write(f"bin/{program}", script.encode(), 0o700)
        return path_led_by(target.parent)


PROFILES = {
    "az": "azureProfile.json",
    "azd": "auth.json",
    "pwsh": "AzureRmContext.json",
}
