"""`dockcred render` as a person runs it: into a file, never onto a terminal."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.program import BUSY_S, LONG_S

from .conftest import Person
from .logins import AUTH, SECRET, USER

ONE = ("--registry", "r.example")
RENDERED = f'{{"auths":{{"r.example":{{"auth":"{AUTH}"}}}}}}'.encode()


def test_it_prints_the_bytes_and_nothing_else(person: Person) -> None:
    assert person.render("docker-config", *ONE) == RENDERED


def test_a_terminal_is_shown_no_secret(
    person: Person, terminal: tuple[int, int]
) -> None:
    ours, theirs = terminal
    said = person.refused(
        "docker-config", *ONE, status=2, stdout=theirs, stderr=subprocess.PIPE,
        capture_output=False,
    )  # fmt: skip
    assert "a secret is not shown" in said
    person.run(
        "render", "user-pass", *ONE, "--show", stdout=theirs, capture_output=False
    )
    assert os.read(ours, 100) == f"{USER}:{SECRET}".encode()


def test_the_file_is_for_its_owner_alone(person: Person) -> None:
    file = person.home / "new/ci/config.json"
    done = person.run("render", "docker-config", *ONE, "--output", str(file))
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode() == f"wrote {file}\n"
    assert file.read_bytes() == RENDERED
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_a_directory_gets_the_file_that_its_client_looks_for(person: Person) -> None:
    person.run("render", "docker-config", *ONE, "--output", "ci/")
    person.run("render", "containers-auth", *ONE, "--output", "ci")
    assert sorted(os.listdir(person.home / "ci")) == ["auth.json", "config.json"]


def test_many_at_once_leave_one_whole_file(person: Person) -> None:
    file = person.home / "config.json"
    command = [person.dockcred, "render", "docker-config", *ONE, "--output", str(file)]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    running = [
        subprocess.Popen(command, env=person.environment, **silent) for _ in range(6)
    ]
    while any(process.poll() is None for process in running):
        assert not file.exists() or file.read_bytes() == RENDERED
    assert {process.returncode for process in running} == {0}
    assert not list(person.home.glob("config.json.*"))


def test_a_new_login_replaces_an_old_one(person: Person) -> None:
    file = person.home / "config.json"
    file.write_text('{"auths": {"r.example": {"auth": "b2xkOm9sZA=="}}}')
    done = person.run("render", "docker-config", *ONE, "--output", str(file))
    assert done.returncode == 0
    assert file.read_bytes() == RENDERED


@pytest.mark.parametrize(
    "there, lost",
    [
        ('{"auths": {}, "credsStore": "auto"}', "credsStore"),
        ('{"auths": {"ghcr.io": {}}}', "ghcr.io"),
    ],
)
def test_what_a_file_has_besides_is_not_lost(
    person: Person, there: str, lost: str
) -> None:
    file = person.home / "config.json"
    file.write_text(there)
    said = person.refused("docker-config", *ONE, "--output", str(file))
    assert f"config.json has {lost} besides, which would be lost" in said
    assert file.read_text() == there


@pytest.mark.parametrize("device", ["/dev/stdout", "/dev/null", "/proc/self/fd/1"])
def test_a_device_is_not_replaced(person: Person, device: str) -> None:
    said = person.refused("docker-config", *ONE, "--output", device)
    assert "is no place for a file; use a redirection" in said
    assert Path(device).is_symlink() or not Path(device).is_file()


def test_a_directory_that_cannot_be_written_is_named(person: Person) -> None:
    said = person.refused("docker-config", *ONE, "--output", "/proc/nowhere/x")
    assert said.startswith("dockcred: ")
    assert said.count("\n") == 1


def test_a_file_that_cannot_be_written_is_named_as_it_was(person: Person) -> None:
    """The error names the file itself, not the temporary file beside it."""
    said = person.refused("docker-config", *ONE, "--output", "/sys/config.json")
    assert said.startswith("dockcred: /sys/config.json: ")


def test_a_variable_that_is_empty_is_not_taken_for_stdout(person: Person) -> None:
    """With an unset $FILE, `--output "$FILE"` would print the secret to a job's log."""
    said = person.refused("docker-config", *ONE, "--output", "")
    assert "--output names no file" in said


def test_a_life_that_is_no_number_is_refused(person: Person) -> None:
    said = person.refused("docker-config", *ONE, "--min-life", "nan")
    assert "the life asked for is no time" in said


def test_a_full_disk_is_named(person: Person) -> None:
    with open("/dev/full", "wb") as full:
        said = person.refused(
            "user-pass", *ONE, stdout=full, stderr=subprocess.PIPE, capture_output=False
        )
    assert said == "dockcred: No space left on device\n"


def test_a_closed_pipe_is_no_traceback(person: Person) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with open(theirs, "wb") as closed:
        person.refused(
            "user-pass", *ONE, stdout=closed, stderr=subprocess.PIPE,
            capture_output=False,
        )  # fmt: skip


def test_a_registry_that_is_nobodys_is_named(person: Person) -> None:
    said = person.refused("docker-config", "--registry", "nobody.example", *ONE)
    assert "no identity answers for nobody.example; see: dockcred doctor" in said


def test_the_order_of_sources_is_the_callers(person: Person) -> None:
    said = person.refused("user-pass", *ONE, "--source", "docker")
    assert "no identity answers" in said
    found = person.render(
        "user-pass", *ONE, "--source", "docker", "--source", "helper:kept"
    )
    assert found == f"{USER}:{SECRET}".encode()
    assert "no source" in person.refused("user-pass", *ONE, "--source", "x")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("docker-config",), "Missing option '--registry'"),
        (("nonsense", *ONE), "No such command 'nonsense'"),
        (("docker-config", *ONE, "--namespace", "a"), "No such option"),
        (("docker-config", *ONE, "--min-life", "-1"), "Invalid value"),
        (("containers-auth", *ONE, "--for", "helm"), "Invalid value"),
    ],
)
def test_a_wrong_call_is_refused(person: Person, arguments, said: str) -> None:
    assert said in person.refused(*arguments, status=2)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--ca-certs", "r.example"), "names no file; write HOST=FILE"),
        (("--ca-certs", "r.example=absent.pem"), "absent.pem: No such file"),
        (("--extra-env", "NO_PROXY"), "NO_PROXY is not set"),
        (("--registry", "azurecr.io"), "a domain of many registries"),
    ],
)
def test_contrasts_options_are_checked(person: Person, arguments, said: str) -> None:
    assert said in person.refused("contrast-toml", *ONE, *arguments)


def test_a_proxy_is_taken_from_the_environment(person: Person) -> None:
    text = person.render(
        "contrast-toml", *ONE, "--extra-env", "NO_PROXY", variables={"NO_PROXY": "lab"}
    )
    assert b'NO_PROXY = "lab"' in text


def test_a_caution_is_told_on_stderr(person: Person) -> None:
    done = person.run("render", "contrast-toml", "--registry", "r.example:5000")
    assert done.returncode == 0
    assert b'[registries."r.example:5000."]' in done.stdout
    assert b"does not document registries with a port" in done.stderr


def test_kubelets_config_holds_no_secret_and_asks_nobody(person: Person) -> None:
    text = person.render("kubelet-config", "--registry", "nobody.example", "--all")
    assert b'- "nobody.example"' in text
    assert b'- "*.azurecr.io"' in text
    assert "no image is named" in person.refused("kubelet-config")


@pytest.mark.parametrize("more", [(), ("--registry", "s.example")])
def test_ctrl_c_ends_it_without_a_traceback(person: Person, more) -> None:
    """Even if the helper is in a session of its own, and goes on."""
    slow = person.home / "bin/docker-credential-slow"
    asked = person.home / "asked"
    slow.write_text(f"#!/bin/sh\necho $$ >>{asked}\nexec setsid sleep {LONG_S}\n")
    slow.chmod(0o755)
    with subprocess.Popen(
        [person.dockcred, "render", "env", *ONE, *more, "--source", "helper:slow"],
        env=person.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        wanted = 2 if more else 1
        while not asked.exists() or asked.read_text().count("\n") < wanted:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGINT)
        process.wait(timeout=BUSY_S)
        for pid in asked.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        _, said = process.communicate(timeout=BUSY_S)
    assert process.returncode == 1
    assert b"Traceback" not in said
