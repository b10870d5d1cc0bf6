"""What a release publishes, built once for all tests: DOCKCRED_DIST, or built here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMIT_TIME = "1764000000"


def build(source: Path, target: Path, **variables: str) -> None:
    """Build the sdist and the wheel of a source tree."""
    done = subprocess.run(
        [source / "packaging/build.sh", target],
        env={
            "PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHON": sys.executable,
            "SOURCE_DATE_EPOCH": COMMIT_TIME,
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the files whose checksums are published."""
    if named := os.environ.get("DOCKCRED_DIST"):
        return Path(named)
    target = tmp_path_factory.mktemp("release") / "dist"
    build(ROOT, target)
    return target
