"""Start programs that write files in a pid namespace of their own, by starter.py."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.program import BUSY_S
from support.real import missing

STARTER = Path(__file__).with_name("starter.py")
PID = 2
"""The pid of every program in its pid namespace, whose first process is the starter."""


@dataclass(frozen=True)
class Ended:
    """A program's exit status, its output, and its system calls by strace."""

    status: int
    stdout: bytes
    stderr: bytes
    calls: list[str]


@dataclass(frozen=True)
class Start:
    """One of our programs to start: arguments, variables, stdin, working directory."""

    program: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    stdin: bytes = b""
    directory: Path = Path("/")

    def request(self, place: Path, name: str) -> dict[str, object]:
        """Return the request for the starter; files of this name are the streams."""
        (place / f"{name}.stdin").write_bytes(self.stdin)
        streams = ("stdin", "said", "complained")
        return {stream: str(place / f"{name}.{stream}") for stream in streams} | {
            "program": self.program,
            "argv": self.argv,
            "environment": dict(self.environment),
            "directory": str(self.directory),
        }

    def ended(
        self, place: Path, name: str, status: int, calls: list[str] | None = None
    ) -> Ended:
        """Return how the program ended, with its output from its files."""
        said, complained = place / f"{name}.said", place / f"{name}.complained"
        return Ended(status, said.read_bytes(), complained.read_bytes(), calls or [])


class Table:
    """Runs our programs by the starter: one after the other, or at the same moment."""

    def __init__(self, process: subprocess.Popen[str], place: Path) -> None:
        self._process = process
        self._place = place

    def run(
        self,
        program: str,
        *argv: str,
        environment: Mapping[str, str],
        directory: Path,
        stdin: bytes = b"",
        traced: bool = False,
        inject: str = "",
        learn: bool = False,
    ) -> Ended:
        """Run a program to its end, with pid PID; `traced` collects its system calls.

        `inject` are further options of strace. `learn` makes the next run fast.
        """
        log, modules = self._place / "log", self._place / "modules"
        for file in (log, modules):
            file.unlink(missing_ok=True)
        start = Start(program, argv, environment, stdin, directory)
        answer = self._ask(
            start.request(self._place, "one")
            | {
                "same_pid": True,
                "log": str(log) if traced or inject else "",
                "inject": inject,
                "modules": str(modules) if learn else "",
            }
        )
        assert not answer["late"], (program, argv, inject)
        assert answer["pid"] == PID, "the pid was not free"
        calls = log.read_text(errors="replace").splitlines() if log.exists() else []
        return start.ended(self._place, "one", answer["status"], calls)

    def learn(self, start: Start) -> Ended:
        """Run a program to its end, and make the next run fast."""
        request = start.request(self._place, "one")
        answer = self._ask(request | {"modules": str(self._place / "modules")})
        return start.ended(self._place, "one", answer["status"])

    def run_together(self, starts: list[Start]) -> list[Ended]:
        """Start all programs at the same moment, and wait until all have ended."""
        numbered = [(start, str(number)) for number, start in enumerate(starts)]
        statuses = self._ask([s.request(self._place, n) for s, n in numbered])
        return [
            start.ended(self._place, name, status)
            for (start, name), status in zip(numbered, statuses, strict=True)
        ]

    def _ask(self, request: Any) -> Any:
        print(json.dumps(request), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        assert line, "the starter has ended"
        return json.loads(line)


@contextmanager
def crowds(place: Path) -> Iterator[Table]:
    """Yield a Table in this machine's own pid namespace, for `run_together`."""
    with _started([], place) as found:
        yield found


@contextmanager
def process_table(place: Path, *first: str) -> Iterator[Table]:
    """Yield a Table in its own pid namespace; skip the test without strace or root.

    `first` is a command that prepares the mounts and then runs its further arguments.
    """
    if not shutil.which("strace"):
        missing("strace is not installed")
    if os.geteuid() != 0:
        missing("a process table of one's own needs root")
    command = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    attach = [*command, "strace", "-o", "/dev/null", "true"]
    tried = subprocess.run(attach, capture_output=True, check=False)
    if tried.returncode:
        missing("strace may not trace in a process table of its own here")
    with _started([*command, *first], place) as found:
        yield found


@contextmanager
def _started(before: list[str], place: Path) -> Iterator[Table]:
    with subprocess.Popen(
        [*before, sys.executable, str(STARTER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Table(process, place)
        finally:
            process.stdin.close()
            process.wait(BUSY_S)
