"""Build a release's files by `packaging/build.sh`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMIT_TIME = "1764000000"
DIST = ("python", "debian")
"""The parts that most tests need; the node directory has its own tests."""
WINDOWS_PYTHON = Path("/usr/local/lib/dockcred-ci/wine/python")
"""python.org's embeddable package for Windows, where .ci/wine.sh unpacks it."""
NODE = "dockcred-node-0.1.0-amd64.tgz"


def build(source: Path, target: Path, *what: str, **variables: str) -> None:
    """Build parts (such as DIST) of a source tree into a new directory."""
    done = subprocess.run(
        [source / "packaging/build.sh", target, *what],
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


def bill(dist: Path) -> subprocess.CompletedProcess[str]:
    """Write the software bills of materials (SBOMs) beside a release's files."""
    return subprocess.run(
        [sys.executable, "-W", "error", ROOT / "packaging/attest/sbom.py", dist],
        env={"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": COMMIT_TIME},
        capture_output=True,
        text=True,
        check=False,
    )
