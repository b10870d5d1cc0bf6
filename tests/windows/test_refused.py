"""A file that may not be written: one line says why, and the command in it helps."""

from __future__ import annotations

import pytest

from .conftest import Case
from .test_helpers import PATIENT

pytestmark = pytest.mark.slow

HELD = """
import os, subprocess, sys

with open(sys.argv[1], "rb"):
    done = subprocess.run(sys.argv[2:], capture_output=True)
sys.stdout.buffer.write(done.stdout + done.stderr)
sys.exit(done.returncode)
"""


@pytest.fixture
def config(tmp_path):
    tmp_path.chmod(0o700)
    place = tmp_path / "with blank ä"
    place.mkdir(mode=0o700)
    config = place / "config.json"
    config.write_text("{}")
    return config


def configure(windows, config):
    return Case(
        "dockcred",
        ("configure", "docker", "--registry", "ghcr.io"),
        "",
        PATIENT | {"DOCKER_CONFIG": windows.path(config.parent)},
    )


REMEDY = """
import errno, os, sys
from dockcred.system import file_lock
from dockcred.system.environment import Environment

path = sys.argv[1]
refused = PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
print(file_lock.remedy(refused, Environment(dict(os.environ))))
"""


def test_the_mark_of_a_read_only_file_is_taken_off(windows, config):
    """Windows refuses to replace such a file, Wine does not. The remedy is run here."""
    config.chmod(0o444)
    told = windows.python(REMEDY, windows.path(config))
    assert told.status == 0, told
    words = told.stdout.decode("cp1252").strip()
    assert words == f"run: attrib -r '{windows.path(config)}'"
    command = words.removeprefix("run: ").replace("'", '"')  # Wine has no PowerShell
    done = windows.python(f"import os, sys; sys.exit(os.system({command!r}))")
    assert done.status == 0, done
    assert config.stat().st_mode & 0o200


def test_who_has_it_open_is_to_let_it_go(windows, config):
    case = configure(windows, config)
    program = windows.path(windows.scripts / "dockcred.exe")
    told = windows.python(
        HELD,
        *(windows.path(config), program, *case.arguments),
        variables=case.variables,
    )
    assert told.status == 1, told
    last = told.stdout.decode("utf-8", "replace").splitlines()[-1]
    assert last.endswith("close the program that has it open, and try again"), told
