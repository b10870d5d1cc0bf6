"""`doctor --client crane`, `oras` and `helm`: which file, key and helper they use.

clients/docker/test_beside_libraries.py tests our reading against their own code.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from dockcred.clients.findings import Finding, Severity
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import examination
from dockcred.commands.exec_.carried import Others
from dockcred.errors import InvalidInputError
from dockcred.system.environment import Environment

HOST = "127.0.0.1:1"
NAME = f"{HOST}/team/app"
A = {"auth": base64.b64encode(b"me:pw").decode()}
GOOD: dict[str, Any] = {"auths": {HOST: A}}
HELPER = """#!/bin/sh
cat >>{log}; echo >>{log}
{body}
"""
NOT_FOUND = "echo credentials not found in native keychain; exit 1"


class Home:
    """A home with files of clients, which the doctor examines in this process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # No store on PATH: helm would ask one even if no file names it.
        (path / "bin").mkdir()
        (path / "bin/cat").symlink_to("/bin/cat")
        self.variables = {"HOME": str(path), "PATH": f"{path}/bin"}

    def write(self, name: str, content: object) -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    def helper(self, name: str, body: str) -> None:
        text = HELPER.format(log=self.path / "log", body=body)
        self.write(f"bin/docker-credential-{name}", text).chmod(0o755)

    def asked(self) -> list[str]:
        return (self.path / "log").read_text().splitlines()

    def doctor(self, client: str, name: str | None = NAME) -> list[Finding]:
        reference = Reference(name) if name else None
        environment = Environment(self.variables)
        return examination.examine(reference, environment, (client,)).findings

    def said(self, client: str) -> str:
        return "\n".join(f.text for f in self.doctor(client) if f.step != "registry")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


DOCKERS, HELMS = ".docker/config.json", ".config/helm/registry/config.json"


def test_crane_asks_for_the_repository_first(home: Home) -> None:
    home.helper("x", NOT_FOUND)
    home.write(DOCKERS, {"credsStore": "x"})
    said = home.said("crane")
    assert home.asked() == [NAME, HOST]
    assert f"x for {NAME}" in said


def test_a_helper_that_fails_stops_crane(home: Home) -> None:
    home.helper("x", "echo locked; exit 1")
    home.write(DOCKERS, {"credsStore": "x"})
    assert max(f.severity for f in home.doctor("crane")) is Severity.ERROR
    assert home.asked() == [NAME]


def test_helm_asks_its_own_file_first_and_oras_docker_s_alone(home: Home) -> None:
    home.helper("own", NOT_FOUND)
    home.write(HELMS, {"credHelpers": {HOST: "own"}})
    home.write(DOCKERS, GOOD)
    said = home.said("helm")
    assert home.asked() == [HOST]
    assert said.index(HELMS) < said.index(DOCKERS)
    assert "the user me" in said
    assert HELMS not in home.said("oras")


@pytest.mark.parametrize("client", ["oras", "helm"])
def test_names_in_another_case_are_none_of_theirs(home: Home, client: str) -> None:
    home.write(DOCKERS, {"Auths": GOOD["auths"]})
    assert "no file has a key for it" in home.said(client)
    assert "the user me" in home.said("crane")


@pytest.mark.parametrize("client", ["oras", "helm"])
def test_a_broken_entry_spoils_its_own_registry_alone(home: Home, client: str) -> None:
    home.write(DOCKERS, {"auths": {HOST: A, "o": {"auth": "!"}, "p": 5}})
    assert "the user me" in home.said(client)
    home.write(DOCKERS, {"auths": {HOST: A, "o": {"auth": "!"}}})
    found = home.doctor("crane")
    assert "crane stops with an error" in found[0].text
    assert found[0].severity is Severity.ERROR
    home.write(DOCKERS, {"auths": {HOST: 5}})
    assert max(f.severity for f in home.doctor(client)) is Severity.ERROR


def test_what_stops_one_does_not_stop_another(home: Home) -> None:
    home.write(DOCKERS, GOOD | {"experimental": True})
    for client in ("crane", "oras", "helm"):
        assert "the user me" in home.said(client)
    home.write(DOCKERS, GOOD | {"psFormat": 5})
    assert "psFormat is no text: crane stops with an error" in home.said("crane")
    assert "the user me" in home.said("oras")
    home.write(DOCKERS, GOOD | {"credsStore": 5})
    assert "credsStore is no text: oras stops with an error" in home.said("oras")
    assert "no file has a key" in home.said("helm")
    home.write(HELMS, "{")
    assert "not JSON (line 1): helm stops with an error" in home.said("helm")


def test_podman_s_file_is_crane_s_for_want_of_docker_s(home: Home) -> None:
    file = home.write(".config/containers/auth.json", GOOD)
    assert f"in {file}: the user me" in home.said("crane")
    assert "the user me" not in home.said("oras")
    home.write(DOCKERS, {})
    assert "no file has a key" in home.said("crane")


def test_without_a_registry_the_files_are_looked_at(home: Home) -> None:
    home.write(DOCKERS, "[]")
    for client in ("crane", "oras"):
        (found,) = home.doctor(client, None)
        assert "all of it is no object" in found.text
        assert found.severity is Severity.ERROR


def test_exec_leaves_helm_s_names_and_numbers_as_they_are(home: Home) -> None:
    others = Others(["mine.example"], only=False)
    text = '{"Auths": {"o": {}}, "auths": {"p": {"auth": "!"}}, "n": 1e999, "m": %s}'
    file = home.write(HELMS, text % ("9" * 5000))
    found = others.of_helm(str(file))
    assert found["Auths"] == {"o": {}}
    assert found["auths"] == {"p": {"auth": "!"}}
    assert "Infinity" not in json.dumps(found)
    docker = home.write(DOCKERS, text % ("9" * 5000))
    assert "Infinity" not in json.dumps(others.of_docker(str(docker)))
    for wrong in ('{"credsStore": 5}', "[]", "{"):
        file.write_text(wrong)
        with pytest.raises(InvalidInputError, match="config.json is "):
            others.of_helm(str(file))
