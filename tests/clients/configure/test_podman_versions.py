"""podman 5 and podman 6 find what `configure podman --all` writes."""

from __future__ import annotations

import pytest
from support import oracles

from .conftest import Person

ORACLES = ("containers_image_5_39", "containers_image_5_42")
HOST = "r.example"
ALL = ("podman", "--all", "--helper", "answer")


def asked(person: Person, variables: dict[str, str]) -> list[str | None]:
    """Return the user name that each podman version sends."""
    known = {
        **person.environment,
        "ORACLE_ROOT": str(person.home / "root"),
        **variables,
    }
    known.pop("HOME")
    return [oracles.ask(n, person.home, known, HOST)["username"] for n in ORACLES]


@pytest.mark.parametrize("xdg", ["", "xdg", ".config"])
@pytest.mark.parametrize(
    "there",
    [
        (),
        (".config/containers/registries.conf",),
        ("xdg/containers/registries.conf",),
        (".config/containers/registries.conf", "xdg/containers/registries.conf"),
    ],
)
def test_both_ask_the_helper(
    somebody: Person, xdg: str, there: tuple[str, ...]
) -> None:
    variables = {"XDG_CONFIG_HOME": str(somebody.home / xdg)} if xdg else {}
    for name in there:
        somebody.write(name, 'credential-helpers = ["recorder"] # mine\n')
    before = somebody.everything()
    done = somebody.configure(*ALL, **variables)
    assert done.stderr == ""
    assert asked(somebody, variables) == ["me", "me"]
    somebody.configure("podman", "--undo", **variables)
    assert somebody.everything() == before


def test_both_ask_the_helper_beside_a_file_that_is_read_last(somebody: Person) -> None:
    last = somebody.write("last.conf", 'credential-helpers = ["recorder"]\n')
    variables = {"CONTAINERS_REGISTRIES_CONF_OVERRIDE": str(last)}
    somebody.configure(*ALL, **variables)
    assert asked(somebody, variables) == ["me", "me"]
    assert asked(somebody, {}) == ["me", "me"]
    somebody.configure("podman", "--undo", **variables)
    assert last.read_text() == 'credential-helpers = ["recorder"]\n'


@pytest.mark.parametrize("makes", ["a drop-in behind ours", "a link"])
def test_what_is_not_heard_is_told(somebody: Person, makes: str) -> None:
    """A file that is read later wins. podman 5 follows no link to a directory."""
    if makes == "a link":
        (somebody.home / "dots").mkdir()
        place = somebody.home / ".config/containers/registries.conf.d"
        place.parent.mkdir(parents=True)
        place.symlink_to(somebody.home / "dots")
    else:
        name = ".config/containers/registries.conf.d/zz.conf"
        somebody.write(name, 'credential-helpers = ["recorder"]\n')
    said = somebody.configure(*ALL).stderr
    assert "podman 5 asks" in said
    assert ("podman 6 asks" in said) == (makes != "a link")
    heard = [user == "me" for user in asked(somebody, {})]
    assert heard == [False, makes == "a link"]
