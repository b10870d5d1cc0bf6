"""If `dockcred` cannot write to stdout, it prints one line, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SECRETS = {
    "get": ("get", HOST, "--password"),
    "render": ("render", "password", "--registry", HOST),
    "render, shown": ("render", "password", "--registry", HOST, "--show"),
}
COMMANDS = SECRETS | {
    "get, as whom": ("get", HOST),
    "list": ("list",),
    "cache": ("cache",),
    "doctor": ("doctor", HOST),
    "help": ("--help",),
    "help of a group": ("render", "--help"),
    "help of a command": ("get", "--help"),
    "version": ("--version",),
}
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def run(cloud: Sandbox, helper_bin: Path) -> Run:
    def run(arguments: tuple[str, ...], redirection: str = "", more=(), **how):
        return subprocess.run(
            [
                "sh",
                "-c",
                f'"$0" "$@" {redirection}',
                helper_bin / "dockcred",
                *arguments,
            ],
            env=cloud.environment() | dict(more),
            stderr=subprocess.PIPE,
            text=True,
            timeout=BUSY_S,
            check=False,
            **how,
        )

    return run


@pytest.fixture
def keeping(tmp_path: Path) -> dict[str, str]:
    """Variables of a store without logins; with a store `list` leaves nothing out."""
    helper = tmp_path / "docker-credential-none"
    helper.write_text("#!/bin/sh\necho '{}'\n")
    helper.chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "DOCKCRED_STORE": "helper:none"}


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_is_named(
    run: Run, arguments: tuple[str, ...], keeping: dict[str, str]
) -> None:
    done = run(arguments, ">/dev/full", keeping)
    assert done.returncode == 1
    assert done.stderr == "dockcred: No space left on device\n"


def test_what_is_left_out_is_said_before_a_full_disk_is_named(run: Run) -> None:
    """Without a keychain `list` prints one paragraph more, and nothing else."""
    said = run(("list",), ">/dev/full").stderr
    left_out = run(("list",), stdout=subprocess.DEVNULL).stderr
    assert left_out.startswith("left out: nothing here keeps")
    assert said == f"{left_out}dockcred: No space left on device\n"


@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
def test_a_reader_that_has_left_is_no_error_to_tell(
    run: Run, arguments: tuple[str, ...], keeping: dict[str, str]
) -> None:
    """For example: dockcred … | head -0."""
    run(("get", HOST))  # fills the cache, which `cache` lists
    ours, theirs = os.pipe()
    os.close(ours)
    with open(theirs, "wb") as pipe:
        done = run(arguments, more=keeping, stdout=pipe)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("arguments", SECRETS.values(), ids=SECRETS)
def test_a_secret_for_a_closed_stdout_is_refused(
    run: Run, arguments: tuple[str, ...]
) -> None:
    """A file that is opened later may get the descriptor."""
    done = run(arguments, ">&-")
    assert done.returncode == 1
    assert done.stderr.startswith("dockcred: stdout is closed; ")
    assert done.stderr.count("\n") == 1


ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def test_what_the_locale_has_no_character_for_is_a_question_mark(run: Run) -> None:
    done = run(("doctor", HOST), more=ASCII, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("? broken: docker asks")


def test_a_password_is_utf_8_in_any_locale(run: Run, tmp_path: Path) -> None:
    """`render` writes UTF-8 too, and docker reads it."""
    helper = tmp_path / "docker-credential-kept"
    answer = json.dumps({"ServerURL": "", "Username": "me", "Secret": "gehe\u00efm"})
    helper.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    helper.chmod(0o755)
    kept = {"PATH": f"{tmp_path}:/usr/bin:/bin", "DOCKCRED_STORE": "helper:kept"}
    more = ASCII | kept | {"PYTHONIOENCODING": "latin-1"}
    arguments = ("get", "r.example", "--password")
    done = run(arguments, more=more, stdout=subprocess.PIPE, encoding="utf-8")
    assert (done.stdout, done.stderr) == ("gehe\u00efm\n", "")
