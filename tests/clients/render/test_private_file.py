"""A file with a secret: for its owner alone, replaced whole, never through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockcred.system import private_file


def test_it_is_for_its_owner_alone_whatever_was_there(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("old")
    file.chmod(0o666)
    private_file.replace(str(file), b"new", 0o600)
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_the_mode_asked_for_is_given(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    private_file.replace(str(file), b"new", 0o440)
    assert file.stat().st_mode & 0o777 == 0o440


def test_a_symlink_is_replaced_and_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs")
    link = tmp_path / "link"
    link.symlink_to(elsewhere)
    private_file.replace(str(link), b"secret", 0o600)
    assert elsewhere.read_text() == "theirs"
    assert not link.is_symlink()


def test_a_full_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.json"
    file.write_text("old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        private_file.replace(str(file), b"new", 0o600)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
