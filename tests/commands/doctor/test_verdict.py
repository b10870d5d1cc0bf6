"""The three verdicts: when each is given, and the exit code of the command."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from support.program import Program

from dockcred.clients.findings import error, warning
from dockcred.commands.findings import distinct
from dockcred.testing.sandbox import Sandbox

from .machine import Machine

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
EMPTY = (
    "#!/bin/sh\nread -r key\necho credentials not found in native keychain; exit 1\n"
)
LOGIN = {"auths": {"r.example": {"auth": "bWU6czNjcjN0"}}}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.program("bin/docker")
    made.variables["DOCKCRED_CACHE"] = "off"
    return made


def verdict(machine: Machine, name: str | None = "r.example", *clients: str) -> tuple:
    found = machine.follow(name, *clients)
    said = json.loads(found.document())
    assert said["verdict"] == found.verdict
    assert said["status"] == found.status
    assert found.said().startswith(f"{found.verdict}: ")
    return found.verdict, found.status


def test_a_credential_that_is_had_works(machine: Machine) -> None:
    assert verdict(machine) == ("works", 0)
    said = machine.follow().said()
    assert said.startswith(
        "works: docker shows r.example the user me; whether it takes"
    )


def test_nobody_is_anonymous_and_how_to_know_more_is_said(machine: Machine) -> None:
    machine.docker({})
    assert verdict(machine) == ("anonymous", 0)
    assert "dockcred doctor r.example/REPOSITORY" in machine.follow().said()


def test_a_helper_that_has_nothing_is_anonymous_too(machine: Machine) -> None:
    machine.program("bin/docker-credential-mine", EMPTY)
    assert verdict(machine) == ("anonymous", 0)


def test_a_helper_that_fails_is_broken(machine: Machine) -> None:
    machine.program("bin/docker-credential-mine", "#!/bin/sh\necho locked; exit 1\n")
    assert verdict(machine) == ("broken", 1)
    assert machine.follow().said().endswith("mine fails: locked")


def test_a_registry_that_answers_nobody_is_never_anonymous(machine: Machine) -> None:
    for clients in (("docker",), ("podman",), ("crane",), ("oras",), ("helm",)):
        for content in ({}, {"auths": {HOST: {}}}, {"credsStore": "mine"}):
            machine.program("bin/docker-credential-mine", EMPTY)
            machine.docker(content)
            assert verdict(machine, HOST, *clients) == ("broken", 1), (clients, content)


@pytest.mark.parametrize(
    ("variable", "setting", "status"),
    [("", "", 0), ("false", "", 1), ("true", "", 0), ("", "false", 1)],
)
@pytest.mark.parametrize("host", ["r.example", "ghcr.io"])
def test_nobody_is_a_failure_where_a_setting_says_so(
    machine: Machine, host: str, variable: str, setting: str, status: int
) -> None:
    machine.docker({})
    if variable:
        machine.variables["DOCKCRED_ANONYMOUS"] = variable
    if setting:
        config = machine.path / "config.toml"
        config.write_text(f'[[registry]]\nmatch = "{host}"\nanonymous = {setting}\n')
        config.chmod(0o600)
        machine.variables["DOCKCRED_CONFIG"] = str(config)
    found = machine.follow(host)
    assert (found.verdict, found.status) == ("anonymous", status)
    assert ("wants a credential" in found.said()) == bool(status)


def test_podman_that_has_nothing_for_it_does_not_count(machine: Machine) -> None:
    machine.program("bin/podman")
    machine.docker({"credHelpers": {HOST: "mine"}})
    machine.variables["DOCKER_CONFIG"] = f"{machine.path}/.docker"
    assert verdict(machine, HOST) == ("works", 0)
    machine.docker({"credsStore": "mine"})  # podman ignores a credsStore
    assert verdict(machine, HOST) == ("works", 0)
    assert any(
        f.client == "podman" and f.is_problem for f in machine.follow(HOST).findings
    )
    assert verdict(machine, HOST, "podman") == ("broken", 1)


def test_podman_that_stops_at_a_file_counts(machine: Machine) -> None:
    machine.program("bin/podman")
    machine.docker({"credsStore": "mine"})  # podman ignores a credsStore
    auth = machine.path / ".config/containers/auth.json"
    auth.parent.mkdir(parents=True)
    auth.write_text("")
    assert verdict(machine) == ("broken", 1)


def test_what_is_wrong_with_an_identity_that_nobody_needs_only_warns(
    machine: Machine,
) -> None:
    """Another program's helper answers, and does not read our configuration."""
    machine.docker({"credHelpers": {"ghcr.io": "mine"}})
    config = machine.path / "config.toml"
    config.write_text("[[registry]]\nmatch = 'ghcr.io'\nprofil = 'x'\n")
    config.chmod(0o600)
    machine.variables["DOCKCRED_CONFIG"] = str(config)
    assert verdict(machine, "ghcr.io") == ("works", 0)
    (told,) = machine.follow("ghcr.io").problems
    assert f"{config}:3" in told.text
    machine.docker({})
    assert verdict(machine, "ghcr.io") == ("broken", 1)


def test_a_login_that_is_hidden_is_broken_where_nothing_is_sent(
    machine: Machine,
) -> None:
    machine.docker(LOGIN | {"credsStore": "mine"}).chmod(0o600)
    assert verdict(machine) == ("works", 0)
    machine.program("bin/docker-credential-mine", EMPTY)
    assert verdict(machine) == ("broken", 1)
    machine.program("bin/docker-credential-auto")
    machine.docker(LOGIN | {"credsStore": "auto"})
    assert verdict(machine, None) == ("broken", 1)


def test_a_machine_has_a_verdict_too(machine: Machine) -> None:
    assert verdict(machine, None) == ("works", 0)
    machine.docker({})
    assert verdict(machine, None) == ("anonymous", 0)
    machine.docker({"credsStore": "gone"})
    assert verdict(machine, None) == ("broken", 1)


def test_a_cause_is_told_once_and_the_first_to_fix_first() -> None:
    said = distinct(
        [
            warning("file", "others can read it"),
            error("answer", "x fails: the login has expired", "log in"),
            error("answer", "x fails: the login has expired", "log in"),
            error("identity", "the login has expired", "log in"),
            error("registry", "it is refused", fix="a"),
            error("registry", "it is refused", fix="b"),
        ]
    )
    assert [(found.step, found.fix) for found in said] == [
        ("answer", ""),
        ("registry", "a"),
        ("registry", "b"),
        ("file", ""),
    ]


def test_every_command_hears_dockcred_log(helper_bin: Path, tmp_path: Path) -> None:
    """`dockcred`, its worker and the helper that it asks all write log lines."""
    dockcred = Program(str(helper_bin / "dockcred"))
    with Sandbox() as cloud:
        for words in (("get", HOST), ("doctor", HOST), ("status", HOST, "--ask")):
            variables = cloud.environment("env-keys") | {
                "PATH": f"{helper_bin}:/usr/bin:/bin",
                "DOCKER_CONFIG": str(tmp_path),
            }
            (tmp_path / "config.json").write_text('{"credsStore": "ecr-login"}')
            variables |= {"DOCKCRED_CACHE_DIR": str(tmp_path / words[0])}
            quiet = dockcred(*words, environment=variables)
            assert b"dockcred debug" not in quiet.stderr
            variables |= {"DOCKCRED_LOG": "debug", "DOCKCRED_CACHE": "off"}
            loud = dockcred(*words, environment=variables)
            assert b"dockcred debug: POST 127.0.0.1" in loud.stderr, words
            assert os.fsencode(variables["AWS_SECRET_ACCESS_KEY"]) not in loud.stderr
