"""Functions run in forks of a process: at once, with a timeout, and ending with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.program import BUSY_S, LONG_S, wait_until

from dockcred.system import spawn

PROGRAM = f"""
import os, sys, time
from dockcred.system import spawn
wait = spawn.ask_forks([lambda: os.write(1, b'asked') or time.sleep({LONG_S})], {LONG_S})
time.sleep({LONG_S})
"""


def _fail() -> bytes:
    raise KeyError("a secret")


def _cut_off() -> bytes:
    """End the process while its answer is being written."""
    write = os.write
    os.write = lambda descriptor, text: os._exit(write(descriptor, text[:9]) and 0)
    return b"half an answer"


def test_each_answer_stands_in_its_place(capfd: pytest.CaptureFixture[str]) -> None:
    questions = [lambda: b"one", _fail, _cut_off, lambda: b"", lambda: b"a\n\0" * 99999]
    answers = spawn.ask_forks(questions, 30.0)()
    assert answers == [b"one", b"", b"", b"", b"a\n\0" * 99999]
    assert capfd.readouterr() == ("", "")


def test_they_are_asked_while_the_caller_does_other_things() -> None:
    first, second = os.pipe()
    wait = spawn.ask_forks([lambda: os.write(second, b"x") and b"yes"], 30.0)
    assert os.read(first, 1) == b"x"
    assert wait() == [b"yes"]
    os.close(first)
    os.close(second)


def test_what_takes_too_long_is_nothing_and_is_gone(tmp_path: Path) -> None:
    number = tmp_path / "pid"

    def late() -> bytes:
        number.write_text(str(os.getpid()))
        time.sleep(LONG_S)
        return b"late"

    began = time.monotonic()
    assert spawn.ask_forks([late, lambda: b"good"], 3.0)() == [b"", b"good"]
    assert time.monotonic() - began < BUSY_S
    status = Path("/proc", number.read_text(), "stat")
    wait_until(lambda: not status.exists() or ") Z " in status.read_text())


def test_no_descriptor_stays_open() -> None:
    before = set(os.listdir("/dev/fd"))
    spawn.ask_forks([lambda: b"", _fail], 30.0)()
    assert set(os.listdir("/dev/fd")) == before


def test_a_machine_that_lets_nobody_fork_has_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse)
    assert spawn.ask_forks([lambda: b"one", lambda: b"two"], 30.0)() == [b"", b""]


def test_where_nothing_forks_they_are_asked_in_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(os, "fork")
    assert spawn.ask_forks([lambda: b"one", lambda: b""], 30.0)() == [b"one", b""]


def test_who_is_killed_leaves_nobody_behind() -> None:
    """Forks hold stdout open: the read ends only when all of them have ended."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=-1) as running:
        assert running.stdout
        assert running.stdout.read(5) == b"asked"
        running.kill()
        assert running.stdout.read() == b""
