"""`dockcred install` replaces what pip, pipx and uv installed; --remove restores it."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from support.program import Program

from dockcred.commands import install, main
from dockcred.errors import DockcredError
from dockcred.protocol.launcher import walls
from dockcred.protocol.launcher.render import written_for

PROGRAM = "docker-credential-ecr-login"
SCRIPT = (
    f"#!{sys.executable}\n# -*- coding: utf-8 -*-\nimport sys\n"
    "from docker_credential_ecr_login import main\nsys.exit(main())\n"
)


@pytest.fixture
def bin_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for launchers. The checks and compilation of modules are skipped."""
    monkeypatch.setattr(walls, "check_all", lambda *_: [])
    monkeypatch.setattr(walls, "check_source", lambda *_: None)
    monkeypatch.setattr(install.launcher_render, "check", lambda *_: None)
    monkeypatch.setattr(install.launcher_render, "compile_package", lambda _: None)
    monkeypatch.setattr(install.launcher_render, "compile_modules", lambda _: None)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


def run(bin_: Path, *words: str) -> None:
    umask = os.umask(0o022)
    try:
        install.install.main(
            ["--dir", str(bin_), "--programs", PROGRAM, *words], standalone_mode=False
        )
    finally:
        os.umask(umask)


def state(bin_: Path) -> dict[str, str]:
    """Return what is in the directory: each link's target, each file's text."""
    return {
        path.name: os.readlink(path) if path.is_symlink() else path.read_text()
        for path in bin_.iterdir()
    }


def linked(bin_: Path, target: str) -> None:
    """Make a link as pipx and uv do, to the script in a venv of its own."""
    script = bin_.parent / "venv/bin" / PROGRAM
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(SCRIPT)
    script.chmod(0o755)
    (bin_ / PROGRAM).symlink_to(target.format(bin_.parent))


def scripted(bin_: Path) -> None:
    """Write the script as pip does."""
    (bin_ / PROGRAM).write_text(SCRIPT)
    (bin_ / PROGRAM).chmod(0o755)


BEFORE = {
    "pipx's link": lambda bin_: linked(bin_, f"{{}}/venv/bin/{PROGRAM}"),
    "a relative link": lambda bin_: linked(bin_, f"../venv/bin/{PROGRAM}"),
    "pip's script": scripted,
    "nothing": lambda _: None,
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("times", [1, 2], ids=["once", "twice"])
def test_remove_gives_back_what_was_there_before(before, times, bin_) -> None:
    BEFORE[before](bin_)
    was = state(bin_)
    for _ in range(times):
        run(bin_)
        assert written_for(str(bin_ / PROGRAM)) == PROGRAM
        assert not (bin_ / PROGRAM).is_symlink()
    run(bin_, "--remove")
    assert state(bin_) == was
    assert before == "nothing" or os.access(bin_ / PROGRAM, os.X_OK)


def test_what_can_not_run_any_more_does_not_come_back(bin_) -> None:
    """First pipx's script is gone, then the Python of pip's script."""
    linked(bin_, f"{{}}/venv/bin/{PROGRAM}")
    run(bin_)
    (bin_.parent / "venv/bin" / PROGRAM).unlink()
    run(bin_, "--remove")
    assert state(bin_) == {}
    (bin_ / PROGRAM).write_text(SCRIPT.replace(sys.executable, "/gone/python"))
    run(bin_)
    run(bin_, "--remove")
    assert state(bin_) == {}


def test_what_it_remembers_is_no_other_launcher(bin_) -> None:
    """`setup` writes only launchers that differ; what one remembers does not count."""
    scripted(bin_)
    assert install.missing(str(bin_), str(bin_))[0]
    run(bin_)
    assert PROGRAM not in install.missing(str(bin_), str(bin_))[0]


def test_the_launcher_that_remembers_runs(bin_, helper_bin) -> None:
    scripted(bin_)
    run(bin_)
    text = (bin_ / PROGRAM).read_text()
    assert text.splitlines()[-1].startswith("# Before `dockcred install`")
    answer = Program(str(bin_ / PROGRAM))("version", environment={})
    assert (answer.status, answer.stderr) == (0, b"")


@pytest.mark.parametrize("name", ["docker-credential-ecr-logn", "ecr-login"])
def test_a_slip_of_a_program_is_asked_what_it_was_meant_for(name, bin_, capsys) -> None:
    with pytest.raises(SystemExit):
        install.install.main(["--dir", str(bin_), "--programs", name])
    assert f"Did you mean {PROGRAM}?" in " ".join(capsys.readouterr().err.split())


VERBS = ("gcr-login", "gcr-logout", "config", "clear")
THEIRS = {"gcloud": {"auth"}, "docker": {"logout"}}


@pytest.mark.parametrize("verb", VERBS)
def test_an_answer_to_a_peer_s_verb_names_commands_that_there_are(
    verb, helper_bin
) -> None:
    program = Program(str(helper_bin / "docker-credential-gcr"))
    said = program(verb, environment={}).said
    named = re.findall(r"\b(?:dockcred|gcloud|docker) [^;,]+", said)
    assert named, said
    for command in named:
        words = shlex.split(command)
        if words[0] == "dockcred":
            accepts(main, words[1:])
        else:
            assert words[1] in THEIRS[words[0]], command


def accepts(command: click.Command, words: list[str]) -> None:
    """Fail if a command does not take these words."""
    context = click.Context(command)
    while isinstance(command, click.Group):
        command = command.get_command(context, words.pop(0))
    command.make_context("x", words)


@pytest.mark.parametrize("name", ["gcr", "docker-credential-auto", "ecr-login"])
def test_a_helper_is_no_command_and_says_who_runs_it(name, helper_bin) -> None:
    answer = Program(str(helper_bin / "dockcred"))(name, environment={"HOME": "/"})
    assert answer.status == 2
    said = " ".join(answer.stderr.decode().split())
    assert said.endswith("is what clients run: dockcred configure docker --all")


@pytest.mark.parametrize("act", [install.put, install._remove])
def test_a_launcher_that_cannot_be_read_is_left_as_it_is(
    bin_: Path, monkeypatch: pytest.MonkeyPatch, act: Callable[..., None]
) -> None:
    """Any read may fail: it must stay, for its last line says what was replaced."""
    scripted(bin_)
    run(bin_)
    before, target, opens = state(bin_), str(bin_ / PROGRAM), []
    monkeypatch.setattr(os, "umask", lambda _: 0o022)
    real = open

    def fail_at(number: int) -> None:
        def failing(file, *how, **named):
            opens.append(file)
            if file == target and opens.count(target) == number:
                raise OSError(errno.EIO, os.strerror(errno.EIO), file)
            return real(file, *how, **named)

        monkeypatch.setattr("builtins.open", failing)

    for number in range(1, 20):
        opens.clear()
        fail_at(number)
        with contextlib.suppress(DockcredError, OSError):
            act(str(bin_), {PROGRAM: PROGRAM})
        monkeypatch.setattr("builtins.open", real)
        if opens.count(target) < number:
            break
        assert state(bin_) == before, number
    assert number > 2


@pytest.mark.parametrize("system", ["darwin", "win32", "freebsd14"])
def test_a_front_is_only_where_it_has_run(
    monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """The front reads the time from a pipe in /proc. Elsewhere Python is started."""
    assert "/proc/self/fd" in install._text(PROGRAM)
    monkeypatch.setattr(sys, "platform", system)
    text = install._text(PROGRAM)
    assert "/proc/" not in text
    assert len(text.splitlines()) == 3
