"""`dockcred configure podman`: auth.json for a host, registries.conf for all."""

from __future__ import annotations

import json
import tomllib

import pytest

from .conftest import Person

USERS = ".config/containers/registries.conf"
DROP_IN = ".config/containers/registries.conf.d/99-dockcred.conf"
HELPERS = 'credential-helpers = ["recorder", "containers-auth.json"]\n'


def test_hub_is_docker_io_to_podman(person: Person) -> None:
    hosts = ("--registry", "index.docker.io", "--registry", "quay.io")
    person.configure("podman", *hosts, "--helper", "recorder")
    auth = json.loads((person.home / ".config/containers/auth.json").read_text())
    assert auth == {"credHelpers": {"docker.io": "recorder", "quay.io": "recorder"}}


@pytest.mark.parametrize("name", ["REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME"])
def test_auth_json_is_where_podman_looks(person: Person, name: str) -> None:
    place = {"REGISTRY_AUTH_FILE": "my/auth.json", "XDG_CONFIG_HOME": "my"}[name]
    variables = {name: str(person.home / place)}
    arguments = ("--registry", "quay.io", "--helper", "recorder")
    person.configure("podman", *arguments, **variables)
    below = (
        "my/auth.json" if name == "REGISTRY_AUTH_FILE" else "my/containers/auth.json"
    )
    assert (person.home / below).exists()
    person.configure("podman", "--undo", **variables)
    assert person.everything() == {}


def test_without_a_file_of_the_user_s_a_drop_in_is_written(person: Person) -> None:
    """A new registries.conf of the user would hide the system's."""
    person.configure("podman", "--all", "--helper", "recorder")
    assert (person.home / DROP_IN).read_text() == HELPERS
    assert not (person.home / USERS).exists()


def test_the_user_s_file_is_edited_and_its_comments_stay(person: Person) -> None:
    text = '# mine\nunqualified-search-registries = ["quay.io"]\n'
    path = person.write(USERS, text)
    before = person.everything()
    person.configure("podman", "--all", "--helper", "recorder")
    assert path.read_text() == HELPERS + text
    assert not (person.home / DROP_IN).exists()
    person.configure("podman", "--undo")
    assert person.everything() == before


def test_helpers_that_are_there_come_behind_ours(person: Person) -> None:
    path = person.write("my.conf", 'credential-helpers = ["pass"] # old\n')
    variables = {"CONTAINERS_REGISTRIES_CONF": str(path)}
    person.configure("podman", "--all", "--helper", "recorder", **variables)
    person.configure("podman", "--all", "--helper", "recorder", **variables)
    assert tomllib.loads(path.read_text()) == {
        "credential-helpers": ["recorder", "pass"]
    }
    assert "# old" in path.read_text()


def test_undo_takes_both_files_back_and_the_directories(person: Person) -> None:
    arguments = ("--all", "--registry", "quay.io", "--helper", "recorder")
    person.configure("podman", *arguments)
    done = person.configure("podman", "--undo")
    assert done.stdout.count("removed ") == 2
    assert person.everything() == {}


def test_undo_finds_the_drop_in_when_the_user_has_made_a_file_since(
    person: Person,
) -> None:
    person.configure("podman", "--all", "--helper", "recorder")
    person.write(USERS, "# mine\n")
    person.configure("podman", "--undo")
    assert not (person.home / DROP_IN).exists()


@pytest.mark.parametrize(
    "text, complaint", [("a = [", "not TOML"), ('credential-helpers = "x"', "no list")]
)
def test_a_file_that_is_broken_is_named_and_left(
    person: Person, text: str, complaint: str
) -> None:
    path = person.write(USERS, text)
    line = person.refused("podman", "--all", "--helper", "recorder")
    assert str(path) in line
    assert complaint in line
    assert path.read_text() == text
