"""What a release publishes, built as `packaging/build.sh` builds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMIT_TIME = "1764000000"
DIST = ("python", "debian")
"""What most tests are about; the directory for nodes has tests of its own."""
WINDOWS_PYTHON = Path("/usr/local/lib/dockcred-ci/wine/python")
"""python.org's embeddable package, as .ci/wine.sh unpacks it."""
NODE = "dockcred-node-0.1.0-amd64.tgz"


def build(source: Path, target: Path, *what: str, **variables: str) -> None:
    """Build a source tree into a new directory."""
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
    """Write the bills of materials beside the files of a release."""
    return subprocess.run(
        [sys.executable, "-W", "error", ROOT / "packaging/attest/sbom.py", dist],
        env={"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": COMMIT_TIME},
        capture_output=True,
        text=True,
        check=False,
    )
