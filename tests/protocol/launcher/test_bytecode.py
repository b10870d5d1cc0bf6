"""Bytecode beside the modules: all can read it, only its owner can write it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dockcred.protocol.launcher import render as launcher_render


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o700])
def test_what_others_wrote_or_cannot_read_is_compiled_anew(tmp_path: Path, mode):
    (tmp_path / "ours.py").write_text("answer = 1\n")
    (cache := tmp_path / "__pycache__").mkdir()
    (planted := cache / "ours.cpython-311.pyc").write_bytes(b"a stranger's")
    (strange := cache / "left.pyc").write_bytes(b"a stranger's")
    cache.chmod(mode)
    old = os.umask(0o022)
    try:
        launcher_render.compile_package(str(tmp_path))
    finally:
        os.umask(old)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o755
    assert not strange.exists()
    assert not planted.exists() or planted.read_bytes() != b"a stranger's"
    assert len(list(cache.glob("ours.*.pyc"))) == 1


def test_bytecode_that_is_ours_alone_is_kept(tmp_path: Path):
    (tmp_path / "ours.py").write_text("answer = 1\n")
    (cache := tmp_path / "__pycache__").mkdir(mode=0o755)
    (cache / "other.pyc").write_bytes(b"of a neighbour")
    launcher_render.compile_modules([str(tmp_path / "ours.py")])
    assert (cache / "other.pyc").read_bytes() == b"of a neighbour"
