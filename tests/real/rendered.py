"""Clients that get a rendered file, and nothing else of ours."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path

from .clients import Account
from .parts import missing, program
from .registry import ACCOUNT_HOST, HUB_PASSWORD, HUB_USER, Visits

INSPECT = ("skopeo", "--insecure-policy", "inspect")
PULL = ("podman", "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "pull")
HUB_URL = "https://index.docker.io/v1/"
HELM = """
import sys
from helm_python import RegistryClient
client = RegistryClient(credentials_file=sys.argv[1])
print(client.resolve(f"oci://{sys.argv[2]}"))
"""

Client = Callable[[Path, str], list[str]]


def docker(file: Path, image: str) -> list[str]:
    return _with(f"DOCKER_CONFIG={file.parent}", "docker", "manifest", "inspect", image)


def crane(file: Path, image: str) -> list[str]:
    """crane uses the same library as Kaniko."""
    return _with(f"DOCKER_CONFIG={file.parent}", "crane", "digest", image)


def oras(file: Path, image: str) -> list[str]:
    """oras uses the same library as Helm."""
    words = ("manifest", "fetch", "--registry-config", str(file), image)
    return [program("oras"), *words]


def skopeo(file: Path, image: str) -> list[str]:
    return _with(f"REGISTRY_AUTH_FILE={file}", *INSPECT, f"docker://{image}")


def podman(file: Path, image: str) -> list[str]:
    return _with(f"REGISTRY_AUTH_FILE={file}", *PULL, image)


def helm(file: Path, image: str) -> list[str]:
    if not importlib.util.find_spec("helm_python"):
        missing("helm is not installed: pip install helm-python-sdk")
    return [sys.executable, "-I", "-c", HELM, str(file), image]


def by_creds(pair: str, image: str) -> list[str]:
    """skopeo with user:password, which another program has read from the file."""
    return [program("skopeo"), *INSPECT[1:], "--creds", pair, f"docker://{image}"]


def _with(variable: str, name: str, *arguments: str) -> list[str]:
    return ["env", variable, program(name), *arguments]


class Renderer:
    """A person who renders a credential and passes the file to a client."""

    def __init__(self, account: Account, dockcred: str) -> None:
        self.account = account
        self.dockcred = dockcred

    def __call__(self, form: str, *more: str, registry: str = ACCOUNT_HOST) -> str:
        words = (self.dockcred, "render", form, "--registry", registry, *more)
        return self.account.succeed(*words).stdout

    def docker_hub(self, form: str) -> str:
        """Render a login of docker's config.json, and remove the config.json."""
        auth = b64encode(f"{HUB_USER}:{HUB_PASSWORD}".encode()).decode()
        kept = self.account.docker_config
        kept.parent.mkdir()
        kept.write_text(json.dumps({"auths": {HUB_URL: {"auth": auth}}}))
        text = self(form, "--source", "docker", registry="docker.io")
        kept.unlink()
        return text

    def file(self, text: str, name: str = "config.json") -> Path:
        file = self.account.home / "rendered" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        return file

    def serves(
        self, text: str, command: Callable[[Path], list[str]], user: str = "AWS"
    ) -> None:
        """Check that a client succeeds with `text`, and not with one character changed.

        The refusal comes first, since the log has a success only some time later.
        """
        self.account.refused(*command(self.file(altered(text))), user=user)
        visits = Visits(self.account.world)
        self.account.succeed(*command(self.file(text)))
        assert visits.seen(user, 200)


def altered(text: str) -> str:
    """Return the text with one character of its longest word, the secret, changed."""
    word = max(re.findall(r"[A-Za-z0-9+/=]+", text), key=len)
    half = len(word) // 2
    other = "A" if word[half] != "A" else "B"
    return text.replace(word, word[:half] + other + word[half + 1 :])


def payload(manifest: str) -> str:
    """Return the content of the only file in a Secret."""
    (data,) = json.loads(manifest)["data"].values()
    return b64decode(data).decode()
