"""Install the wheel as a user would, without downloading libraries that are here."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path


def install(wheel: Path, place: Path) -> None:
    """Make a venv with the wheel and all its extras.

    The libraries are linked from this Python's own, where `make` has installed them.
    pip checks that they are what the wheel requires, and downloads the others.
    """
    _run(sys.executable, "-m", "venv", str(place))
    python = str(place / "bin/python")
    asked = (python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    _lend(Path(sysconfig.get_path("purelib")), Path(_run(*asked).strip()))
    _run(python, "-m", "pip", "install", "-q", f"{wheel}[all]")


def _lend(ours: Path, theirs: Path) -> None:
    """Link every library into the other venv, except pip and dockcred itself."""
    for path in ours.iterdir():
        name = path.name.lower()
        if name.startswith(("pip", "dockcred", "_dockcred", "__editable__")):
            continue
        target = theirs / path.name
        if path.is_dir():
            shutil.copytree(path, target, copy_function=_link, dirs_exist_ok=True)
        else:
            _link(path, target)


def _link(source: str | Path, target: str | Path) -> None:
    """Make a hard link; copy the file if the file system has no hard links."""
    with contextlib.suppress(FileExistsError):
        try:
            os.link(source, target)
        except OSError as error:
            if isinstance(error, FileExistsError):
                raise
            shutil.copy2(source, target)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout
