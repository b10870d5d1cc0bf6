"""A person's account with a broken set-up, its real clients, and the doctor."""

from __future__ import annotations

import base64
import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from real.clients import Account
from real.parts import SYSTEM_PATH, program
from real.registry import ACCOUNT_HOST
from real.world import Result, World

HELPER = "docker-credential-ecr-login"
_DOCKER_PY = """
import sys
from docker.auth import load_config
found = load_config().resolve_authconfig(sys.argv[1])
assert found, "anonymous"
assert len(found["Password"]) > 1000 and found["Password"].isprintable()
"""


@dataclass
class Patient:
    """An account with `~/bin` first on PATH, and `dockcred` but no helper on it."""

    world: World
    home: Path
    cloud: Mapping[str, str]
    tools: Path
    image: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the client's shell; the test's own are not inherited."""
        path = f"{self.home}/bin:{self.tools}:{SYSTEM_PATH}"
        base = {"PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8"}
        return {**self.cloud, **base, **self.variables}

    def sh(self, script: str) -> Result:
        """Run lines of shell in the account."""
        return self.world.run("sh", "-c", script, env=self.environment)

    def succeed(self, script: str) -> str:
        """Run lines of shell that must succeed."""
        done = self.sh(script)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def install(self, directory: str = "bin") -> Path:
        """Put the real launcher into a directory of the home; return its path."""
        target = self.home / directory
        self.succeed(f"dockcred install --dir {target} --programs {HELPER}")
        return target / HELPER

    def write(self, name: str, content: object) -> Path:
        """Write a client's file below the home."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text)
        path.chmod(0o600)
        return path

    def configure(self, name: str = ".docker/config.json") -> Path:
        """Name our helper for the registry, as a person would by hand."""
        return self.write(name, {"credHelpers": {ACCOUNT_HOST: "ecr-login"}})

    def password(self) -> str:
        """Return a new password that the registry accepts."""
        return self.succeed(f"dockcred get {ACCOUNT_HOST} --password").strip()

    def client(self, name: str) -> str:
        """Return the command by which a client reads the image's manifest."""
        return {
            "docker": f"docker manifest inspect {self.image}",
            "skopeo": f"skopeo --insecure-policy inspect docker://{self.image}",
            "podman": "podman --storage-driver=vfs --cgroup-manager=cgroupfs"
            f" --root {self.home}/images --runroot {self.home}/run pull {self.image}",
            "docker-py": shlex.join(
                [sys.executable, "-I", "-c", _DOCKER_PY, ACCOUNT_HOST]
            ),
        }[name]

    def doctor(self, *options: str, before: str = "") -> Result:
        """Run the doctor on the image, after the shell lines in `before`."""
        return self.sh(f"{before}dockcred doctor {self.image} {shlex.join(options)}")


def auth(text: str) -> dict[str, object]:
    """Return an `auths` table with `text`, a user:password, as base64."""
    coded = base64.b64encode(text.encode()).decode()
    return {"auths": {ACCOUNT_HOST: {"auth": coded}}}


def admit(account: Account, image: str) -> Patient:
    """Make a patient of an account: `dockcred` is on PATH, our helpers are not."""
    tools = account.home / "tools"
    tools.mkdir()
    (tools / "dockcred").symlink_to(account.helpers[-1] / "dockcred")
    (account.home / "bin").mkdir()
    for name in ("docker", "skopeo"):
        program(name)
    return Patient(account.world, account.home, account.cloud, tools, image)
