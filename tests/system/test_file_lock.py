"""A lock has one holder at a time, even if holders die, and leaves no file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dockcred.system import file_lock
from dockcred.system.environment import Environment
from dockcred.system.file_lock import FileLock

HELD = """
import sys
from dockcred.system.file_lock import FileLock
with FileLock(sys.argv[1]):
    print(flush=True)
    sys.stdin.read()
"""


def test_nothing_is_left_of_it(tmp_path: Path) -> None:
    with file_lock.beside(str(tmp_path / "config.json")):
        assert os.listdir(tmp_path) == [".config.json.dockcred-lock"]
    assert os.listdir(tmp_path) == []


def test_who_waits_for_one_that_is_gone_takes_the_one_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first removes its lock file, and a third makes one; then the second looks."""
    path = str(tmp_path / "lock")
    first, second, third = (FileLock(path) for _ in range(3))
    pauses = []

    def pause(_seconds: float) -> None:
        pauses.append(1)
        if len(pauses) == 1:
            first.__exit__(None, None, None)
            third.__enter__()
        else:
            third.__exit__(None, None, None)

    monkeypatch.setattr(file_lock.time, "sleep", pause)
    with first.__enter__() and second:
        assert len(pauses) == 2


def test_one_that_is_held_for_too_long_is_an_error(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with FileLock(path), pytest.raises(TimeoutError, match="another process"):
        FileLock(path, max_wait_s=0).__enter__()
    with FileLock(path):
        pass


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    with subprocess.Popen(
        [sys.executable, "-c", HELD, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout.readline()
        with pytest.raises(TimeoutError):
            FileLock(path, max_wait_s=0).__enter__()
        holder.kill()
    with FileLock(path, max_wait_s=0):
        pass
    assert os.listdir(tmp_path) == []


def test_a_path_that_cannot_be_resolved_has_no_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This happens on Windows if a path is too long."""

    def refuse(_path: str) -> str:
        raise OSError(22, "More data available")

    monkeypatch.setattr(os.path, "realpath", refuse)
    refused = PermissionError(13, "denied", "/a/file")
    assert file_lock.remedy(refused, Environment({})) == ""
