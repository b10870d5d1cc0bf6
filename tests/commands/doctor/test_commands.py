"""`dockcred get`, `list` and `doctor` on a terminal and through pipes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import terminal
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
Result = subprocess.CompletedProcess[str]


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


class Person:
    """Runs `dockcred` with a cloud's variables, through pipes or on a terminal."""

    def __init__(self, program: Path, variables: dict[str, str]) -> None:
        self.program = program
        self.variables = variables | {"TERM": "xterm-256color"}

    def __call__(self, *argv: str) -> Result:
        return subprocess.run(
            [self.program, *argv],
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )

    def on_a_terminal(self, *argv: str) -> tuple[int, str]:
        """Run on a pseudo terminal; return the status and all that was shown."""
        return terminal.run([self.program, *argv], self.variables)


@pytest.fixture
def person(helper_bin: Path, cloud: Sandbox) -> Person:
    return Person(helper_bin / "dockcred", cloud.environment())


def test_get_tells_user_and_end_but_no_secret(person: Person, cloud: Sandbox) -> None:
    done = person("get", HOST)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split() == ["user", "AWS"]
    assert "Z, in 11 h 59 min" in done.stdout
    password = person("get", HOST, "--password").stdout
    assert password.strip() not in done.stdout


def test_get_password_prints_it_alone(person: Person, cloud: Sandbox) -> None:
    done = person("get", HOST, "--password")
    assert done.stderr == ""
    assert done.stdout.endswith("\n")
    assert cloud.minted(done.stdout[:-1])


def test_get_password_is_not_shown_on_a_terminal(person: Person) -> None:
    status, shown = person.on_a_terminal("get", HOST, "--password")
    assert status == 2
    assert "pipe it to --password-stdin" in shown
    assert len(shown) < 1000


def test_get_for_nobodys_registry_sends_to_the_doctor(person: Person) -> None:
    done = person("get", "registry.example")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "dockcred: no identity answers for registry.example;"
        " see: dockcred doctor registry.example\n"
    )


def test_list_names_what_is_cached_and_asks_nobody(
    person: Person, cloud: Sandbox
) -> None:
    person("get", HOST)
    cloud.reset()
    assert person("list").stdout.splitlines()[1].split() == [HOST, "AWS"]
    (first, *_) = json.loads(person("list", "--json").stdout)["registries"]
    assert (first["registry"], first["user"]) == (HOST, "AWS")
    assert not cloud.calls


def test_doctor_is_in_colour_on_a_terminal_alone(person: Person) -> None:
    status, shown = person.on_a_terminal("doctor", HOST, "--client", "docker")
    assert status == 1
    assert "\x1b[31m✗" in shown
    assert "\x1b" not in person("doctor", HOST).stdout


def test_what_takes_long_shows_on_a_terminal_what_is_done(
    person: Person, cloud: Sandbox
) -> None:
    cloud.fail("ecr:throttle:2")
    status, shown = person.on_a_terminal("get", HOST)
    assert status == 0
    assert f"asking for {HOST}" in shown
    piped = person("get", HOST)
    assert piped.stderr == ""


def test_doctor_refuses_what_is_no_registry(person: Person) -> None:
    done = person("doctor", "user@host.example")
    assert done.returncode == 1
    assert "refused" in done.stderr


def test_a_bare_agents_variables_are_enough(person: Person) -> None:
    person.variables = {"PATH": "/usr/bin:/bin"}
    done = person("doctor", "--json")
    assert done.returncode == 0
    assert "HOME is not set" in done.stdout
