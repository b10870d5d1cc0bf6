"""The program's standard streams, in all states in which real clients leave them."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time

import pytest
from support.program import BUSY_S, HOST, NOT_FOUND, wait_until

LONG = b"x" * 3_000_000
NO_CORE = ["1", "1"]
REQUESTS = {
    "get, found": ("get", HOST.encode() + b"\n" * 300_000),
    "get, not ours": ("get", b"ghcr.io" + b"\n" * 300_000),
    "get, too long": ("get", LONG),
    "get, refused": ("get", b"user@" + LONG[:60_000] + b"\x00" * 300_000),
    "erase, too long": ("erase", LONG),
    "store, too long": ("store", b"x" * 9_000_000),
    "store, not JSON": ("store", b"[" * 900_000),
}


@pytest.mark.parametrize("verb, text", REQUESTS.values(), ids=REQUESTS)
def test_stdin_is_read_to_its_end_before_the_program_ends(verb, text, ecr, cloud):
    """A client that writes everything gets no EPIPE (Rust's docker_credential, Jib)."""
    process = ecr.start(verb, environment=cloud.environment())
    view = memoryview(text)
    while view:
        view = view[os.write(process.stdin.fileno(), view[:65536]) :]
        time.sleep(0)
    process.stdin.close()
    process.stdin = None
    stdout, _ = process.communicate(timeout=BUSY_S)
    assert stdout.count(b"\n") <= 1
    assert process.returncode in {0, 1}


def test_stdin_is_read_even_where_a_variable_is_refused(ecr, cloud):
    """An error before the request is read does not close the pipe on the client."""
    environment = cloud.environment() | {"DOCKCRED_TIMEOUT": "soon"}
    process = ecr.start("get", environment=environment)
    time.sleep(0.3)
    os.write(process.stdin.fileno(), b"x" * 60_000)
    stdout, _ = process.communicate(timeout=BUSY_S)
    assert b"DOCKCRED_TIMEOUT" in stdout


@pytest.mark.parametrize("verb", ["list", "version", "--version", "--help"])
def test_list_and_version_do_not_wait_for_a_stdin_that_stays_open(verb, ecr, cloud):
    """docker-py passes its own stdin: a terminal, or a pipe that nobody closes."""
    process = ecr.start(verb, environment=cloud.environment())
    assert process.wait(timeout=BUSY_S) == 0
    process.stdin.close()
    assert process.stdout.read().endswith(b"\n")
    process.stdout.close()
    process.stderr.close()


def _run(ecr, environment, verb, redirections):
    """Let a shell close descriptors, then become the program."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" {verb} {redirections}', ecr.path],
        env=environment,
        capture_output=True,
        input=HOST.encode(),
        timeout=BUSY_S,
        check=False,
    )


def test_a_closed_stdin_is_an_empty_request(ecr, cloud):
    done = _run(ecr, cloud.environment(), "get", "<&-")
    assert (done.returncode, done.stdout) == (1, b"no credentials server URL\n")
    assert done.stderr == b""


def test_a_closed_stderr_changes_nothing(ecr, cloud):
    """The cause is still on stdout, and no opened file gets file descriptor 2."""
    cloud.fail("ecr:access-denied")
    done = _run(ecr, cloud.environment(), "get", "2>&-")
    assert done.returncode == 1
    assert done.stdout.startswith(b"AWS denies ecr:GetAuthorizationToken")


def test_a_closed_stdout_ends_without_a_traceback(ecr, cloud):
    done = _run(ecr, cloud.environment(), "get", ">&-")
    assert done.returncode in {0, 1}
    assert done.stderr == b""


def test_all_three_closed_still_ends_and_keeps_the_cache_clean(ecr, cloud):
    """No file that the program opens becomes stdout, so no file holds the answer."""
    environment = cloud.environment()
    done = _run(ecr, environment, "get", "<&- >&- 2>&-")
    assert done.returncode in {0, 1}
    done = _run(ecr, environment, "get", ">&- 2>&-")
    for path in cloud.home.rglob("*"):
        if path.is_file():
            assert b'"Secret"' not in path.read_bytes(), path


def test_a_full_stdout_is_an_error_and_no_traceback(ecr, cloud):
    done = _run(ecr, cloud.environment(), "get", ">/dev/full")
    assert (done.returncode, done.stderr) == (1, b"")


def test_a_client_that_has_gone_ends_the_program_quietly(ecr, cloud):
    """stdout is a pipe whose reader has closed it."""
    process = ecr.start("get", environment=cloud.environment())
    process.stdout.close()
    process.stdin.write(HOST.encode())
    process.stdin.close()
    assert process.wait(timeout=BUSY_S) == 1
    assert process.stderr.read() == b""
    process.stderr.close()


def _most_core(process) -> list[str]:
    """Return the soft and hard limit of core files; the program sets NO_CORE."""
    with open(f"/proc/{process.pid}/limits", encoding="ascii") as limits:
        (core,) = [line for line in limits if line.startswith("Max core file size")]
    return core.split()[4:6]


def test_ctrl_c_ends_with_one_line(ecr, cloud):
    """No traceback reaches a terminal."""
    process = ecr.start("get", environment=cloud.environment())
    wait_until(lambda: _most_core(process) == NO_CORE)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=BUSY_S)
    assert process.returncode == 1
    assert stdout == b"interrupted\n"
    assert stderr == b"docker-credential-ecr-login: interrupted\n"


def test_core_dumps_are_off_and_files_are_private(ecr, cloud):
    """No core file may hold a secret, whatever limit and umask the client has."""
    environment = cloud.environment()

    def generous():
        os.umask(0)
        limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))

    process = ecr.start("get", environment=environment, preexec_fn=generous)
    wait_until(lambda: _most_core(process) == NO_CORE)
    process.communicate(HOST.encode(), timeout=BUSY_S)
    made = list((cloud.home / "env-keys/.cache").rglob("*"))
    assert made
    for path in made:
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_secret_in_argv_or_in_the_environment_of_a_child(ecr, cloud):
    """credential_process gets the user's variables, and nothing more."""
    environment = cloud.environment("credential-process")
    program = cloud.home / "credential-process/credential-process"
    spied = cloud.home / "spied"
    script = program.read_text()
    program.write_text(
        script.replace("#!/bin/sh\n", f"#!/bin/sh\nenv > {spied}; ps >> {spied}\n")
    )
    password = ecr.get(environment).password
    assert spied.read_text().count("=") > 3
    assert password not in spied.read_text()


def test_the_program_is_an_executable_file_of_that_name(ecr):
    """Go's LookPath, Jib and the rest take a file, not an alias (A90)."""
    assert os.path.basename(ecr.path) == "docker-credential-ecr-login"
    assert os.path.isfile(ecr.path)
    assert os.access(ecr.path, os.X_OK)


def test_the_name_is_the_program_s_not_the_caller_s(ecr, cloud, tmp_path):
    """`version` and usage show the program's name, whatever argv[0] is (A8)."""
    done = subprocess.run(
        ["something-else", "version"],
        executable=ecr.path,
        env=cloud.environment(),
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    assert done.stdout.startswith(b"docker-credential-ecr-login (dockcred) v")


def test_not_found_is_the_same_with_a_line_end_or_without(ecr, cloud):
    """docker's client sends none, a shell's echo sends one."""
    environment = cloud.environment()
    for text in (b"ghcr.io", b"ghcr.io\n", b"ghcr.io\r\n"):
        answer = ecr("get", environment=environment, stdin=text)
        assert (answer.status, answer.stdout, answer.stderr) == (1, NOT_FOUND, b"")
