"""Without a usable home, a command says so in one line and writes nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support import real
from support.program import Answer, Program

from dockcred.commands.configure import configure

HOMES = {"no home": None, "not there": "gone", "relative": "gone", "a file": "file"}
FAULTS = {
    "no home": b"dockcred: HOME is not set, and this user has no home; set HOME to ",
    "not there": b"gone is no directory that is there; set HOME to one that is there",
    "relative": b"dockcred: HOME is gone, which is no absolute path; set HOME to ",
    "a file": b"file is no directory that is there; set HOME to one that is there",
}
CLIENTS = {
    "buildx": "configure buildx --registry ghcr.io/a/b",
    "docker": "configure docker --all",
    "helm": "configure helm --all",
    "identity": "configure identity --registry ghcr.io --profile dev",
    "podman": "configure podman --all",
}
OF_THE_MACHINE = {"kubelet", "nomad"}
"""Clients whose file is not below a home: it is named, or the whole machine's."""
OTHERS = {
    "podman's logins": "configure podman --registry ghcr.io",
    "setup": "setup --yes",
    "vault": "vault create --key-file key",
    "doctor": "doctor --undo",
}


@pytest.fixture(scope="module")
def stranger() -> list[str]:
    """Return the command prefix that runs a program as a user without an account."""
    unshare = [real.program("unshare"), *("--user", "--map-user=54321")]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        real.missing("the kernel lets nobody be a user of his own (unshare --user)")
    return unshare


@pytest.fixture
def call(helper_bin: Path, tmp_path: Path):
    def call(words: str, *before: str, **variables: str) -> Answer:
        command = [*before, str(helper_bin / "dockcred"), *words.split()]
        return Program(command[0])(
            *command[1:],
            environment={"PATH": str(helper_bin), **variables},
            cwd=tmp_path,
        )

    return call


def check(answer: Answer, fault: bytes) -> None:
    assert (answer.status, answer.stdout) == (1, b""), answer
    assert fault in answer.stderr, answer
    assert answer.stderr.count(b"\n") == 1, answer


def test_every_client_that_has_a_file_below_the_home_is_tried() -> None:
    assert CLIENTS.keys() | OF_THE_MACHINE == configure.commands.keys()


@pytest.mark.parametrize("what", [*CLIENTS, *OTHERS, "launchers"])
def test_without_a_home_nothing_is_written_at_the_root(
    stranger, call, tmp_path, what
) -> None:
    """Nor in the current directory, where a directory named `~` could be made."""
    words = {**CLIENTS, **OTHERS, "launchers": "install"}[what]
    check(call(words, *stranger), FAULTS["no home"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", list(HOMES)[1:])
@pytest.mark.parametrize("what", ["podman", "setup"])
def test_a_home_of_no_use_is_not_made(call, tmp_path, kind, what) -> None:
    (tmp_path / "file").touch()
    home = HOMES[kind] if kind == "relative" else str(tmp_path / HOMES[kind])
    check(call((CLIENTS | OTHERS)[what], HOME=home), FAULTS[kind])
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_home_that_nobody_can_write_is_said_with_what_opens_it(
    stranger, call, tmp_path
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    for what in ("helm", "podman"):
        answer = call(f"{CLIENTS[what]} --helper auto", *stranger, HOME=str(home))
        said = f"{home}/.config: Permission denied; run: chmod u+rwx {home}\n".encode()
        check(answer, said)
    home.chmod(0o700)
    assert not list(home.iterdir())


def test_who_names_the_file_needs_no_home(stranger, call, tmp_path) -> None:
    place = tmp_path / "docker"
    answer = call(CLIENTS["docker"], *stranger, DOCKER_CONFIG=str(place))
    assert answer.status == 0, answer
    assert (place / "config.json").exists()


def test_doctor_warns_of_a_home_of_no_use(call, tmp_path) -> None:
    answer = call("doctor", HOME=str(tmp_path / "gone"))
    said = b" ".join(answer.stdout.split())
    assert b"gone is no directory that is there set HOME to one that is there" in said
