"""Run an installed program under exactly the variables that a test names."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "123456789012"
HOST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
PUBLIC = "public.ecr.aws"
NOT_FOUND = b"credentials not found in native keychain\n"

BUSY_S = float(os.environ.get("DOCKCRED_BUSY_S", "90"))
"""How many seconds later than on an idle machine an event may come.

CI runs the suite on two cores that others use too. A step of one second has taken
thirty seconds there. So a test waits this long, in addition to the program's own limit;
only an event that never comes takes that long. Mutation tests set less, as there it
often does.
"""
HARD_LIMIT_S = 30 + BUSY_S
LONG_S = 2 * HARD_LIMIT_S
"""How long a fault makes a program wait, so that a test notices it on a busy machine."""


@dataclass(frozen=True)
class Answer:
    """What one call printed, how it ended and how long it took."""

    status: int
    stdout: bytes
    stderr: bytes
    seconds: float

    @property
    def password(self) -> str:
        assert self.status == 0, (self.stdout, self.stderr)
        return json.loads(self.stdout)["Secret"]

    @property
    def said(self) -> str:
        """The line of a failure: on stdout, and after the program's name on stderr."""
        assert self.status == 1, (self.stdout, self.stderr)
        assert self.stdout.count(b"\n") == 1, self.stdout
        name, _, rest = self.stderr.partition(b": ")
        assert name.startswith(b"docker-credential-"), self.stderr
        assert rest == self.stdout
        return self.stdout.decode("ascii").removesuffix("\n")


@dataclass(frozen=True)
class Program:
    """One program by its absolute path; it inherits nothing from the test's process."""

    path: str

    def __call__(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        stdin: bytes = b"",
        **options,
    ) -> Answer:
        started = time.monotonic()
        done = subprocess.run(
            [self.path, *arguments],
            input=stdin,
            env=environment,
            capture_output=True,
            timeout=HARD_LIMIT_S,
            check=False,
            **options,
        )
        seconds = time.monotonic() - started
        return Answer(done.returncode, done.stdout, done.stderr, seconds)

    def start(
        self, *arguments: str, environment: Mapping[str, str], **options
    ) -> subprocess.Popen[bytes]:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(
            [self.path, *arguments], env=environment, **(pipes | options)
        )

    def get(self, environment: Mapping[str, str], host: str = HOST, **options):
        return self("get", environment=environment, stdin=host.encode(), **options)

    def with_run(self, directory: Path) -> Program:
        """Return a script that runs this program with the directory mounted as /run.

        The mount is the program's own. For root: without a home, root's cache is in
        /run. The test needs the fixture `own_mounts`.
        """
        words = shlex.join((str(directory), self.path))
        script = directory.with_suffix(".sh")
        script.write_text(
            "#!/bin/sh\nexec unshare --mount sh -euc "
            f"""'mount --bind "$0" /run; exec "$@"' {words} "$@"\n"""
        )
        script.chmod(0o700)
        return Program(str(script))

    def get_together(
        self, environment: Mapping[str, str], hosts: Sequence[str]
    ) -> list[Answer]:
        """Ask for all hosts at once: start all programs, then send the hosts."""
        running = [self.start("get", environment=environment) for _ in hosts]
        for process, host in zip(running, hosts, strict=True):
            process.stdin.write(host.encode())
            process.stdin.flush()
        for process in running:
            process.stdin.close()
            process.stdin = None
        answers = []
        for process in running:
            stdout, stderr = process.communicate(timeout=HARD_LIMIT_S)
            answers.append(Answer(process.returncode, stdout, stderr, 0.0))
        return answers


def wait_until(condition, seconds: float = BUSY_S):
    """Wait until condition() is true; return its value. Fail after so many seconds."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {condition}")


def processes_of(program: str) -> list[int]:
    """Return the pids of processes with this text in their command line, no zombies."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read()
        except OSError:
            continue
        if program.encode() in words and int(pid) != os.getpid():
            found.append(int(pid))
    return found


def with_system_path(environment: dict[str, str]) -> dict[str, str]:
    """Return the variables with the system's PATH instead of the test process's own.

    On that PATH there may be an `az` or `gcloud` with somebody's login, or a broken
    one.
    """
    if environment.get("PATH") != os.environ.get("PATH"):
        return environment
    return environment | {"PATH": "/usr/bin:/bin"}
