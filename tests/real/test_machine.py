"""Each way to install: install, a session, a pull by a real client, and uninstall.

It runs on a Debian without compilers and network, by the commands of docs/install.md.
No files may be left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.documents import written

from .machine import Machine, open_machine
from .registry import ACCOUNT_HOST
from .world import World

# config.json.dockcred-undo is the former config.json, for `configure --undo`.
OWN_CONFIGURATION = {
    ".docker", ".docker/config.json", ".docker/config.json.dockcred-undo",
}  # fmt: skip
PLACES = ".local/bin .local/share/man .local/state .cache .config"
SESSION = f"""
for time in cold cached; do
    echo {ACCOUNT_HOST} | docker-credential-ecr-login get
done
"""

WAYS = ("pip", "pipx", "uv", "deb", "one-file")
# Only the extra `sandbox` is provided; in Debian it is two packages.
SANDBOX = "apt-get install -y --no-install-recommends python3-trustme python3-jwt"
NO_SANDBOX = "apt-get autoremove --purge -y python3-trustme python3-jwt"


def commands(how: str, page: str = "install.md") -> str:
    """Return a page's block as a script that runs in the directory of a release."""
    lines = written(how, page)
    return "cd /dist\n" + "\n".join(lines).replace("[all]", "[sandbox]")


def coming(way: str) -> str:
    """Return README's commands, and those that only docs/install.md has: launchers."""
    lines = written(f"comes by {way}", "install.md")
    tab = commands(f"comes by {way}", "README.md")
    return "\n".join((tab, *lines[len(tab.splitlines()) - 1 :]))


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def machine(
    world: World, cloud: Mapping[str, str], dist: Path, way: str
) -> Iterator[Machine]:
    ca = world.directory / "ca.pem"
    user = "root" if way == "deb" else "ada"
    with open_machine(world, dist, ca, user, cloud) as machine:
        machine.succeed("sh", "-c", f"mkdir -p {PLACES}")
        yield machine


def test_in_a_session_a_pull_and_out_without_a_trace(
    machine: Machine, way: str, image: str
) -> None:
    before = machine.files()
    machine.succeed("sh", "-ec", coming(way))

    if way == "deb":
        machine.succeed("sh", "-ec", SANDBOX)
    if way != "one-file":
        plays = ("dockcred", "sandbox", "--identity", "instance-profile", "--counts")
        done = machine.run(*plays, "--", "sh", "-ec", SESSION)
        assert done.returncode == 0, done.stderr
        cold, cached = map(json.loads, done.stdout.splitlines())
        assert cold == cached
        assert cold["Username"] == "AWS"
        assert "     1  ecr:GetAuthorizationToken\n" in done.stderr

    pull = ("crane", "pull", image, "image.tar")
    refused = machine.run(*pull)
    assert refused.returncode != 0
    assert "401 Unauthorized" in refused.stderr
    machine.succeed("dockcred", "configure", "docker", "--registry", ACCOUNT_HOST)
    machine.succeed(*pull)
    machine.succeed("rm", "image.tar")

    if way == "deb":
        machine.succeed("sh", "-ec", NO_SANDBOX)
    machine.succeed("sh", "-ec", commands(f"goes by {way}"))
    own = {f"{machine.home}/{name}" for name in OWN_CONFIGURATION}
    assert machine.changed(before) == own


@pytest.mark.parametrize("way", ["deb"], indirect=True)
def test_debians_own_boto3_serves_what_needs_an_sdk(machine: Machine) -> None:
    """Without boto3 the error names Debian's package, as Debian refuses pip."""
    machine.succeed("sh", "-ec", f"{coming('deb')}\n{SANDBOX}")
    # With real host names, as Debian 12's botocore does not read AWS_ENDPOINT_URL.
    sandbox = ("dockcred", "sandbox", "--tls", "--identity")
    done = machine.run(*sandbox, "profile", "--", "sh", "-ec", SESSION)
    assert "run: apt install python3-boto3" in done.stderr
    machine.succeed(*f"{SANDBOX} python3-boto3".split())
    for identity in ("profile", "assume-role", "sso"):
        printed = machine.succeed(*sandbox, identity, "--", "sh", "-ec", SESSION)
        cold, cached = printed.splitlines()
        assert cold == cached


AGAIN = {
    "pipx": "pipx install --force 'dockcred[sandbox]'",
    "uv": "uv tool install --reinstall 'dockcred[sandbox]'",
}


@pytest.mark.parametrize("way", AGAIN, indirect=True)
def test_launchers_give_links_back_and_a_reinstall_that_drops_them_is_told(
    machine: Machine, way: str
) -> None:
    program = f"{machine.home}/.local/bin/docker-credential-ecr-login"
    machine.succeed("sh", "-ec", commands(f"comes by {way}", "README.md"))
    link = machine.succeed("readlink", program)
    machine.succeed("dockcred", "install")
    assert machine.run("readlink", program).returncode != 0
    machine.succeed("dockcred", "install", "--remove")
    assert machine.succeed("readlink", program) == link

    machine.succeed("dockcred", "configure", "docker", "--registry", ACCOUNT_HOST)
    machine.succeed("dockcred", "install")
    doctor = ("dockcred", "doctor", "--json", ACCOUNT_HOST)
    assert "after a reinstall" not in machine.run(*doctor).stdout
    machine.succeed("sh", "-ec", f"cd /dist\n{AGAIN[way]}")
    assert machine.succeed("readlink", program) == link
    assert "after a reinstall, run: dockcred install" in machine.run(*doctor).stdout
