"""The peers, and how each is asked for one registry's password."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
REGION = "eu-west-1"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


def secret(answer: str) -> str:
    """Read the protocol's answer."""
    return str(json.loads(answer)["Secret"])


def whole(answer: str) -> str:
    """Read the answer of a command that prints the password alone."""
    return answer.strip()


def access_token(answer: str) -> str:
    """Read the answer of `az acr login --expose-token`."""
    return str(json.loads(answer)["accessToken"])


@dataclass(frozen=True)
class Peer:
    """A program that answers what one of ours answers; `argv` names it first.

    `variables` lead it to the system's roots where it would take its own, or keep its
    files from ours; {HOME} in them is the home. `login` are the arguments that make it
    somebody in an environment, once.
    """

    name: str
    argv: tuple[str, ...]
    read: Callable[[str], str] = secret
    variables: Mapping[str, str] = field(default_factory=dict)
    login: tuple[str, ...] = ()

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return its variables on top of those that both have."""
        home = base["HOME"]
        own = {name: text.format(HOME=home) for name, text in self.variables.items()}
        return {**base, **own}

    def log_in(self, program: str, environment: Mapping[str, str]) -> None:
        """Set the machine's identity, where the program asks for a login."""
        if self.login:
            command = (program, *self.login)
            subprocess.run(command, env=environment, check=True, capture_output=True)

    def command(self, fetched: Path, bare: Path) -> tuple[str, ...] | None:
        """Return what to run; None where the program is not on this machine."""
        if self.argv[0] == "python":
            return (str(bare), "-I", *self.argv[1:])
        found = shutil.which(self.argv[0], path=str(fetched)) or _on_the_system(
            self.argv[0]
        )
        return (found, *self.argv[1:]) if found else None


def _on_the_system(name: str) -> str | None:
    """Return a program that is not ours, behind pyenv's shim if there is one."""
    found = shutil.which(name)
    if found and "/shims/" in found:
        real = subprocess.run(
            ["pyenv", "which", name], check=False, capture_output=True, text=True
        )
        found = real.stdout.strip() if real.returncode == 0 else None
    return found if found and os.access(found, os.X_OK) else None


def _helper(name: str) -> Peer:
    return Peer(name, (f"docker-credential-{name}", "get"))


PEERS = {
    peer.name: peer
    for peer in (
        *map(_helper, ("ecr-login", "gcr", "acr-env", "secretservice", "pass")),
        Peer(
            "gcloud's helper",
            ("docker-credential-gcloud", "get"),
            # What it writes of a machine's account would be a login of gcloud to us.
            variables={"CLOUDSDK_CONFIG": "{HOME}/gcloud"},
        ),
        Peer(
            "aws",
            ("aws", "ecr", "get-login-password", "--region", REGION),
            whole,
            {"AWS_CA_BUNDLE": BUNDLE},
        ),
        Peer(
            "az",
            ("az", "acr", "login", "--expose-token", "-n", "sandbox", "-o", "json"),
            access_token,
            {"REQUESTS_CA_BUNDLE": BUNDLE},
            ("login", "--identity", "--allow-no-subscriptions"),
        ),
        Peer(
            "bare boto3",
            ("python", str(REPOSITORY / "bench/bare_boto3.py")),
            whole,
            {"AWS_CA_BUNDLE": BUNDLE},
        ),
    )
}
