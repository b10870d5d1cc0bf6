"""Which sources are asked, in which order, and what follows after a failure."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from support.program import LONG_S

from dockcred import Policy, resolve
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    InvalidInputError,
    IssueError,
    MissingIdentityError,
)
from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
NOT_FOUND = "credentials not found in native keychain"


class Home:
    """A home with docker's file and shell scripts as helpers, and no cloud."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.environment = {
            "HOME": str(path),
            "PATH": f"{path}/bin:/usr/bin:/bin",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        (path / "bin").mkdir()
        (path / ".docker").mkdir()

    def helper(self, name: str, script: str) -> None:
        """Write docker-credential-NAME."""
        program = self.path / f"bin/docker-credential-{name}"
        program.write_text(f"#!/bin/sh\nread -r key\n{script}\n")
        program.chmod(0o755)

    def answering(self, name: str, user: str) -> None:
        """Write a helper that knows a user for every registry."""
        answer = '{"ServerURL":"%s","Username":"%s","Secret":"s"}'
        self.helper(name, f"printf '{answer}' \"$key\" {user}")

    def docker(self, content: object) -> None:
        """Write config.json."""
        (self.path / ".docker/config.json").write_text(json.dumps(content))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def user(home: Home, server: str, *order: str, on_failure: str = "stop") -> str:
    policy = Policy(order=order, on_failure=on_failure)  # type: ignore[arg-type]
    return resolve(server, policy=policy, environment=home.environment).username


def test_a_helper_is_asked_by_its_name(home: Home) -> None:
    home.answering("mine", "me")
    assert user(home, "ghcr.io", "helper:mine") == "me"


def test_docker_is_followed_as_docker_reads(home: Home) -> None:
    home.answering("one", "by-key")
    home.answering("all", "by-store")
    auth = base64.b64encode(b"by-file:s").decode()
    home.docker(
        {
            "credHelpers": {"one.example": "one", "file.example": ""},
            "credsStore": "all",
            "auths": {"https://file.example/v1/": {"auth": auth}},
        }
    )
    assert user(home, "one.example", "docker") == "by-key"
    assert user(home, "other.example", "docker") == "by-store"
    assert user(home, "file.example", "docker") == "by-file"


def test_docker_hub_is_asked_by_each_clients_key(home: Home) -> None:
    home.helper("echo", 'printf \'{"Username":"%s","Secret":"s"}\' "$key"')
    hub = "https://index.docker.io/v1/"
    home.docker({"credHelpers": {hub: "echo", "docker.io": "echo"}})
    assert user(home, "docker.io/library/alpine", "docker") == hub
    assert user(home, "alpine", "containers") == "docker.io"


def test_the_next_is_asked_where_the_first_has_nothing(home: Home) -> None:
    home.helper("empty", f"echo {NOT_FOUND}; exit 1")
    home.answering("mine", "me")
    assert user(home, "ghcr.io", "helper:empty", "docker", "helper:mine") == "me"


def test_no_identity_is_no_reason_to_stop(home: Home) -> None:
    home.answering("mine", "me")
    assert user(home, HOST, "identities", "helper:mine") == "me"
    with pytest.raises(MissingIdentityError):
        user(home, HOST, "identities", "docker")


def test_a_failure_stops_or_passes_on_as_the_policy_says(home: Home) -> None:
    home.helper("broken", "echo the keychain is locked; exit 1")
    home.answering("mine", "me")
    order = ("helper:broken", "helper:mine")
    with pytest.raises(IssueError, match="the keychain is locked"):
        user(home, "ghcr.io", *order)
    assert user(home, "ghcr.io", *order, on_failure="next") == "me"
    with pytest.raises(IssueError, match="the keychain is locked"):
        user(home, "ghcr.io", "helper:broken", "docker", on_failure="next")


def test_the_order_decides_between_identity_and_login(
    home: Home, cloud: Sandbox
) -> None:
    home.environment |= {
        name: value
        for name, value in cloud.environment().items()
        if name.startswith("AWS_")
    }
    home.answering("mine", "static")
    assert user(home, HOST, "helper:mine", "identities") == "static"
    assert user(home, HOST, "identities", "helper:mine") == "AWS"
    assert user(home, HOST, "ecr") == "AWS"


@pytest.mark.parametrize("name", ["nonsense", "", "helper"])
def test_a_source_that_there_is_not_is_refused_before_any_is_asked(
    home: Home, name: str
) -> None:
    home.answering("mine", "me")
    with pytest.raises(InvalidInputError, match="no source"):
        user(home, "ghcr.io", "helper:mine", name)


def test_a_helper_that_hangs_is_ended(home: Home) -> None:
    home.helper("slow", f"exec sleep {LONG_S}")
    with pytest.raises(IssueError, match="did not answer within"):
        resolve(
            "ghcr.io",
            policy=Policy(order=("helper:slow",)),
            environment=home.environment,
            timeout_s=0.5,
        )


def test_an_empty_answer_meant_for_nomad_is_not_found(home: Home) -> None:
    home.environment |= {"DOCKCRED_ON_MISS": "empty"}
    with pytest.raises(CredentialsNotFoundError):
        user(home, "public.ecr.aws", "identities")


def test_nothing_anywhere_is_not_found(home: Home) -> None:
    with pytest.raises(CredentialsNotFoundError):
        user(home, "ghcr.io", "identities", "docker", "containers")


def test_the_keychain_is_asked_where_no_cloud_serves(home: Home) -> None:
    """This is the default, as in docker-credential-auto; here a helper is the store."""
    home.environment |= {"DOCKCRED_STORE": "helper:mine"}
    home.answering("mine", "kept")
    assert resolve("ghcr.io", environment=home.environment).username == "kept"


def test_a_keychain_that_is_named_and_absent_is_an_error(home: Home) -> None:
    with pytest.raises(DockcredError, match="session bus"):
        user(home, "ghcr.io", "secretservice")


def test_a_keychain_is_found_by_docker_hubs_own_key(home: Home) -> None:
    home.environment |= {"DOCKCRED_STORE": "helper:echo"}
    home.helper("echo", 'printf \'{"Username":"%s","Secret":"s"}\' "$key"')
    assert user(home, "alpine", "keychain") == "https://index.docker.io/v1/"
