"""A model of Nomad's docker driver (drivers/docker/utils.go, aa026cc) asks our helper.

It runs `docker-credential-NAME get` with the agent's variables, writes the bare index
name, reads a map of strings, shows stderr alone, and takes an empty user and secret
for "no credential".
"""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from support.program import BUSY_S, HOST, PUBLIC

AGENT = {"PATH": "/usr/bin:/bin", "DOCKCRED_ON_MISS": "empty"}


class PullError(Exception):
    """Nomad fails the task with this text."""


def auth_from_helper(directory, name: str, index: str, environment) -> dict | None:
    """Do what authFromHelper does; return None if Nomad pulls anonymously."""
    done = subprocess.run(
        [os.path.join(directory, f"docker-credential-{name}"), "get"],
        input=index.encode(),
        env=environment,
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    if done.returncode:
        raise PullError(f"failed with stderr: {done.stderr.decode()}")
    found = json.loads(done.stdout)
    assert all(isinstance(value, str) for value in found.values())
    if not found["Username"] and not found["Secret"]:
        return None
    return found


@pytest.fixture
def agent(cloud, tmp_path):
    """Return the variables of an agent on an EC2 machine: it is root without HOME."""
    kept = cloud.environment("instance-profile", inherit={})
    aws = {name: value for name, value in kept.items() if name.startswith("AWS_")}
    proxies = {n: v for n, v in kept.items() if "PROXY" in n.upper() or "SSL" in n}
    return AGENT | aws | proxies | {"DOCKCRED_CACHE_DIR": str(tmp_path / "cache")}


def test_a_private_image_gets_its_credential(helper_bin, agent, cloud):
    found = auth_from_helper(helper_bin, "auto", HOST, agent)
    assert cloud.minted(found["Secret"]).host == HOST


@pytest.mark.parametrize("index", ["docker.io", "quay.io", "registry.example:5000"])
def test_a_public_image_is_pulled_anonymously(index, helper_bin, agent):
    """nomad#3030, #9302: with a helper for all images, Docker Hub's must still work."""
    assert auth_from_helper(helper_bin, "auto", index, agent) is None


def test_a_public_gallery_that_the_machine_may_not_ask_is_pulled_anonymously(
    helper_bin, agent
):
    environment = agent | {"AWS_EC2_METADATA_DISABLED": "true"}
    assert auth_from_helper(helper_bin, "auto", PUBLIC, environment) is None


def test_the_cause_of_a_failure_is_what_nomad_shows(helper_bin, agent, cloud):
    """nomad#9991: Nomad shows only the helper's stderr."""
    cloud.fail("ecr:access-denied")
    with pytest.raises(PullError, match="AWS denies ecr:GetAuthorizationToken"):
        auth_from_helper(helper_bin, "auto", HOST, agent)


def test_without_the_switch_not_found_fails_the_task(helper_bin, agent):
    """This is why DOCKCRED_ON_MISS exists."""
    environment = agent | {"DOCKCRED_ON_MISS": ""}
    with pytest.raises(PullError):
        auth_from_helper(helper_bin, "auto", "docker.io", environment)


@pytest.mark.parametrize("host", [HOST, "quay.io"])
def test_nomad_s_agent_is_told_why_a_miss_is_a_failure(
    host, helper_bin, agent, cloud, tmp_path
):
    """One line on stderr, only for a process named nomad: docker would show it."""
    request = tmp_path / "request"
    request.write_text(host)
    environment = agent | {"DOCKCRED_ON_MISS": "", "AWS_EC2_METADATA_DISABLED": "true"}
    said = {}
    for name in ("nomad", "dockerd"):
        # The kernel's name of a process is the name of the file that was started.
        (tmp_path / name).symlink_to("/bin/sh")
        helper = str(helper_bin / "docker-credential-auto")
        done = subprocess.run(
            [
                str(tmp_path / name),
                "-c",
                '"$1" get <"$2"; exit $?',
                "-",
                helper,
                request,
            ],
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )
        assert done.returncode == 1
        said[name] = done.stderr
    if host == HOST:
        assert said["nomad"] == said["dockerd"] != ""  # a failure has its own cause
        return
    assert said["dockerd"] == ""
    (line,) = said["nomad"].splitlines()
    assert "DOCKCRED_ON_MISS=empty" in line


@pytest.mark.parametrize("level", ["", "debug"])
def test_podman_s_driver_passes_no_argument_and_merges_the_streams(
    level, helper_bin, agent, cloud
):
    """nomad-driver-podman: argv is only ["get"], and stdin is domain and path.

    It uses CombinedOutput, so a log line on stderr would be part of the answer.
    """
    done = subprocess.run(
        ["get"],
        executable=helper_bin / "docker-credential-auto",
        input=f"{HOST}/team/app".encode(),
        env=agent | {"DOCKCRED_LOG": level},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0
    assert cloud.minted(json.loads(done.stdout)["Secret"]).host == HOST
