"""private_file writes files completely or not at all, and removes leftovers.

A leftover is a temporary file whose writer has died.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.real import require_root

from dockcred import system
from dockcred.system import private_file

ASIDE = "config.json.0123456789abcdef.new"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text("old")
    return path


def test_two_writers_of_one_pid_do_not_meet(file: Path) -> None:
    """In two containers that share a disk, both writers have pid 1."""
    made = [private_file.create(str(file)) for _ in range(2)]
    assert len({path for path, _ in made}) == 2
    for path, descriptor in made:
        private_file.drop(path)
        private_file.close(descriptor)


def test_only_a_dead_writer_s_file_is_a_leftover(file: Path) -> None:
    aside, descriptor = private_file.create(str(file))
    private_file.replace(str(file), b"by another")
    assert os.path.exists(aside)
    private_file.close(descriptor)
    private_file.replace(str(file), b"by the next")
    assert os.listdir(file.parent) == ["config.json"]
    assert file.read_bytes() == b"by the next"


def test_a_file_that_was_taken_for_a_leftover_is_made_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may look between the creation of the file and its lock."""
    real = private_file._lock

    def looked_at(descriptor: int) -> bool | None:
        monkeypatch.setattr(private_file, "_lock", real)
        private_file.remove_leftovers(str(file.parent))
        return real(descriptor)

    monkeypatch.setattr(private_file, "_lock", looked_at)
    private_file.replace(str(file), b"new")
    assert file.read_bytes() == b"new"
    assert os.listdir(file.parent) == ["config.json"]


@pytest.mark.parametrize(
    "name",
    [
        "config.json.new",
        "config.json.0123456789abcde.new",
        "config.json.0123456789abcdeg.new",
        "other.0123456789abcdef.new",
        "config.json.0123456789abcdef.old",
    ],
)
def test_a_file_of_another_name_is_no_leftover(
    file: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_file, "_DEAD_AFTER_S", -1.0)
    (file.parent / name).write_text("theirs")
    private_file.replace(str(file), b"new")
    assert (file.parent / name).read_text() == "theirs"


def test_what_is_no_plain_file_is_no_leftover(file: Path) -> None:
    theirs = file.parent / "theirs"
    theirs.write_text("")
    (file.parent / ASIDE).symlink_to(theirs)
    (file.parent / ASIDE.replace("0", "1")).mkdir()
    os.mkfifo(file.parent / ASIDE.replace("0", "2"))
    before = sorted(os.listdir(file.parent))
    private_file.replace(str(file), b"new")
    assert sorted(os.listdir(file.parent)) == before


def test_what_the_versions_before_have_left_is_removed_once_it_is_old(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leftover = file.parent / "config.json.4711.new"
    leftover.write_text("secret")
    private_file.replace(str(file), b"new")
    assert leftover.exists()
    monkeypatch.setattr(private_file, "_DEAD_AFTER_S", -1.0)
    private_file.replace(str(file), b"new")
    assert not leftover.exists()


def test_owner_and_mode_are_kept_or_given(file: Path) -> None:
    require_root("giving a file away")
    os.chown(file, 4711, 4712)
    file.chmod(0o640)
    private_file.replace(str(file), b"new")
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (4711, 4712, 0o640)
    private_file.replace(str(file), b"new", 0o600)
    status = file.stat()
    assert (status.st_uid, status.st_mode & 0o777) == (0, 0o600)


def test_the_data_is_on_the_disk_before_the_name_and_the_name_at_the_end(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def noted(*arguments: object, name: str = name, real: object = real) -> None:
            calls.append(name)
            real(*arguments)

        monkeypatch.setattr(os, name, noted)
    private_file.replace(str(file), b"new")
    assert calls == ["fsync", "replace", "fsync"]
    private_file.replace(str(file), b"cache", durable=False)
    assert calls[3:] == ["replace"]


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "fstat", "fchmod"])
def test_a_call_that_fails_leaves_the_old_file_alone(
    file: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match="No space") as failed:
            private_file.replace(str(file), b"new", 0o640)
    assert failed.value.filename == str(file)
    assert file.read_text() == "old"
    assert os.listdir(file.parent) == ["config.json"]


@pytest.mark.parametrize("removes_open", [True, False])
def test_what_a_dead_writer_left_goes_where_open_files_stay_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removes_open: bool
) -> None:
    """Windows cannot remove an open file, even if the remover itself has it open."""
    if sys.platform != "linux":
        pytest.skip("there is no /proc that tells what is open")
    monkeypatch.setattr(system, "REMOVES_OPEN", removes_open)
    unlink = os.unlink

    def unlink_closed(path: str) -> None:
        there = os.stat(path)
        for name in os.listdir("/proc/self/fd"):
            try:
                opened = os.fstat(int(name))
            except OSError:
                continue
            assert not os.path.samestat(opened, there), path
        unlink(path)

    target = str(tmp_path / "file")
    left, descriptor = private_file.create(target)
    os.close(descriptor)
    if not removes_open:
        monkeypatch.setattr(os, "unlink", unlink_closed)
    private_file.replace(target, b"new")
    assert not os.path.exists(left)
    monkeypatch.setattr(private_file, "fill", full)
    with pytest.raises(OSError, match="full"):
        private_file.replace(target, b"newer")
    assert os.listdir(tmp_path) == ["file"]


def full(*_: object) -> None:
    raise OSError(28, "the disk is full")
