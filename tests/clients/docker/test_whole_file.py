"""doctor, check, resolve and exec read the whole file as docker does.

test_beside_docker.py tests each of these files with docker's own code.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from dockcred import Policy, resolve
from dockcred.clients import formats
from dockcred.clients.findings import Severity
from dockcred.clients.reference import HUB_KEY, Reference
from dockcred.commands.doctor import client_files
from dockcred.commands.doctor.case import Case
from dockcred.commands.exec_.carried import Others
from dockcred.credential import ServerURL
from dockcred.errors import CredentialsNotFoundError, IssueError
from dockcred.stores import server_keys
from dockcred.system.environment import Environment

HOST = "r.example"
NOBODY = "nobody"
CHANCE = "chance"


def entry(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:pw".encode()).decode()}


A, B, BROKEN = entry("a"), entry("b"), {"auth": "!"}
GOOD = {"auths": {HOST: A}}


class Home:
    """A home with a config.json, which our commands read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / ".docker/config.json"
        self.file.parent.mkdir()
        self.variables = {"HOME": str(path), "PATH": f"{path}:/usr/bin:/bin"}

    def write(self, content: object) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.file.write_bytes(data)

    def helper(self, name: str, body: str) -> None:
        file = self.path / f"docker-credential-{name}"
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)

    def user(self, host: str = HOST) -> str:
        try:
            policy = Policy(order=("docker",))
            return resolve(host, policy=policy, environment=self.variables).username
        except CredentialsNotFoundError:
            return NOBODY
        except IssueError as error:
            return CHANCE if "by chance" in str(error) else "an error"

    def doctor(self, host: str = HOST) -> tuple[Severity, str]:
        """Return the highest severity for one registry, and all findings' texts."""
        environment = Environment(self.variables)
        case = Case(Reference(host), environment)
        file = client_files.check_file(environment, case)
        said = []
        try:
            while True:
                said.append(next(file))
        except StopIteration as end:
            said += client_files.check(case, end.value)
        return max(f.severity for f in said), "\n".join(f.text for f in said)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize(
    "content, said",
    [
        (b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), "byte-order mark"),
        (json.dumps(GOOD).encode("utf-16"), "byte-order mark"),
        (json.dumps(GOOD).encode("utf-16-le"), "not JSON"),
        (b'{"x": NaN, "auths": {}}', "not JSON"),
        (GOOD | {"experimental": True}, "experimental is no text"),
        (GOOD | {"features": {"buildkit": True}}, 'features["buildkit"] is no text'),
        (GOOD | {"HttpHeaders": {"X": 1}}, 'HttpHeaders["X"] is no text'),
        (GOOD | {"pruneFilters": "x"}, "pruneFilters is no list"),
        ({"auths": {HOST: BROKEN}}, "not the base64 of user:password"),
        ({"auths": {HOST: entry("")}}, "not the base64 of user:password"),
        ({"auths": {HOST: {"auth": "YTpwdw=="[:-1]}}}, "not the base64"),
        ({"auths": {f"{HOST}/team": A, f"{HOST}/other": B}}, "another each time"),
        ({"auths": {f"https://{HOST}": A, f"http://{HOST}": B}}, "another each time"),
    ],
)
def test_where_docker_sends_nothing_or_by_chance_doctor_and_check_say_error(
    home: Home, content: object, said: str
) -> None:
    home.write(content)
    severity, text = home.doctor()
    assert severity is Severity.ERROR
    assert said in text
    found = formats.check("docker-config", home.file.read_bytes())
    assert max(f.severity for f in found) is Severity.ERROR
    assert home.user() != "a"


@pytest.mark.parametrize("content", [b"", b" \n\t", b"null"])
def test_an_empty_file_is_nothing_configured(home: Home, content: bytes) -> None:
    home.write(content)
    severity, text = home.doctor("ghcr.example")
    assert severity < Severity.WARNING, text
    assert "JSON" not in text
    assert home.user() == NOBODY


@pytest.mark.parametrize("name", ["credSstore", "CREDSSTORE", "cred\u017fStore"])
def test_a_name_in_another_case_is_docker_s(home: Home, name: str) -> None:
    home.helper("kept", 'echo \'{"Username":"kept","Secret":"pw"}\'')
    home.write(GOOD | {name: "kept"})
    assert home.user() == "kept"
    assert "credsStore = kept" in home.doctor()[1]
    content = Others([HOST], only=True).of_docker(str(home.file))
    assert not {key for key in content if key.lower().startswith("cred")} - {
        "credHelpers"
    }
    assert "kept" not in json.dumps(content)


@pytest.mark.parametrize(
    "key", ["https://index.docker.io/v2/", "index.docker.io", "registry-1.docker.io"]
)
def test_docker_hub_has_one_key(home: Home, key: str) -> None:
    home.write({"auths": {key: A}})
    assert home.user("docker.io") == NOBODY
    assert "has nothing for" in home.doctor("docker.io")[1]
    home.write({"auths": {HUB_KEY: A}})
    assert home.user("docker.io") == "a"
    assert home.user("registry-1.docker.io") == NOBODY


def test_two_entries_of_one_host_are_chance_unless_they_are_one_login(
    home: Home,
) -> None:
    home.write({"auths": {f"{HOST}/team": A, f"{HOST}/other": B}})
    assert home.user() == CHANCE
    home.write({"auths": {f"{HOST}/team": A, f"{HOST}/other": A}})
    assert home.user() == "a"
    home.write({"auths": {f"{HOST}/team": A, HOST: B}})
    assert home.user() == "b"


def test_a_broken_entry_beside_a_good_one_is_told(home: Home) -> None:
    home.write({"auths": {HOST: A, "other.example": BROKEN}})
    severity, text = home.doctor()
    assert severity is Severity.WARNING
    assert 'auths["other.example"] is not the base64' in text
    assert home.user() == "a"


@pytest.mark.parametrize("body", ["echo locked; exit 1", "exit 2", "echo not JSON"])
def test_the_file_s_entry_is_sent_where_the_helper_fails(home: Home, body: str) -> None:
    home.helper("odd", body)
    home.write(GOOD | {"credsStore": "odd"})
    assert home.user() == "a"
    home.helper("odd", "echo credentials not found in native keychain; exit 1")
    assert home.user() == NOBODY
    home.write(GOOD | {"credsStore": "missing"})
    assert home.user() == "a"


def test_an_empty_helper_is_docker_s_alone(home: Home) -> None:
    home.write(GOOD | {"credHelpers": {HOST: ""}, "credsStore": "x"})
    assert home.user() == "a"
    severity, text = home.doctor()
    assert severity is Severity.WARNING
    assert "podman, skopeo and buildah fail" in text


def test_exec_carries_no_login_that_docker_would_not_decode(home: Home) -> None:
    home.write({"auths": {"other": A}, "experimental": True})
    assert Others([HOST], only=False).of_docker(str(home.file)) == {
        "auths": {"other": {}}
    }


@pytest.mark.parametrize("host", ["dhi.io", "registry.scout.docker.com"])
def test_what_buildx_alone_asks_with_the_hub_s_login(home: Home, host: str) -> None:
    home.write({"auths": {HUB_KEY: A}})
    assert home.user(host) == NOBODY
    assert "buildx alone falls back to Docker Hub's login" in home.doctor(host)[1]
    home.write(GOOD)
    assert "buildx alone" not in home.doctor(host)[1]


@pytest.mark.parametrize(
    "asked",
    [
        "https://index.docker.io/v1//refresh-token",
        "https://index.docker.io/v1/refresh-token",
        "https://index.docker.io//v1//access-token/",
        "https://index.docker.io/v2/access-token",
    ],
)
def test_the_hub_s_login_is_no_token(asked: str) -> None:
    assert server_keys.nearest(ServerURL.parse(asked), [HUB_KEY, "docker.io"]) == []


def test_a_token_is_found_with_one_slash_or_two() -> None:
    kept = "https://index.docker.io/v1/refresh-token"
    asked = ServerURL.parse("https://index.docker.io/v1//refresh-token")
    assert server_keys.nearest(asked, [HUB_KEY, kept]) == [kept]


@pytest.mark.parametrize("depth", [200, 480, 700, 2_000, 20_000])
def test_what_is_nested_deeply_ends_in_no_traceback(home: Home, depth: int) -> None:
    text = json.dumps(GOOD | {"x": []}).replace("[]", "[" * depth + "]" * depth)
    home.write(text.encode())
    found = home.user()
    assert found in {"a", "an error"}
    severity, said = home.doctor()
    assert (severity is Severity.ERROR) is (found == "an error")
    assert ("nested too deeply" in said) is (found == "an error")
    checked = list(formats.check("docker-config", text.encode()))
    assert ("nested too deeply" in str(checked)) is (found == "an error")


@pytest.mark.parametrize("name", ["Auths", "AUTHS", "auth\u017f", "auths"])
def test_exec_hides_a_login_of_the_variable_in_any_case(name: str) -> None:
    text = json.dumps({name: {HOST: A, "o.example": B}})
    kept = Others([HOST], only=False).of_variable(text)
    assert kept == {"auths": {"o.example": B}}
    assert Others([HOST], only=True).of_variable(text) == {}
