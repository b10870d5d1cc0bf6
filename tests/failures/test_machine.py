"""Failures of the machine on which the program runs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support.program import (
    BUSY_S,
    HOST,
    LONG_S,
    NOT_FOUND,
    PUBLIC,
    Answer,
    processes_of,
    wait_until,
)

pytestmark = pytest.mark.slow  # as a whole too long for `make test`
ECR_CALL = "ecr:GetAuthorizationToken"
AS_ROOT = pytest.mark.usefixtures("own_mounts")
ROADS = ("direct", "sdk")


@pytest.fixture
def silent():
    """A metadata address that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("road", ROADS)
def test_a_metadata_address_that_never_answers_is_soon_given_up(
    road, ecr, cloud, silent
):
    """Without configuration, off EC2: an error for private ECR, "not found" for public.

    botocore waits a second for version 2 and another for version 1.
    """
    environment = cloud.environment("instance-profile") | {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": silent,
        "DOCKCRED_ROAD": road,
        "DOCKCRED_TIMEOUT": f"{LONG_S}",
    }
    assert "no AWS identity was found" in ecr.get(environment).said
    answer = ecr.get(environment, PUBLIC)
    assert (answer.status, answer.stdout, answer.stderr) == (1, NOT_FOUND, b"")


def test_a_metadata_address_that_nobody_listens_on(ecr, cloud):
    environment = cloud.environment("instance-profile") | {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT": "http://127.0.0.1:1"
    }
    assert "no AWS identity was found" in ecr.get(environment).said


@pytest.mark.parametrize("road", ROADS)
def test_a_proxy_that_accepts_and_never_answers(road, ecr, cloud, silent):
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), silent)
    environment = cloud.environment() | proxies
    environment |= {"DOCKCRED_ROAD": road, "DOCKCRED_TIMEOUT": "2"}
    assert ecr.get(environment).said


DEAD_RESOLVER = """
import fcntl, os, socket, struct, subprocess, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    # SIOCSIFFLAGS: the loopback of a new network is down.
    fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 1 | 64))
    s.bind(("127.0.0.1", 53))
    sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def _without_a_network(ecr, environment, *before: str) -> Answer:
    done = subprocess.run(
        ["unshare", "--net", "--mount", *before, ecr.path, "get"],
        input=HOST.encode(),
        env=environment,
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr, 0)


def _without_proxy(environment):
    return {k: v for k, v in environment.items() if "PROXY" not in k.upper()}


@AS_ROOT
@pytest.mark.parametrize("road", ROADS)
def test_without_a_network_the_name_is_told(road, ecr, cloud):
    environment = _without_proxy(cloud.environment()) | {"DOCKCRED_ROAD": road}
    environment |= {"DOCKCRED_TIMEOUT": "3"}
    answer = _without_a_network(ecr, environment)
    assert "; " in answer.said
    if road == "direct":
        assert "api.ecr.eu-west-1.amazonaws.com" in answer.said


@AS_ROOT
@pytest.mark.parametrize("road", ROADS)
def test_a_nameserver_that_never_answers_does_not_hold_the_program(
    road, ecr, cloud, tmp_path
):
    """No signal interrupts name resolution: the watchdog's thread ends the process."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "dead.py").write_text(DEAD_RESOLVER)
    environment = _without_proxy(cloud.environment())
    environment |= {"DOCKCRED_ROAD": road, "DOCKCRED_TIMEOUT": "2"}
    script = f'mount --bind {tmp_path}/resolv.conf /etc/resolv.conf; exec "$@"'
    answer = _without_a_network(
        ecr,
        environment,
        *("sh", "-euc", script, "sh", sys.executable, f"{tmp_path}/dead.py"),
    )
    assert "gave up after 2 s" in answer.said


def test_a_lock_that_a_stopped_process_holds_costs_three_seconds(ecr, cloud):
    """It also costs one more call to the cloud, but never the answer."""
    environment = cloud.environment()
    cloud.fail("ecr:hang:1")
    holder = ecr.start("get", environment=environment)
    try:
        holder.stdin.write(HOST.encode())
        holder.stdin.close()
        wait_until(lambda: cloud.calls[ECR_CALL] == 1)
        holder.send_signal(signal.SIGSTOP)
        answer = ecr.get(environment)
        assert cloud.minted(answer.password)
        assert answer.seconds > 2.5
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
        holder.stderr.close()


def test_a_stdin_that_is_never_closed_ends_with_the_time(ecr, cloud):
    environment = cloud.environment() | {"DOCKCRED_TIMEOUT": "1"}
    process = ecr.start("get", environment=environment)
    process.stdin.write(HOST.encode())
    process.stdin.flush()
    assert process.wait(timeout=BUSY_S) == 1
    answer = Answer(1, process.stdout.read(), process.stderr.read(), 0)
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()
    assert "stdin" in answer.said
    assert "; " in answer.said


def test_a_client_that_does_not_read_does_not_hold_the_program(ecr, cloud):
    """stdout is a full pipe: the watchdog's message cannot be written either."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writer, b"x" * 4096):
            continue
    os.set_blocking(writer, True)
    environment = cloud.environment() | {"DOCKCRED_TIMEOUT": "1"}
    process = ecr.start("get", environment=environment, stdout=writer, stderr=writer)
    process.stdin.write(HOST.encode())
    process.stdin.close()
    assert process.wait(timeout=BUSY_S) == 1
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf", "99999", "1 s"])
def test_a_time_limit_that_is_none_is_refused(value, ecr, cloud):
    answer = ecr.get(cloud.environment() | {"DOCKCRED_TIMEOUT": value})
    assert "DOCKCRED_TIMEOUT is not a number of seconds" in answer.said
    assert cloud.calls.total() == 0


def test_a_time_limit_is_kept(ecr, cloud):
    cloud.fail("ecr:hang")
    answer = ecr.get(cloud.environment() | {"DOCKCRED_TIMEOUT": "0.5"})
    assert "gave up after 0.5 s" in answer.said


@pytest.fixture
def process(cloud):
    """Return a function that makes a script the identity's credential_process."""
    environment = cloud.environment("credential-process")
    program = cloud.home / "credential-process/credential-process"

    def script(text: str):
        program.write_text(f"#!/bin/sh\n{text}\n")
        return environment

    return script


def _asleep(mark: str) -> list[int]:
    return processes_of(f"sleep\0{mark}")


def test_a_child_program_dies_with_the_time(ecr, process):
    """So do a grandchild, and a child that holds our stderr open."""
    environment = process(f"sleep {LONG_S}1 & sleep {LONG_S}2; exit 1")
    running = ecr.start("get", environment=environment | {"DOCKCRED_TIMEOUT": "3"})
    running.stdin.write(HOST.encode())
    running.stdin.close()
    running.stdin = None
    wait_until(lambda: _asleep(f"{LONG_S}1") and _asleep(f"{LONG_S}2"))
    stdout, stderr = running.communicate(timeout=BUSY_S)
    answer = Answer(running.returncode, stdout, stderr, 0)
    assert "gave up after 3 s" in answer.said
    wait_until(lambda: not _asleep(f"{LONG_S}1") and not _asleep(f"{LONG_S}2"))


def test_ctrl_c_while_a_child_program_runs_ends_both(ecr, process):
    """A terminal sends SIGINT to both; a client sends it only to us."""
    environment = process(f"exec sleep {LONG_S}3")
    running = ecr.start(
        "get", environment=environment | {"DOCKCRED_TIMEOUT": f"{LONG_S}"}
    )
    running.stdin.write(HOST.encode())
    running.stdin.close()
    running.stdin = None
    wait_until(lambda: _asleep(f"{LONG_S}3"))
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=BUSY_S)
    assert running.returncode == 1
    assert b"Traceback" not in stdout + stderr
    assert stdout == b"interrupted\n"
    wait_until(lambda: not _asleep(f"{LONG_S}3"))


@pytest.mark.parametrize("road", ROADS)
def test_ctrl_c_while_the_cloud_hangs_ends_at_once(road, ecr, cloud):
    cloud.fail("ecr:hang")
    environment = cloud.environment() | {"DOCKCRED_ROAD": road}
    environment |= {"DOCKCRED_TIMEOUT": f"{LONG_S}"}
    running = ecr.start("get", environment=environment)
    running.stdin.write(HOST.encode())
    running.stdin.close()
    running.stdin = None
    wait_until(lambda: cloud.calls[ECR_CALL] == 1)
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=BUSY_S)
    assert (running.returncode, stdout) == (1, b"interrupted\n")
    assert stderr == b"docker-credential-ecr-login: interrupted\n"


@pytest.mark.parametrize(
    "script",
    [
        "echo hunter2-secret >&2; exit 1",
        "echo hunter2-secret",
        'echo \'{"Version":1,"SecretAccessKey":"hunter2-secret"}\'',
        'echo \'{"Version":9,"AccessKeyId":"A","SecretAccessKey":"hunter2-secret"}\'',
        "exec /nowhere/hunter2-secret",
        "kill -9 $$",
    ],
)
def test_a_child_program_that_fails_is_told_without_what_it_printed(
    script, ecr, process
):
    """The child's output may be a secret."""
    answer = ecr.get(process(script))
    assert answer.status == 1
    assert b"hunter2" not in answer.stdout
    assert answer.stdout.count(b"\n") == 1
    assert b"Traceback" not in answer.stderr
    assert answer.stderr.endswith(b": " + answer.stdout)


def test_a_child_program_does_not_read_our_stdin(ecr, cloud):
    environment = cloud.environment("credential-process")
    program = cloud.home / "credential-process/credential-process"
    text = program.read_text().replace("#!/bin/sh\n", "#!/bin/sh\ncat >/dev/null\n")
    program.write_text(text)
    assert cloud.minted(ecr.get(environment).password)


def test_a_missing_token_directory_leaves_no_file(ecr, cloud):
    """A failed call leaves neither entry nor anything that others can read."""
    cloud.fail("ecr:garbage")
    environment = cloud.environment()
    ecr.get(environment)
    for path in Path(environment["DOCKCRED_CACHE_DIR"]).rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
