"""A fresh home, `dockcred`, and a helper that records what clients ask it for."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.program import BUSY_S

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"

# Each call appends "verb key". It never finds a login: all clients go on without one.
RECORDER = """#!/bin/sh
key=$(cat </dev/stdin | head -c 200)
printf '%s %s\\n' "$1" "$key" >>"{log}"
echo 'credentials not found in native keychain'
exit 1
"""

# Answers with the requested key as the secret.
ANSWER = """#!/bin/sh
printf '{"Username":"me","Secret":"%s"}' "$(cat)"
"""

Result = subprocess.CompletedProcess[str]


@dataclass(frozen=True)
class Person:
    """A person with an empty home, and `dockcred` and the helper `recorder` on PATH."""

    home: Path
    bin: Path

    @property
    def environment(self) -> dict[str, str]:
        ours = Path(sys.executable).parent
        return {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:{ours}:{SYSTEM_PATH}",
            "LANG": "C.UTF-8",
        }

    def run(self, *argv: str, stdin: str = "", **variables: str) -> Result:
        return subprocess.run(
            argv,
            input=stdin,
            env={**self.environment, **variables},
            cwd=self.home,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )

    def configure(self, *arguments: str, **variables: str) -> Result:
        """Run `dockcred configure`, which must succeed."""
        done = self.run("dockcred", "configure", *arguments, **variables)
        assert done.returncode == 0, done.stderr
        return done

    def refused(self, *arguments: str, **variables: str) -> str:
        """Run `dockcred configure`, which must fail; return its one line."""
        done = self.run("dockcred", "configure", *arguments, **variables)
        assert done.returncode == 1, done.stdout + done.stderr
        assert done.stdout == ""
        (line,) = done.stderr.splitlines()
        return line

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(mode)
        return path

    def asked(self) -> list[str]:
        """Return the recorded calls, and delete the record."""
        log = self.bin / "log"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Return each path of the home with its mode, and its bytes or link target."""
        found = {}
        for path in sorted(self.home.rglob("*")):
            if path.is_symlink():
                content = os.readlink(path).encode()
            else:
                content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (path.lstat().st_mode, content)
        return found


@pytest.fixture
def person(tmp_path: Path) -> Person:
    somebody = Person(tmp_path / "home", tmp_path / "bin")
    somebody.home.mkdir()
    somebody.bin.mkdir()
    recorder = somebody.bin / "docker-credential-recorder"
    recorder.write_text(RECORDER.format(log=somebody.bin / "log"))
    recorder.chmod(0o755)
    return somebody


@pytest.fixture
def somebody(person: Person) -> Person:
    """Return a person with a helper `answer` that has a login for every key."""
    program = person.bin / "docker-credential-answer"
    program.write_text(ANSWER)
    program.chmod(0o755)
    return person
