"""A file that other programs write too: their changes meanwhile are not lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.real import missing

from dockcred.system import shared_file

OLD, OURS, THEIRS, LATEST = b"old", b"ours", b"theirs", b"latest"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_bytes(OLD)
    return path


@pytest.fixture(params=["exchange", "second look"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with the kernel's exchange of files (renameat2), and without."""
    if request.param == "second look":
        monkeypatch.setattr(shared_file, "_rename", lambda *_: False)
    return request.param


def write_as_docker_does(file: Path, data: bytes) -> None:
    aside = file.with_name("config.json815")
    aside.write_bytes(data)
    aside.rename(file)


def at_look(
    monkeypatch: pytest.MonkeyPatch, number: int, act: Callable[[], object]
) -> None:
    """Call `act` right after the file was read for the `number`th time."""
    looks, real = [], shared_file._read

    def looked(path: str) -> bytes | None:
        found = real(path)
        looks.append(path)
        if len(looks) == number:
            act()
        return found

    monkeypatch.setattr(shared_file, "_read", looked)


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize(
    ("before", "after"), [(OLD, OURS), (None, OURS), (OLD, None), (None, None)]
)
def test_what_is_as_it_was_is_replaced(
    file: Path, before: bytes | None, after: bytes | None
) -> None:
    if before is None:
        file.unlink()
    assert shared_file.swap(str(file), before, after)
    assert os.listdir(file.parent) == (["config.json"] if after else [])
    if after:
        assert file.read_bytes() == after


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("after", [OURS, None])
def test_what_has_changed_stays(file: Path, after: bytes | None) -> None:
    write_as_docker_does(file, THEIRS)
    assert not shared_file.swap(str(file), OLD, after)
    assert file.read_bytes() == THEIRS
    assert os.listdir(file.parent) == ["config.json"]


@pytest.mark.usefixtures("kind")
def test_what_has_come_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no file at first, and another program makes it after the second look."""
    file.unlink()
    at_look(monkeypatch, 1, lambda: write_as_docker_does(file, THEIRS))
    assert not shared_file.swap(str(file), None, OURS)
    assert file.read_bytes() == THEIRS
    assert os.listdir(file.parent) == ["config.json"]


def test_what_changes_after_the_second_look_comes_back(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_look(monkeypatch, 1, lambda: write_as_docker_does(file, THEIRS))
    assert not shared_file.swap(str(file), OLD, OURS)
    assert file.read_bytes() == THEIRS
    assert os.listdir(file.parent) == ["config.json"]


def test_what_is_written_while_ours_is_taken_back_is_the_latest(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_look(monkeypatch, 1, lambda: write_as_docker_does(file, THEIRS))
    at_look(monkeypatch, 3, lambda: write_as_docker_does(file, LATEST))
    assert not shared_file.swap(str(file), OLD, OURS)
    assert file.read_bytes() == LATEST
    assert os.listdir(file.parent) == ["config.json"]


def test_what_vanishes_is_a_change(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_look(monkeypatch, 1, file.unlink)
    assert not shared_file.swap(str(file), OLD, OURS)
    assert os.listdir(file.parent) == []


def test_what_changes_before_it_is_removed_comes_back(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shared_file.private_file.new_name

    def named(path: str) -> str:
        write_as_docker_does(file, THEIRS)
        return real(path)

    monkeypatch.setattr(shared_file.private_file, "new_name", named)
    assert not shared_file.swap(str(file), OLD, None)
    assert file.read_bytes() == THEIRS
    assert os.listdir(file.parent) == ["config.json"]


@pytest.mark.parametrize("after", [OURS, None])
def test_a_file_that_a_person_s_editor_has_open_is_not_replaced(
    file: Path, after: bytes | None
) -> None:
    """An editor writes into the open file. If we had replaced it, that text is lost."""
    fcntl = pytest.importorskip("fcntl")
    try:
        with file.open("rb") as quiet:
            fcntl.fcntl(quiet, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except (AttributeError, OSError):
        missing("this file system has no leases")
    with file.open("r+b") as editor:
        assert not shared_file.swap(str(file), OLD, after)
        editor.write(b"new")
    assert file.read_bytes() == b"new"
    assert shared_file.swap(str(file), b"new", after)


def test_the_mode_is_kept(file: Path) -> None:
    file.chmod(0o644)
    assert shared_file.swap(str(file), OLD, OURS)
    assert file.stat().st_mode & 0o777 == 0o644
