"""A person's account in the world (world.py): home, PATH and configuration files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .parts import SYSTEM_PATH
from .registry import ACCOUNT_HOST, OTHER_ACCOUNT_HOST, Visits
from .world import Result, World

# Two wrong helpers that call the helper under test. One answers with a password for
# another account, the other changes one character of the right answer.
LIARS = {
    "other-account": f"""#!/bin/sh
printf %s {OTHER_ACCOUNT_HOST} | docker-credential-ecr-login "$1"
""",
    "altered": """#!/bin/sh
docker-credential-ecr-login "$1" | sed 's/\\("Secret": *"\\)./\\1~/'
""",
}


def write_liars(directory: Path) -> Path:
    """Write the wrong helpers as programs; return their directory."""
    for name, script in LIARS.items():
        program = directory / f"docker-credential-{name}"
        program.write_text(script)
        program.chmod(0o755)
    return directory


@dataclass(frozen=True)
class Account:
    """Runs clients with their own home, helpers on PATH and a cloud identity."""

    world: World
    home: Path
    helpers: tuple[Path, ...]
    cloud: Mapping[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of every client; the tests' own variables are not inherited."""
        path = ":".join([*map(str, self.helpers), SYSTEM_PATH])
        return {**self.cloud, "PATH": path, "HOME": str(self.home), "LANG": "C.UTF-8"}

    def run(self, *argv: str, stdin: str = "") -> Result:
        """Run a client to its end."""
        return self.world.run(*argv, env=self.environment, stdin=stdin)

    def succeed(self, *argv: str, stdin: str = "") -> Result:
        """Run a client that must succeed."""
        done = self.run(*argv, stdin=stdin)
        assert done.returncode == 0, done.stderr + done.stdout
        return done

    def refused(self, *argv: str, user: str = "AWS", stdin: str = "") -> None:
        """Run a client that must fail because the registry refused `user` (401)."""
        visits = Visits(self.world)
        done = self.run(*argv, stdin=stdin)
        said = done.stderr + done.stdout
        assert done.returncode not in {0, 124}, said
        assert visits.seen(user, 401), said
        assert not visits.authenticated(), said

    def password(self) -> str:
        """Ask the helper under test for the registry's password."""
        answer = self.succeed("docker-credential-ecr-login", "get", stdin=ACCOUNT_HOST)
        return str(json.loads(answer.stdout)["Secret"])

    @property
    def docker_config(self) -> Path:
        """docker's config.json, which podman and skopeo read too."""
        return self.home / ".docker/config.json"

    def docker_helper(self, helper: str, host: str = ACCOUNT_HOST) -> None:
        """Configure credHelpers: `helper` for the registry's host alone."""
        config = {"credHelpers": {host: helper}}
        _write(self.docker_config, json.dumps(config))

    def docker_store(self, helper: str) -> None:
        """Configure docker's credsStore: `helper` for every registry."""
        _write(self.docker_config, json.dumps({"credsStore": helper}))

    def containers_auth(self, helper: str) -> None:
        """Configure credHelpers of auth.json, podman's and skopeo's own file."""
        auth = {"credHelpers": {ACCOUNT_HOST: helper}}
        _write(self.home / ".config/containers/auth.json", json.dumps(auth))

    def containers_store(self, helper: str) -> None:
        """Configure registries.conf: podman and skopeo ask `helper` alone."""
        conf = self.home / ".config/containers/registries.conf"
        _write(conf, f'credential-helpers = ["{helper}"]\n')


Configure = Callable[[Account, str], None]


def _write(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
