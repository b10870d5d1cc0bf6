"""Run Python for Windows under Wine, with the wheel installed by its pip.

`.ci/wine.sh` makes the parts that do not change. The loopback is shared with Linux,
where the sandbox runs.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from support import once, real
from support.program import Answer
from support.release import WINDOWS_PYTHON

from dockcred.testing.sandbox import Sandbox

from .journal import STARTS, Journal

PLACE = WINDOWS_PYTHON.parent
ROOT = Path(__file__).parents[2]
QUIET = {
    "WINEDEBUG": "-all",
    "WINEDLLOVERRIDES": "mscoree,mshtml=;advapi32=n",
    "LC_ALL": "C.UTF-8",  # else Wine does not see names with non-ASCII letters
}
_TIMEOUT_S = 60
LONG_S = 600  # for many programs in one
_MANY = """
import json, os, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from glob import glob

def run(case):
    command, text, variables, ends_after_s, ends_by = case
    told = {n: v for n, v in {**os.environ, **variables}.items() if v is not None}
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    began = time.monotonic()
    process = subprocess.Popen(command, env=told, **pipes)
    with ThreadPoolExecutor(1) as talking:
        said = talking.submit(process.communicate, text.encode("latin-1"))
        if ends_after_s is not None:
            while not said.done() and time.monotonic() < began + ends_after_s:
                if ends_by and glob(ends_by):
                    break
                time.sleep(0.001)
            process.kill()
        stdout, stderr = (each.decode("latin-1") for each in said.result())
    return process.returncode, stdout, stderr, time.monotonic() - began

at_once, cases = json.load(sys.stdin)
with ThreadPoolExecutor(at_once) as pool:
    json.dump(list(pool.map(run, cases)), sys.stdout)
"""
"""Code for one Python for Windows that runs many programs with given variables. If a
program is started from Linux, Wine replaces the variables of the home."""


class Case(NamedTuple):
    """One program to run; a variable that is None is not set.

    It is ended by TerminateProcess after `ends_after_s` seconds, or as soon as a file
    matches the pattern `ends_by`.
    """

    program: str
    arguments: tuple[str, ...]
    text: str | bytes
    variables: Mapping[str, str | None]
    ends_after_s: float | None = None
    ends_by: str = ""


class Windows:
    """Runs programs as pip for Windows has installed them."""

    def __init__(self, scripts: Path, log: Path = Path(os.devnull)) -> None:
        self.scripts = scripts
        self.journal = Journal(log)
        self.tell: Callable[[str, str], None] = lambda heading, line: None
        self.variables = QUIET | {
            "WINEPREFIX": str(PLACE / "prefix"),
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "TESTS_JOURNAL": self.path(log),
        }

    @property
    def profile(self) -> Path:
        """The home of Wine's user; Wine sets its variables, whatever we pass."""
        (profile,) = (
            path
            for path in (PLACE / "prefix/drive_c/users").iterdir()
            if path.name != "Public"
        )
        return profile

    @property
    def interpreter(self) -> Path:
        """The Python for Windows in which the programs are installed."""
        return self.scripts.parent / "python.exe"

    def path(self, path: Path) -> str:
        """Return a path of this machine as a path for Windows programs."""
        return f"Z:{path}".replace("/", "\\")

    def run(
        self,
        program: str,
        *arguments: str,
        text: str | bytes = "",
        variables: Mapping[str, str] | None = None,
    ) -> Answer:
        """Run a program's shim to its end, by pipes: Wine's Python cannot use files."""
        return self._run([self.scripts / f"{program}.exe", *arguments], text, variables)

    def other(self, program: Path, *arguments: str, text: str | bytes = "") -> Answer:
        """Run a Windows program that is not ours."""
        return self._run([program, *arguments], text)

    def python(
        self,
        code: str,
        *arguments: str,
        text: str = "",
        variables: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Answer:
        """Run code in the Python in which the programs are installed."""
        return self._run(
            [self.interpreter, "-c", code, *arguments], text, variables, timeout_s
        )

    def many(self, cases: Sequence[Case], at_once: int = 1) -> list[Answer]:
        """Run programs as children of one Python, `at_once` of them in parallel."""
        return [
            self._settled(name, answer, partial(self._one, case))
            if case.ends_after_s is None
            else answer
            for case, (name, answer) in zip(
                cases, self._many(cases, at_once), strict=True
            )
        ]

    def _one(self, case: Case) -> tuple[str, Answer]:
        (ran,) = self._many([case], 1)
        return ran

    def _many(self, cases: Sequence[Case], at_once: int) -> list[tuple[str, Answer]]:
        begins = self.journal.begins
        names = [begins(" ".join((each.program, *each.arguments))) for each in cases]
        asked = [
            (
                [self.path(self.scripts / f"{each.program}.exe"), *each.arguments],
                _bytes(each.text).decode("latin-1"),
                {**each.variables, "TESTS_RUN": name},
                each.ends_after_s,
                each.ends_by,
            )
            for each, name in zip(cases, names, strict=True)
        ]
        told = self.python(_MANY, text=json.dumps((at_once, asked)), timeout_s=LONG_S)
        assert told.status == 0, told
        answers = [
            Answer(status, stdout.encode("latin-1"), stderr.encode("latin-1"), seconds)
            for status, stdout, stderr, seconds in json.loads(told.stdout)
        ]
        return list(zip(names, answers, strict=True))

    def _run(
        self,
        command: list[str | Path],
        text: str | bytes = "",
        variables: Mapping[str, str] | None = None,
        timeout_s: float = _TIMEOUT_S,
    ) -> Answer:
        once = partial(self._once, command, text, variables, timeout_s)
        return self._settled(*once(), once)

    def _settled(
        self, name: str, answer: Answer, again: Callable[[], tuple[str, Answer]]
    ) -> Answer:
        """Return an answer; run what Wine did not begin once more, and print that."""
        if not self.journal.has_begun(name, answer):
            self.tell("what Wine did not begin, and was run once more", name)
            name, answer = again()
        return self.journal.ended(name, answer)

    def _once(
        self,
        command: list[str | Path],
        text: str | bytes,
        variables: Mapping[str, str] | None,
        timeout_s: float,
    ) -> tuple[str, Answer]:
        began = time.monotonic()
        name = self.journal.begins(" ".join(map(str, command)))
        done = subprocess.run(
            ["wine", *map(str, command)],
            input=_bytes(text),
            capture_output=True,
            env={**(variables or {}), **self.variables, "TESTS_RUN": name},
            timeout=timeout_s,
            check=False,
        )
        seconds = time.monotonic() - began
        return name, Answer(done.returncode, done.stdout, done.stderr, seconds)

    def get(self, program: str, host: str, variables: Mapping[str, str]) -> Answer:
        """Run a helper's `get` for a host."""
        return self.run(program, "get", text=f"{host}\n", variables=variables)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@pytest.fixture(scope="session")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Windows]:
    """Yield the programs. The wineserver keeps running: its start is Windows' boot."""
    if not (PLACE / "stamp").exists():
        real.missing("there is no Windows' Python under Wine (.ci/wine.sh)")
    real.program("wine")
    if (PLACE / "prefix").stat().st_uid != os.geteuid():
        real.missing("the prefix of Wine is another user's")
    environment = {**os.environ, **QUIET, "WINEPREFIX": str(PLACE / "prefix")}
    quiet = {"env": environment, "stdin": subprocess.DEVNULL}
    quiet |= dict.fromkeys(("stdout", "stderr"), subprocess.DEVNULL)
    journal = once.run_directory(tmp_path_factory) / "wine.log"
    # Wait for another test run: its end kills the wineserver and all its programs.
    with (
        once.alone(tmp_path_factory, PLACE / "run"),
        once.shared(tmp_path_factory, "wineserver") as last,
    ):
        # If another worker has started a wineserver, this one ends at once.
        with open(journal, "ab") as told:
            heard = {**quiet, "stderr": told}
            subprocess.run(["wineserver", "--persistent=60"], check=False, **heard)
        subprocess.run(["wineboot"], check=False, timeout=_TIMEOUT_S, **quiet)
        place = once.make_once(tmp_path_factory, "windows", _install)
        yield Windows(place / "python/Scripts", journal)
        if last():
            for how in ("--kill", "--wait"):
                subprocess.run(["wineserver", how], check=False, **quiet)


@pytest.fixture(autouse=True)
def _told(request: pytest.FixtureRequest, tell: Callable[[str, str], None]) -> None:
    """Print programs that Wine did not begin under the name of this test."""
    if "windows" in request.fixturenames:
        request.getfixturevalue("windows").tell = tell


@pytest.fixture
def credentials(windows: Windows) -> Iterator[None]:
    """Hold a lock on Wine's only Credential Manager during a test."""
    with open(PLACE / "credentials.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(place: Path) -> None:
    wheels = place / "wheels"
    build = ("-m", "build", "--wheel", "--no-isolation", "-o", str(wheels), str(ROOT))
    subprocess.run(
        [sys.executable, *build], check=True, capture_output=True, timeout=300
    )
    shutil.copytree(PLACE / "python", place / "python", copy_function=os.link)
    (wheel,) = wheels.iterdir()
    environment = {**os.environ, **QUIET, "WINEPREFIX": str(PLACE / "prefix")}
    done = subprocess.run(
        [
            *("wine", str(place / "python/python.exe"), "-m", "pip", "install"),
            *("--no-index", "--no-deps", "--no-compile", f"Z:{wheel}"),
        ],
        stdin=subprocess.PIPE,
        capture_output=True,
        env=environment,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    (place / "python/Lib/site-packages/starts.pth").write_text(STARTS)


@pytest.fixture
def cloud() -> Iterator[Sandbox]:
    """A cloud on the loopback, without TLS."""
    with Sandbox() as sandbox:
        yield sandbox
