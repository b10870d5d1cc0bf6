"""A host over SSH and a container pull private images, without own credentials.

The near side has an AWS user. The far side has only a docker configuration that names
our helper, and the forwarded socket.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .clients import Account
from .parts import SYSTEM_PATH, program
from .registry import ACCOUNT_HOST, Visits
from .world import SYSTEM_TRUST, World

PORT = 2222
SSHD_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {place}/host_key
AuthorizedKeysFile {place}/key.pub
PidFile {place}/sshd.pid
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
AllowStreamLocalForwarding yes
StreamLocalBindUnlink yes
SetEnv HOME={place} PATH={path}
{more}
"""
TAKES_THE_VARIABLE = "AcceptEnv DOCKCRED_FORWARD"
FORWARD = ("dockcred", "forward", "--allow", ACCOUNT_HOST, "--")


@pytest.fixture
def far_home(world: World) -> Path:
    """A home on the far side: config.json names our helper; there are no logins."""
    home = Path(tempfile.mkdtemp(prefix="far-", dir=world.directory))
    (home / ".docker").mkdir()
    config = {"credHelpers": {ACCOUNT_HOST: "auto"}}
    (home / ".docker/config.json").write_text(json.dumps(config))
    return home


@pytest.fixture
def ssh(world: World, far_home: Path, helper_bin: Path, request) -> Iterator[list[str]]:
    """Run a real sshd on the loopback, with its own keys; yield the ssh command."""
    sshd, keygen = program("sshd"), program("ssh-keygen")
    for name in ("host_key", "key"):
        world.check(keygen, "-q", "-t", "ed25519", "-N", "", "-f", f"{far_home}/{name}")
    config = far_home / "sshd_config"
    words = {
        "port": PORT,
        "place": far_home,
        "path": f"{helper_bin}:{SYSTEM_PATH}",
        "more": getattr(request, "param", TAKES_THE_VARIABLE),
    }
    config.write_text(SSHD_CONFIG.format_map(words))
    world.check("mkdir", "-p", "/run/sshd")
    log = far_home / "sshd.log"
    command = (sshd, "-D", "-E", str(log), "-f", str(config))
    with world.server(*command, ready=lambda: world.listening(PORT)):
        yield [
            *("ssh", "-F", "none", "-i", f"{far_home}/key", "-p", str(PORT)),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "BatchMode=yes", "root@127.0.0.1"),
        ]


def inspect(image: str) -> list[str]:
    return [program("skopeo"), "--insecure-policy", "inspect", f"docker://{image}"]


def refused_for_want_of_identity(account: Account, *command: str) -> None:
    """Check that a command fails because the far side's helper has no identity."""
    visits = Visits(account.world)
    done = account.run(*command)
    assert done.returncode not in {0, 124}
    assert "no AWS identity was found" in done.stderr
    assert not visits.authenticated()


def test_a_host_over_ssh_pulls_a_private_image(
    account: Account, ssh: list[str], image: str
) -> None:
    done = account.succeed(*FORWARD, *ssh, *inspect(image))
    assert "1" in json.loads(done.stdout)["RepoTags"]
    assert f"get {ACCOUNT_HOST} for ssh (" in done.stderr
    assert "answered as AWS" in done.stderr


def test_the_same_host_pulls_nothing_without(
    account: Account, ssh: list[str], image: str
) -> None:
    refused_for_want_of_identity(account, *ssh, *inspect(image))


def test_off_the_list_it_is_told_and_not_anonymous(
    account: Account, ssh: list[str], image: str
) -> None:
    other = ("dockcred", "forward", "--allow", "ghcr.io", "--")
    done = account.run(*other, *ssh, *inspect(image))
    assert done.returncode
    assert f"{ACCOUNT_HOST} is not forwarded to here" in done.stderr


def test_the_socket_of_a_session_is_dead_after_it(
    account: Account, ssh: list[str]
) -> None:
    """sshd may leave the socket's file; the helper then says that nobody answers."""
    shown = account.succeed(*FORWARD, *ssh, "echo $DOCKCRED_FORWARD")
    path = shown.stdout.strip()
    assert path.startswith("/tmp/dockcred-")
    ask = f"echo {ACCOUNT_HOST} | DOCKCRED_FORWARD={path} docker-credential-auto get"
    done = account.run(*ssh, ask)
    assert done.returncode == 1
    assert done.stdout.startswith(f"nobody answers behind DOCKCRED_FORWARD, {path}: ")
    account.run(*ssh, f"rm -f {path}")


@pytest.mark.parametrize("ssh", [""], indirect=True, ids=["no AcceptEnv"])
def test_where_the_server_takes_no_variable_it_is_shown(
    account: Account, ssh: list[str]
) -> None:
    done = account.succeed(*FORWARD, *ssh, "echo [$DOCKCRED_FORWARD]")
    assert done.stdout == "[]\n"
    assert "type there: export DOCKCRED_FORWARD=/tmp/dockcred-" in done.stderr


@pytest.fixture
def container(
    world: World, engine: str, account: Account, layer: Path, far_home: Path, helper_bin
) -> list[str]:
    """Return a command that runs a container with this machine's programs, no secrets.

    The image holds one file only. The programs and the far side's home directory are
    mounted.
    """
    name = "far-side:1"
    docker = ("docker", "--host", engine)
    account.succeed(*docker, "import", str(layer), name)
    programs = {
        *("/usr", "/etc/ssl", str(helper_bin.resolve().parents[1])),
        str((helper_bin / "python").resolve().parents[1]),
        *(f"/{each}" for each in ("bin", "lib", "lib64") if Path(f"/{each}").exists()),
    }
    mounted = [f"--volume={path}:{path}:ro" for path in sorted(programs)]
    hosts, trust = f"{world.directory}/hosts", f"{world.directory}/ca.pem"
    return [
        *(*docker, "run", "--rm", "--network=host", *mounted),
        *(f"--volume={hosts}:/etc/hosts:ro", f"--volume={trust}:{SYSTEM_TRUST}:ro"),
        *(f"--volume={far_home}:/far", "--env=HOME=/far"),
        f"--env=PATH={helper_bin}:{SYSTEM_PATH}",
        name,
    ]


@pytest.mark.slow
def test_a_container_pulls_a_private_image(
    account: Account, container: list[str], image: str
) -> None:
    done = account.succeed(*FORWARD, *container, *inspect(image))
    assert "1" in json.loads(done.stdout)["RepoTags"]
    assert "answered as AWS" in done.stderr


@pytest.mark.slow
def test_the_same_container_pulls_nothing_without(
    account: Account, container: list[str], image: str
) -> None:
    refused_for_want_of_identity(account, *container, *inspect(image))
