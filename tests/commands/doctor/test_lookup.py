"""Where each client looks for a login, by its own rules."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from dockcred.clients import entries
from dockcred.clients.containers import read as containers_read
from dockcred.clients.docker import read as docker_read
from dockcred.clients.files import ClientFile
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import client_files
from dockcred.errors import InvalidInputError, MissingServerURLError
from dockcred.system.environment import Environment

HUB = "https://index.docker.io/v1/"


@pytest.mark.parametrize(
    "text, docker_key, containers_key, repository, registry",
    [
        ("r.example", "r.example", "r.example", "", "r.example"),
        ("https://R.example/", "r.example", "r.example", "", "r.example"),
        ("r.example:5000/a/b:1", "r.example:5000", "r.example:5000", "a/b", None),
        ("r.example:443/a", "r.example:443", "r.example:443", "a", None),
        ("r.example/a@sha256:00", "r.example", "r.example", "a", None),
        ("localhost/a", "localhost", "localhost", "a", "localhost"),
        ("alpine", HUB, "docker.io", "library/alpine", "registry-1.docker.io"),
        ("alpine@sha256:00", HUB, "docker.io", "library/alpine", None),
        ("team/app:1", HUB, "docker.io", "team/app", None),
        ("docker.io", HUB, "docker.io", "", None),
        ("index.docker.io/team/app", HUB, "docker.io", "team/app", None),
        (HUB, HUB, "docker.io", "", None),
    ],
)
def test_a_name_in_its_parts(
    text: str,
    docker_key: str,
    containers_key: str,
    repository: str,
    registry: str | None,
) -> None:
    found = Reference(text)
    assert found.docker_key == docker_key
    assert found.containers_key == containers_key
    assert found.repository == repository
    if registry:
        assert found.registry == registry


@pytest.mark.parametrize("text", ["user@r.example", "r.example:0", "r.example%2f", ""])
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises((InvalidInputError, MissingServerURLError)):
        Reference(text)


class Files:
    """Client files below one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.variables = {"HOME": str(home), "XDG_RUNTIME_DIR": f"{home}/run"}

    def write(self, name: str, content: object) -> ClientFile:
        """Write a file and read it as a client does."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return docker_read.DockerFile(str(path))

    @property
    def environment(self) -> Environment:
        """The variables of a client."""
        return Environment(self.variables)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.mark.parametrize(
    "config, key",
    [
        ({"credHelpers": {"r.example": "a"}, "credsStore": "b"}, "credHelpers"),
        ({"credsStore": "b", "auths": {"r.example": {"auth": "x"}}}, "credsStore"),
        ({"credHelpers": {"r.example": ""}, "credsStore": "b"}, ""),
        ({"credHelpers": {"r.example": ""}, "auths": {"r.example": {}}}, "auths"),
        ({"auths": {"http://r.example/v1/": {}}}, "auths"),
        ({"credHelpers": {"https://r.example": "a", "*.example": "b"}}, ""),
        ({"credHelpers": {"R.example": "a"}}, ""),
        ({"auths": {"r.example:5000": {}, "r.example.evil.com": {}}}, ""),
        ({"credHelpers": ["r.example"], "auths": None, "credsStore": 1}, ""),
    ],
)
def test_what_docker_takes(files: Files, config: object, key: str) -> None:
    file = files.write(".docker/config.json", config)
    found = docker_read.look_up(file, "r.example")
    assert (found.key.partition("[")[0] if found else "") == key


def test_near_misses_are_those_that_a_person_means(files: Files) -> None:
    keys = ("https://r.example", "*.example", "R.example", "r.example.evil.com")
    helpers = dict.fromkeys(keys, "a")
    file = files.write(".docker/config.json", {"credHelpers": helpers})
    assert client_files.near_misses(file, "r.example") == list(keys[:3])


def test_where_podman_searches_in_its_order(files: Files) -> None:
    home = files.home
    files.variables["REGISTRY_AUTH_FILE"] = "/named"
    assert containers_read.auth_paths(files.environment) == (
        "/named",
        f"{home}/run/containers/auth.json",
        f"{home}/.config/containers/auth.json",
        f"{home}/.docker/config.json",
        f"{home}/.dockercfg",
    )
    del files.variables["XDG_RUNTIME_DIR"], files.variables["REGISTRY_AUTH_FILE"]
    files.variables |= {"XDG_CONFIG_HOME": "/xdg", "DOCKER_CONFIG": "/docker"}
    assert containers_read.auth_paths(files.environment) == (
        f"/run/containers/{os.geteuid()}/auth.json",
        "/xdg/containers/auth.json",
        "/docker/config.json",
        f"{home}/.dockercfg",
    )


@pytest.mark.parametrize(
    "content, key",
    [
        ({"credHelpers": {"r.example": "a"}}, 'credHelpers["r.example"]'),
        ({"credHelpers": {"r.example/a": "a"}}, ""),
        ({"credsStore": "a"}, ""),
        (
            {
                "auths": {
                    "r.example/a/b": {"auth": "1"},
                    "r.example/a": {"auth": "2"},
                    "r.example": {"auth": "3"},
                }
            },
            'auths["r.example/a/b"]',
        ),
        ({"auths": {"r.example/a": {"auth": "2"}}}, 'auths["r.example/a"]'),
        ({"auths": {"r.example": {}}}, ""),
        ({"auths": {"https://r.example/v1/": {"auth": "1"}}}, "auths["),
    ],
)
def test_what_podman_takes(files: Files, content: object, key: str) -> None:
    file = files.write("auth.json", content)
    found = containers_read.look_up(file, Reference("r.example/a/b"))
    assert (found.key if found else "").startswith(key)
    assert bool(found) == bool(key)


def test_helpers_of_registries_conf_and_its_drop_ins(files: Files) -> None:
    assert containers_read.helpers(files.environment)[-1] == containers_read.AUTH_FILES
    conf = ".config/containers/registries.conf"
    files.write(conf, 'credential-helpers = ["a"]\n')
    assert containers_read.helpers(files.environment) == ("a",)
    files.write(f"{conf}.d/99.conf", 'credential-helpers = ["b", "c"]\n')
    assert containers_read.helpers(files.environment) == ("b", "c")
    files.write(f"{conf}.d/zz.conf", "this is no TOML\n")
    assert containers_read.helpers(files.environment) == ("b", "c")


@pytest.mark.parametrize(
    "entry, pair",
    [
        ({"auth": base64.b64encode(b"u:p:q").decode()}, ("u", "p:q")),
        ({"auth": base64.b64encode(b"u:p\n").decode()}, ("u", "p\n")),
        ({"username": "u", "password": "p"}, ("u", "p")),
        ({"identitytoken": "t", "auth": "dTpw"}, ("<token>", "t")),
        ({}, None),
        ({"auth": ""}, None),
        ({"auth": 1}, None),
    ],
)
def test_an_entry_decoded(entry: dict[str, object], pair: tuple[str, str]) -> None:
    found = entries.decode(entry)
    assert ((found.username, found.secret) if found else None) == pair


@pytest.mark.parametrize(
    "auth", ["%%%", base64.b64encode(b"no colon").decode(), "/w=="]
)
def test_an_entry_that_is_not_one(auth: str) -> None:
    with pytest.raises(ValueError, match=r"user:password|utf-8"):
        entries.decode({"auth": auth})


def test_nothing_of_a_file_shows_in_a_repr(files: Files) -> None:
    file = files.write("auth.json", {"auths": {"r.example": {"auth": "dTpw"}}})
    found = containers_read.look_up(file, Reference("r.example"))
    assert "dTpw" not in repr(file) + repr(found)
