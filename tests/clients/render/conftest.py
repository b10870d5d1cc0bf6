"""Fixtures: a person with `dockcred` and a helper that knows one password."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.program import BUSY_S

from .logins import SECRET, USER

HELPER = f"""#!/bin/sh
read -r key
case $key in *nobody*) echo credentials not found in native keychain; exit 1;; esac
printf '{{"ServerURL":"%s","Username":"{USER}","Secret":"{SECRET}"}}' "$key"
"""

Result = subprocess.CompletedProcess[bytes]


@dataclass(frozen=True)
class Person:
    """A person whose logins are kept by docker-credential-kept."""

    home: Path
    dockcred: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": f"{self.home}/bin:/usr/bin:/bin",
            "DOCKCRED_STORE": "helper:kept",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *arguments: str, variables: Mapping[str, str] = {}, **how) -> Result:
        options = {"capture_output": True} | how
        return subprocess.run(
            [self.dockcred, *arguments],
            env={**self.environment, **variables},
            cwd=self.home,
            timeout=BUSY_S,
            check=False,
            **options,
        )

    def render(self, *arguments: str, **how) -> bytes:
        """Run `dockcred render`, which must succeed without stderr; return stdout."""
        done = self.run("render", *arguments, **how)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    def refused(self, *arguments: str, status: int = 1, **how) -> str:
        """Run `dockcred render`, which must fail without a secret; return stderr."""
        done = self.run("render", *arguments, **how)
        said = done.stderr.decode()
        assert (done.returncode, done.stdout or b"") == (status, b""), said
        assert SECRET not in said
        assert "Traceback" not in said
        return said


@pytest.fixture
def person(tmp_path: Path, helper_bin: Path) -> Person:
    helper = tmp_path / "bin/docker-credential-kept"
    helper.parent.mkdir()
    helper.write_text(HELPER)
    helper.chmod(0o755)
    return Person(tmp_path, str(helper_bin / "dockcred"))


@pytest.fixture
def terminal() -> tuple[int, int]:
    """Return the two ends of a pseudo terminal: ours, and the program's."""
    ours, theirs = os.openpty()
    yield ours, theirs
    os.close(ours)
    os.close(theirs)
