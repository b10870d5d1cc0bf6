"""Launchers without a front: the kernel starts Python, or sh if it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import dockcred
import docker_credential_keyring
from dockcred.commands.doctor import helpers
from dockcred.protocol.launcher import render as launcher_render
from dockcred.protocol.launcher.render import written_for

NAME = "docker-credential-keyring"
ROOTS = (
    str(Path(dockcred.__file__).parents[1]),
    str(Path(docker_credential_keyring.__file__).parent),
)


@pytest.fixture(params=["by the kernel", "with a blank", "too long"])
def launcher(request, tmp_path) -> Path:
    """Provide a launcher whose interpreter has a plain, a blank or a long path."""
    python = tmp_path / {"with a blank": "a b", "too long": "x" * 127}.get(
        request.param, "bin"
    )
    python.symlink_to(sys.executable)
    path = tmp_path / NAME
    path.write_text(launcher_render.launcher(NAME, str(python), ROOTS, None))
    path.chmod(0o755)
    assert path.read_text().startswith(
        f"#!{python} -IS\n" if request.param == "by the kernel" else "#!/bin/sh\n"
    )
    return path


def run(launcher: Path, *arguments: str, **variables: str):
    return subprocess.run(
        [launcher, *arguments],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=False,
        cwd=launcher.parent,
    )


def test_it_starts_the_program_with_its_arguments(launcher):
    assert run(launcher, "version").stdout.startswith(f"{NAME} (dockcred) v")
    assert run(launcher, "a b", "c").stdout.startswith("Usage: ")
    assert run(launcher, "a b").stdout == f"{NAME}: unknown action: a b\n"


def test_nothing_of_the_directory_or_of_variables_is_imported(launcher):
    """The modules are beside the launcher, in the working directory and PYTHONPATH."""
    for name in ("dockcred.py", "os.py", "gc.py", "sitecustomize.py"):
        (launcher.parent / name).write_text("raise SystemExit('imported')\n")
    done = run(
        launcher, "version", PYTHONPATH=str(launcher.parent), PYTHONSTARTUP="os.py"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_it_names_its_program_and_doctor_finds_its_parts(launcher):
    assert written_for(str(launcher)) == NAME
    assert helpers.missing_part(str(launcher)) == ""
    text = launcher.read_text()
    for root in ROOTS:
        text = text.replace(f'"{root}"', '"/gone"')
    launcher.write_text(text)
    assert "the package" in helpers.missing_part(str(launcher))
    python = next(path for path in launcher.parent.iterdir() if path.is_symlink())
    os.remove(python)
    assert helpers.missing_part(str(launcher)) == str(python)
