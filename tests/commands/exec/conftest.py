"""Fixtures: a person in the sandbox cloud who runs commands by `dockcred exec`."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import BUSY_S, HOST, Program, wait_until
from support.real import missing, require_own_mounts

from dockcred.testing.sandbox import Sandbox


class Caller:
    """A person's variables, and a directory in memory for this test alone."""

    def __init__(self, dockcred: Path, environment: dict[str, str], place: str) -> None:
        self.dockcred = dockcred
        self.place = place
        self.environment = environment | {
            "PATH": f"{dockcred.parent}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "XDG_RUNTIME_DIR": place,
        }

    @property
    def home(self) -> Path:
        return Path(self.environment["HOME"])

    def argv(self, *command: str, options=(), registries=(HOST,)) -> list[str]:
        named = [word for registry in registries for word in ("--registry", registry)]
        return [str(self.dockcred), "exec", *named, *options, "--", *command]

    def run(self, *command: str, options=(), registries=(HOST,), **more):
        """Run a command to its end."""
        argv = self.argv(*command, options=options, registries=registries)
        return self.does(argv, **more)

    def does(self, argv: list[str], **more):
        """Run anything with the caller's variables."""
        return subprocess.run(
            argv,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
            **more,
        )

    def says(self, script: str, **more) -> str:
        """Run a shell script that must succeed; return what it printed."""
        done = self.run("sh", "-c", script, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(
        self, *command: str, options=(), registries=(HOST,), **more
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*command, options=options, registries=registries),
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **more,
        )

    def password(self) -> str:
        """Ask for the password as a client would."""
        helper = self.dockcred.parent / "docker-credential-auto"
        return Program(str(helper)).get(self.environment).password

    def left(self) -> list[str]:
        return os.listdir(self.place)

    def leaves_nothing(self) -> bool:
        """Wait until `place` is empty: no other process waits for the watcher."""
        return bool(wait_until(lambda: not self.left()))


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def place() -> Iterator[str]:
    if not os.access("/dev/shm", os.W_OK):
        missing("/dev/shm is not for us")
    with tempfile.TemporaryDirectory(prefix="dockcred-test-", dir="/dev/shm") as name:
        yield name


@pytest.fixture
def caller(helper_bin: Path, cloud: Sandbox, place: str) -> Caller:
    return Caller(helper_bin / "dockcred", cloud.environment(), place)


@pytest.fixture
def root() -> None:
    """Skip unless the test can mount, and give a directory to another owner."""
    require_own_mounts()


def in_mounts(mounts: str, *argv: str) -> list[str]:
    """Return a command that runs `argv` in a mount namespace, after `mounts`."""
    return ["unshare", "--mount", "sh", "-euc", f'{mounts}; exec "$@"', "sh", *argv]
