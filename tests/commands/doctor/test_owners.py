"""One AWS profile leads to the registry's account, but another identity is used."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import BUSY_S

from dockcred.clients.findings import Finding, Severity
from dockcred.commands.doctor.verdict import BROKEN, WORKS, Examination
from dockcred.testing.sandbox import Sandbox

from .machine import Machine

ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
UNKNOWN = {"AWS_ACCESS_KEY_ID": "AKIANOBODYKNOWSTHIS", "AWS_SECRET_ACCESS_KEY": "s"}
OTHER = (
    "\n[profile other]\naws_account_id = 210987654321\n"
    "aws_access_key_id = {}\naws_secret_access_key = {}\n"
)
SECOND = (
    "\n[profile second]\nsso_session = sandbox\nsso_role_name = r\n"
    f"sso_account_id = {ACCOUNT}\n"
)


class Person(Machine):
    """A person with an SSO login in the profile `sso`, which no variable names."""

    def __init__(self, path: Path, cloud: Sandbox, helper_bin: Path) -> None:
        super().__init__(path)
        self.variables |= cloud.environment("sso")
        del self.variables["AWS_PROFILE"]
        known = cloud.environment("env-keys")
        self.keys = {n: v for n, v in known.items() if n in UNKNOWN}
        self.variables |= {
            "PATH": f"{helper_bin}:/usr/bin:/bin",
            "DOCKER_CONFIG": f"{path}/.docker",
        }
        self.docker({"credHelpers": {HOST: "ecr-login"}})

    def add(self, text: str) -> None:
        """Add to ~/.aws/config."""
        path = Path(self.variables["HOME"], ".aws/config")
        path.write_text(path.read_text() + text)

    def be_other(self) -> None:
        """Use a profile of another account, whose keys AWS knows."""
        self.add(OTHER.format(*self.keys.values()))
        self.variables["AWS_PROFILE"] = "other"

    def run(self, line: str) -> None:
        """Run a command as it is printed."""
        subprocess.run(
            ["/bin/sh", "-c", line], check=True, timeout=BUSY_S, env=self.variables
        )


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def person(tmp_path: Path, cloud: Sandbox, helper_bin: Path) -> Person:
    return Person(tmp_path, cloud, helper_bin)


def first(found: Examination) -> Finding:
    assert found.verdict == BROKEN, found.document()
    return found.problems[0]


COMMAND = f"dockcred configure identity --registry {HOST} --profile sso"
WRONG = {
    "keys that AWS does not know": (UNKNOWN, "does not know these access keys"),
    "nobody": ({}, "no AWS identity was found"),
    "a profile that is not there": ({"AWS_PROFILE": "typo"}, "typo does not exist"),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_profile_of_the_account_is_offered_and_the_command_makes_it_work(
    name, person: Person
) -> None:
    variables, cause = WRONG[name]
    person.variables |= variables
    found = first(person.follow(HOST, "docker"))
    assert cause in found.text
    assert f"the profile sso leads to the account {ACCOUNT}" in found.text
    assert found.fix == COMMAND
    person.run(found.fix)
    assert person.follow(HOST, "docker").verdict == WORKS


def test_several_are_listed_each_with_its_command(person: Person) -> None:
    person.add(SECOND)
    person.variables |= UNKNOWN
    found = first(person.follow(HOST, "docker"))
    assert "the profiles sso, second lead" in found.text
    assert found.fix == ""
    _, _, listed = found.remedy.partition("run one of: ")
    commands = listed.split("; or: ")
    assert [shlex.split(each)[-1] for each in commands] == ["sso", "second"]
    person.run(commands[0])
    assert person.follow(HOST, "docker").verdict == WORKS


def test_where_auto_can_not_choose_all_are_listed(person: Person) -> None:
    person.add(SECOND)
    person.variables["DOCKCRED_AWS_PROFILE"] = "auto"
    found = first(person.follow(HOST, "docker"))
    assert "several AWS profiles lead" in found.text
    assert "run one of: " in found.remedy
    person.run(f"unset DOCKCRED_AWS_PROFILE; {COMMAND}")
    assert person.follow(HOST, "docker").verdict == WORKS


def test_who_answers_from_another_account_is_named_beside_the_profile(
    person: Person,
) -> None:
    person.be_other()
    found = person.follow(HOST, "docker")
    assert found.verdict == WORKS
    (told,) = [f for f in found.problems if f.step == "identity"]
    assert "the profile other of the account 210987654321 is asked" in told.text
    assert told.severity is Severity.WARNING
    assert told.fix == COMMAND
    person.run(told.fix)
    again = person.follow(HOST, "docker")
    assert again.verdict == WORKS
    assert not again.problems


def test_keys_that_nobody_can_tell_the_account_of_are_no_problem(
    person: Person,
) -> None:
    """The keys may belong to this account, so the finding is only a note."""
    person.variables |= person.keys
    found = person.follow(HOST, "docker")
    assert found.verdict == WORKS
    assert not found.problems
    assert any(f.text.endswith(COMMAND) for f in found.findings)


QUIET = {
    "the profile is asked": {"AWS_PROFILE": "sso"},
    "config.toml has it": {"DOCKCRED_AWS_PROFILE": "auto"},
}


@pytest.mark.parametrize("name", QUIET)
def test_nothing_is_offered_where_it_is_asked(name, person: Person) -> None:
    person.variables |= QUIET[name]
    found = person.follow(HOST, "docker")
    assert found.verdict == WORKS
    assert "configure identity" not in found.document()


def test_against_a_network_that_is_down_no_profile_helps(person: Person) -> None:
    person.variables |= person.keys | {
        "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1",
        "DOCKCRED_TIMEOUT": "1",
    }
    found = first(person.follow(HOST, "docker"))
    assert "configure identity" not in found.text + found.fix
