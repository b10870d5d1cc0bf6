"""Fixtures: a person in the sandbox cloud who runs `dockcred refresh`."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from unittest import mock

import pytest
from click.testing import CliRunner
from support.program import BUSY_S, Answer, Program, wait_until
from support.real import missing

from dockcred.commands import main
from dockcred.testing.sandbox import Sandbox

from .api_server import BINARY, ApiServer

_numbers = itertools.count(1)


class Keeper:
    """A person's variables, and their file of targets."""

    def __init__(
        self,
        program: Program | InProcess,
        environment: dict[str, str],
        home: Path,
    ) -> None:
        self.program = program
        self.environment = environment
        self.home = home
        self.file = home / "refresh.toml"

    def wants(self, *targets: dict[str, object]) -> None:
        """Write the file; JSON strings, lists and numbers are valid TOML, too."""
        lines = []
        for target in targets:
            lines.append("[[target]]")
            for name, value in target.items():
                lines.append(f"{name} = {_toml(value)}")
        self.file.write_text("\n".join(lines) + "\n")

    def run(self, *options: str) -> Answer:
        return self.program(
            "refresh", *options, str(self.file), environment=self.environment
        )

    def once(self) -> list[str]:
        """Run `refresh --once`, which must succeed; return the lines of stdout."""
        done = self.run("--once")
        assert (done.status, done.stderr) == (0, b""), done.stderr
        return done.stdout.decode().splitlines()

    def fails(self, *options: str) -> list[str]:
        """Run it; it must fail with error lines alone. Return them without prefix."""
        done = self.run(*options)
        assert done.status == 1, (done.stdout, done.stderr)
        lines = done.stderr.decode().splitlines()
        assert all(line.startswith("dockcred: ") for line in lines), done.stderr
        return [line.removeprefix("dockcred: ") for line in lines]

    def start(self, *options: str) -> Running:
        log = self.home / f"loop-{next(_numbers)}.log"
        with log.open("wb") as output:
            process = self.program.start(
                "refresh",
                *options,
                str(self.file),
                environment=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return Running(process, log)


class InProcess:
    """`dockcred` in this process: so the Kubernetes client is imported only once."""

    def __call__(self, *arguments: str, environment: dict[str, str]) -> Answer:
        with mock.patch.dict(os.environ, environment, clear=True):
            done = CliRunner().invoke(main, arguments)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Answer(done.exit_code, done.stdout_bytes, done.stderr_bytes, 0.0)


class Running:
    """A running loop. At the end of the `with` block SIGTERM must end it with 0."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def said(self) -> list[str]:
        return self._log.read_text().splitlines()

    def says(self, word: str, times: int = 1, seconds: float = BUSY_S) -> None:
        """Wait until so many lines of its output have the word."""

        def enough() -> bool:
            assert self.process.poll() is None, self.said
            return sum(word in line for line in self.said) >= times

        wait_until(enough, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(BUSY_S)
        finally:
            self.process.kill()
        assert status == 0, self.said


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in value.items())
            + "}"
        )
    return json.dumps(value)


@pytest.fixture
def make_keeper(helper_bin: Path, tmp_path: Path):
    """Return a function that makes a Keeper; with `inside` it uses InProcess."""

    def make(cloud: Sandbox, *, inside: bool = False, **more: str) -> Keeper:
        program = InProcess() if inside else Program(str(helper_bin / "dockcred"))
        home = tmp_path / f"keeper-{next(_numbers)}"
        home.mkdir()
        return Keeper(program, cloud.environment() | more, home)

    return make


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def brief_cloud() -> Iterator[Sandbox]:
    """A cloud whose passwords expire after five seconds."""
    with Sandbox(expires_s=5) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    if not BINARY.exists():
        missing(f"{BINARY} is not built; .ci/run builds it")
    server = ApiServer(tmp_path_factory.mktemp("kubernetes"))
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def namespaces(api: ApiServer) -> list[str]:
    """Create two namespaces for this test alone, with a label of their own."""
    number = next(_numbers)
    names = [f"team-{number}-a", f"team-{number}-b"]
    for name in names:
        metadata = {"name": name, "labels": {"test": f"t{number}"}}
        api.create({"kind": "Namespace", "metadata": metadata})
    return names
