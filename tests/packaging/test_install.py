"""`dockcred install` by root: what it compiles, and who can read and write that."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

PROGRAM = "docker-credential-ecr-login"
OUR_MODULES = ("dockcred/identity/router.py", "docker_credential_ecr_login.py")

UNCOMPILED = ("--no-deps", "--no-index", "--no-compile")


@pytest.fixture
def venv(dist: Path, tmp_path: Path) -> Path:
    """A venv with the wheel, uncompiled as by uv, and this Python's libraries."""
    (wheel,) = dist.glob("*.whl")
    venv = tmp_path / "venv"
    python = (sys.executable, "-m")
    subprocess.run([*python, "venv", "--without-pip", venv], check=True)
    subprocess.run(
        [*python, "pip", "-q", "--python", venv, "install", *UNCOMPILED, wheel],
        check=True,
    )
    lent = site_packages(venv) / "lent.pth"
    lent.write_text(sysconfig.get_path("purelib") + "\n")
    return venv


def site_packages(venv: Path) -> Path:
    (path,) = venv.glob("lib/python3.*/site-packages")
    return path


def install(
    venv: Path, directory: Path, umask: int = 0o022, programs=("--programs", PROGRAM)
):
    return subprocess.run(
        [venv / "bin/dockcred", "install", "--dir", directory, *programs],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )


def compiled(venv: Path) -> list[Path]:
    found = []
    for module in OUR_MODULES:
        path = site_packages(venv) / module
        found += path.parent.glob(f"__pycache__/{path.stem}.*.pyc")
    return found


@pytest.mark.parametrize("umask", [0o077, 0o000], ids=["077", "000"])
def test_what_root_installs_is_for_all_to_run_and_no_one_to_write(
    venv, tmp_path, umask
):
    """Else a user who cannot write beside the modules compiles them at every call."""
    directory = tmp_path / "new/bin"
    assert not compiled(venv)
    done = install(venv, directory, umask)
    assert done.returncode == 0, done.stderr
    files = compiled(venv)
    assert len(files) == len(OUR_MODULES)
    made = (directory, directory / PROGRAM, *files, *(file.parent for file in files))
    for path in made:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o022 == 0, path
        assert mode & 0o044 == 0o044, path


def test_a_package_that_others_can_write_is_refused(venv, tmp_path):
    package = site_packages(venv) / "dockcred"
    package.chmod(0o777)
    done = install(venv, tmp_path / "bin")
    assert done.returncode == 1
    assert f"{package} is refused: {package} can be written by everybody" in done.stderr
    assert not os.path.lexists(tmp_path / "bin" / PROGRAM)


def test_the_slower_program_that_pip_put_there_is_replaced(venv, tmp_path):
    """For root, `pip install` and `dockcred install` write into the same directory."""
    assert install(venv, venv / "bin").returncode == 0
    assert "written by `dockcred install`" in (venv / "bin" / PROGRAM).read_text()


@pytest.mark.parametrize("text", ["\x7fELF", "#!/bin/sh\nfrom x import main\n"])
def test_somebody_elses_program_of_that_name_is_left_alone(venv, text):
    """For example AWS's own helper, in the directory of our scripts."""
    (venv / "bin" / PROGRAM).write_text(text)
    done = install(venv, venv / "bin")
    assert done.returncode == 1
    assert "is there and is not ours" in done.stderr
    assert (venv / "bin" / PROGRAM).read_text() == text


def test_only_what_is_installed_gets_a_launcher(venv, tmp_path):
    """Debian has one package for each cloud's helpers."""
    (site_packages(venv) / "docker_credential_gcr.py").unlink()
    install(venv, tmp_path / "bin", programs=())
    launchers = {path.name for path in (tmp_path / "bin").iterdir()}
    assert PROGRAM in launchers
    assert "docker-credential-gcr" not in launchers
