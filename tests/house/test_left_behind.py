"""A run that leaves something in the caches of the machine's own programs fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.documents import ROOT
from support.once import WORKER
from support.program import HARD_LIMIT_S

TESTS = """
from pathlib import Path

def test_one():
    Path("kept").touch()

def test_two():
    Path.home().joinpath(".cache/dockcred/NAME").touch()
"""


def run(place: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run two tests with a home directory whose cache has one entry already."""
    (place / ".cache/dockcred").mkdir(parents=True)
    (place / ".cache/dockcred/before").touch()
    (place / "test_it.py").write_text(TESTS.replace("NAME", name))
    words = ("-p", "xdist", "-p", "support.left_behind", *options, "test_it.py")
    kept = {key: value for key, value in os.environ.items() if key != WORKER}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        env=kept
        | {"HOME": str(place), "PYTHONPATH": str(ROOT / "tests")}
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=place,
        capture_output=True,
        text=True,
        timeout=HARD_LIMIT_S,
        check=False,
    )


@pytest.mark.parametrize("workers", [0, 1])
def test_it_fails_and_names_the_file_and_the_test(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, "new", f"-n{workers}")
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    (line,) = [line for line in done.stdout.splitlines() if "LEFT BEHIND" in line]
    file = tmp_path / ".cache/dockcred/new"
    assert line == f"LEFT BEHIND {file}: seen after test_it.py::test_two"


def test_what_was_there_before_is_no_matter(tmp_path: Path) -> None:
    done = run(tmp_path, "before", "-n0")
    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert "LEFT BEHIND" not in done.stdout
