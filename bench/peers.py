"""The peers (other programs for the same task), and how to ask each for a password."""

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
    """Return the password in an answer of the credential-helper protocol."""
    return str(json.loads(answer)["Secret"])


def whole(answer: str) -> str:
    """Return the answer of a command that prints only the password."""
    return answer.strip()


def access_token(answer: str) -> str:
    """Return the token in an answer of `az acr login --expose-token`."""
    return str(json.loads(answer)["accessToken"])


@dataclass(frozen=True)
class Peer:
    """A program with the same task as one of ours; `argv` is its command.

    `read` returns the password in its answer. `variables` make it trust the system's
    roots instead of its own, or keep its files apart from ours; {HOME} in them is the
    home directory. `login` has the arguments for its login, which is done once.
    """

    name: str
    argv: tuple[str, ...]
    read: Callable[[str], str] = secret
    variables: Mapping[str, str] = field(default_factory=dict)
    login: tuple[str, ...] = ()

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """Return the common variables together with the peer's own."""
        home = base["HOME"]
        own = {name: text.format(HOME=home) for name, text in self.variables.items()}
        return {**base, **own}

    def log_in(self, program: str, environment: Mapping[str, str]) -> None:
        """Log in with the machine's identity, if the program needs a login."""
        if self.login:
            command = (program, *self.login)
            subprocess.run(command, env=environment, check=True, capture_output=True)

    def command(self, fetched: Path, bare: Path) -> tuple[str, ...] | None:
        """Return the command; None if the program is not on this machine.

        `fetched` has the downloaded peers; `bare` is the Python for Python peers.
        """
        if self.argv[0] == "python":
            return (str(bare), "-I", *self.argv[1:])
        found = shutil.which(self.argv[0], path=str(fetched)) or _on_the_system(
            self.argv[0]
        )
        return (found, *self.argv[1:]) if found else None


def _on_the_system(name: str) -> str | None:
    """Return a program on PATH, or the program behind it if it is pyenv's shim."""
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
            # It writes the machine's account there, which ours would take for a login.
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
