"""`dockcred install --alias`: a helper under the name that a client's file uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dockcred.wiring import PROGRAMS

from .conftest import Person, Result

PROGRAM = "docker-credential-ecr-login"
FOREIGN = "registry.example"


@pytest.fixture
def directory(person: Person) -> Path:
    path = person.home / "bin"
    path.mkdir(mode=0o755)
    return path


def install(person: Person, *arguments: str) -> Result:
    """Run `dockcred install` for the person's bin directory; it must succeed."""
    done = person.run("dockcred", "install", "--dir", f"{person.home}/bin", *arguments)
    assert done.returncode == 0, done.stderr
    return done


def names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


@pytest.mark.parametrize("verb", ["get", "list", "version", "unknown"])
def test_an_alias_answers_as_its_program_does(
    person: Person, directory: Path, verb: str
) -> None:
    install(person, "--alias", "other=ecr-login")
    ours, alias = (
        person.run(str(directory / name), verb, stdin=FOREIGN)
        for name in (PROGRAM, "docker-credential-other")
    )
    assert (alias.returncode, alias.stdout, alias.stderr) == (
        ours.returncode, ours.stdout, ours.stderr
    )  # fmt: skip
    assert ours.stdout


def test_an_alias_is_written_anew_with_its_program(
    person: Person, directory: Path
) -> None:
    """Otherwise it would start a Python that an update has removed."""
    install(person, "--alias", "other=ecr-login")
    alias = directory / "docker-credential-other"
    alias.write_text(alias.read_text().replace("-I -S", "-I -S -of-old"))
    install(person)
    assert alias.read_text() == (directory / PROGRAM).read_text()


def test_remove_takes_aliases_away_without_being_told_of_them(
    person: Person, directory: Path
) -> None:
    install(person, "--alias", "one=ecr-login", "--alias", "two=ecr-login")
    assert names(directory) == {
        *PROGRAMS, "docker-credential-one", "docker-credential-two"
    }  # fmt: skip
    install(person, "--remove")
    assert names(directory) == set()


def test_remove_with_an_alias_takes_that_one_alone(
    person: Person, directory: Path
) -> None:
    install(person, "--alias", "one=ecr-login", "--alias", "two=ecr-login")
    install(person, "--remove", "--alias", "one=ecr-login")
    assert names(directory) == {*PROGRAMS, "docker-credential-two"}


def test_remove_leaves_what_is_not_ours(person: Person, directory: Path) -> None:
    theirs = directory / "docker-credential-desktop"
    theirs.write_text("#!/bin/sh\n# not written by `dockcred install`\n")
    install(person, "--remove")
    theirs.write_text("#!/bin/sh\n\n")
    (directory / "docker-credential-gone").symlink_to("nowhere")
    install(person)
    install(person, "--remove")
    assert names(directory) == {theirs.name, "docker-credential-gone"}


@pytest.mark.parametrize(
    "alias, complaint",
    [
        ("other", "is no alias"),
        ("=ecr-login", "is no alias"),
        ("../other=ecr-login", "is no alias"),
        ("Other=ecr-login", "is no alias"),
        ("other=nobody-s", "there is no program"),
        ("other=", "there is no program"),
        ("ecr-login=ecr-login", "is a helper of its own"),
        ("pass=ecr-login", "is a helper of its own"),
        ("osxkeychain=ecr-login", "is a helper of its own"),
    ],
)
def test_a_name_that_is_none_is_refused(
    person: Person, directory: Path, alias: str, complaint: str
) -> None:
    call = ("dockcred", "install", "--dir", str(directory), "--alias", alias)
    done = person.run(*call)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert names(directory) == set()


def test_another_s_helper_of_that_name_is_not_overwritten(
    person: Person, directory: Path
) -> None:
    theirs = directory / "docker-credential-gcloud"
    theirs.write_text("#!/bin/sh\n")
    call = ("dockcred", "install", "--dir", str(directory))
    done = person.run(*call, "--alias", "gcloud=ecr-login")
    assert done.returncode == 1
    assert "is not ours" in done.stderr
    assert theirs.read_text() == "#!/bin/sh\n"


def test_every_command_has_examples_in_its_help(person: Person) -> None:
    for command in (
        ["install"], ["completion"], ["configure"],
        *(["configure", client] for client in ("docker", "podman", "helm", "nomad", "kubelet")),
    ):  # fmt: skip
        shown = person.run("dockcred", *command, "--help").stdout
        example = f"    dockcred {' '.join(command)}"
        assert "\n  Examples:\n" in shown, shown
        assert example in shown or "source <(dockcred completion" in shown
