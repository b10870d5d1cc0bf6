"""The rules of Nomad's docker driver, with a real docker engine for the pull.

With `auth.helper` the driver runs `docker-credential-NAME get` for every image and
passes the answer to the engine (drivers/docker/utils.go). This test repeats these few
lines of code; test_nomad_agent runs the agent itself, which is slow.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from .clients import Account
from .registry import ACCOUNT_HOST, BACKEND

NOTHING: Mapping[str, str] = MappingProxyType({})


@pytest.fixture
def pull(account: Account, engine: str, tmp_path: Path) -> Callable[..., str]:
    """Return a function: it pulls like Nomad's agent, as root without HOME."""
    agent = {k: v for k, v in account.environment.items() if k != "HOME"}
    agent |= {"DOCKCRED_ON_MISS": "empty", "DOCKCRED_CACHE_DIR": str(tmp_path / "c")}

    def by_driver(image: str, more: Mapping[str, str] = NOTHING) -> str:
        index = image.partition("/")[0]
        (helper,) = (
            d for d in account.helpers if (d / "docker-credential-auto").exists()
        )
        asked = account.world.run(
            *(str(helper / "docker-credential-auto"), "get"),
            env={**agent, **more},
            stdin=index,
        )
        if asked.returncode:
            return f"failed with stderr: {asked.stderr}"
        found = json.loads(asked.stdout)
        assert {type(value) for value in found.values()} == {str}
        auths = {}
        if found["Username"] or found["Secret"]:
            both = f"{found['Username']}:{found['Secret']}".encode()
            auths = {index: {"auth": base64.b64encode(both).decode()}}
        account.docker_config.parent.mkdir(parents=True, exist_ok=True)
        account.docker_config.write_text(json.dumps({"auths": auths}))
        docker = ("docker", "--host", engine)
        account.run(*docker, "image", "rm", image)
        done = account.run(*docker, "pull", image)
        return "" if done.returncode == 0 else done.stderr

    return by_driver


def test_one_helper_pulls_a_private_and_a_public_image(pull, image: str) -> None:
    """nomad#9302: with one helper for all images, public images can be pulled, too."""
    assert pull(image) == ""
    public = image.replace(ACCOUNT_HOST, BACKEND)
    assert pull(public) == ""


def test_a_private_image_without_an_identity_shows_the_helper_s_cause(
    pull, account: Account, image: str
) -> None:
    """nomad#9991: the task shows stderr, so the cause must be on stderr."""
    nobody = {name: "" for name in account.cloud if name.startswith("AWS_")}
    said = pull(image, nobody | {"AWS_EC2_METADATA_DISABLED": "true"})
    assert said.startswith("failed with stderr: docker-credential-auto: ")
    assert "no AWS identity was found" in said
