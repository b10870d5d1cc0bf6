"""A launcher whose Python writes a mark, so that a test sees whether Python ran.

The mark is a file with the variables with which Python was started.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.program import BUSY_S
from support.real import program

PROGRAM = "docker-credential-ecr-login"
SHELLS = {"dash": ["dash"], "bash": ["bash"], "busybox": ["busybox", "sh"]}

_RENDER = """
import sys, sysconfig
from dockcred.protocol.launcher import render
from dockcred.providers.ecr import ECR
imports = tuple(dict.fromkeys([*sys.argv[2:], sysconfig.get_path("purelib")]))
print(render.launcher("docker-credential-ecr-login", sys.argv[1], imports, ECR()), end="")
"""
_MARKING = """#!/bin/sh
env >>'{mark}'
exec '{python}' "$@"
"""


@dataclass(frozen=True)
class Answer:
    """A launcher's status and output, and whether it started Python."""

    status: int
    stdout: bytes
    stderr: bytes
    by_python: bool


class Launched:
    """A launcher, which a test runs by the shell of its choice."""

    def __init__(self, helper_bin: Path, directory: Path) -> None:
        self.path = directory / PROGRAM
        self.mark = directory / "mark"
        self.python = directory / "python"
        real = os.path.realpath(helper_bin / "python")
        self.python.write_text(_MARKING.format(mark=self.mark, python=real))
        self.python.chmod(0o755)
        text = subprocess.run(
            [
                helper_bin / "python",
                "-I",
                "-c",
                _RENDER,
                self.python,
                *_roots(helper_bin),
            ],
            capture_output=True,
            check=True,
        ).stdout
        self.path.write_bytes(text)
        self.path.chmod(0o755)

    def __call__(
        self,
        stdin: bytes,
        environment: Mapping[str, str],
        *,
        shell: str = "dash",
        verb: str = "get",
        before: tuple[str, ...] = (),
    ) -> Answer:
        self.mark.unlink(missing_ok=True)
        first, *rest = SHELLS[shell]
        done = subprocess.run(
            [*before, program(first), *rest, self.path, verb],
            input=stdin,
            env=environment,
            capture_output=True,
            timeout=BUSY_S,
            check=False,
        )
        by_python = self.mark.exists()
        return Answer(done.returncode, done.stdout, done.stderr, by_python)

    def plain_twin(self, stdin: bytes, environment: Mapping[str, str]) -> Answer:
        """Run Python as the launcher does, without the front (its shell part)."""
        text = self.path.read_text()
        code = text.partition("-I -S -c '")[2].partition("'")[0]
        done = subprocess.run(
            [self.python, "-I", "-S", "-c", code, "get"],
            input=stdin,
            env=environment,
            capture_output=True,
            timeout=BUSY_S,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr, by_python=True)


def _roots(helper_bin: Path) -> list[str]:
    """Return the import directories of dockcred, of the helper and of botocore."""
    code = (
        "import os, dockcred, botocore, docker_credential_ecr_login as h;"
        "print(os.path.dirname(os.path.dirname(dockcred.__file__)));"
        "print(os.path.dirname(h.__file__));"
        "print(os.path.dirname(os.path.dirname(botocore.__file__)))"
    )
    done = subprocess.run(
        [helper_bin / "python", "-I", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()
