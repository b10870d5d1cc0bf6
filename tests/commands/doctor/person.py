"""A person whose docker fails, with a home, variables and programs; and the doctor."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
_TOOLS = (
    *("sh", "env", "cat", "cp", "mv", "rm", "ln", "mkdir", "rmdir", "touch"),
    *("chmod", "chown", "sed"),
)
_PIP = """\
import subprocess, sys
assert sys.argv[1:] == {words}
for link in {links}:
    subprocess.run(link, check=True)
"""


@dataclass(frozen=True)
class Problem:
    """A problem that the doctor has found: its text, and the remedy it prints."""

    text: str
    remedy: str
    fix: str

    @property
    def printed(self) -> str:
        """Return the remedy as it is printed."""
        return "; ".join(filter(None, (self.fix, self.remedy)))

    @property
    def command(self) -> str:
        """Return the shell command in the remedy; "" if the remedy has none."""
        if self.fix:
            return self.fix
        found = re.search(r"\brun(?:: (.+)$| '([^']+)')", self.remedy)
        return (found[1] or found[2]) if found else ""


class Told:
    """The result of one run of the doctor."""

    def __init__(self, ran: subprocess.CompletedProcess[str]) -> None:
        self.said = ran.stdout + ran.stderr
        try:
            found = json.loads(ran.stdout)
        except ValueError:
            pytest.fail(f"the doctor prints no JSON: {self.said}")
        self.status = ran.returncode
        self.verdict = found["verdict"]
        order = {"error": 0, "warning": 1}
        problems = [f for f in found["findings"] if f["severity"] in order]
        problems.sort(key=lambda f: order[f["severity"]])
        self.problems = [Problem(f["text"], f["remedy"], f["fix"]) for f in problems]


@dataclass
class Person:
    """Someone with `dockcred` and our helpers on PATH, and no identity."""

    home: Path
    programs: Path
    cloud: Sandbox
    variables: dict[str, str] = field(default_factory=dict)
    host: str = ""
    shell: str = "/bin/sh"
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    inside: Sequence[str] = ()
    """A prefix of every command, to run it in another namespace."""
    said: str = ""
    """The remedy that the doctor printed."""
    command: str = ""
    """The shell command in `said`."""
    before: Sequence[str] = ()
    """A prefix of the doctor's command, which takes rights from it."""

    def __post_init__(self) -> None:
        tools, helpers = self.home / "tools", self.home / "helpers"
        for directory in (self.home / "bin", tools, helpers):
            directory.mkdir()
        for name in _TOOLS:
            if found := shutil.which(name, path="/usr/bin:/bin"):
                (tools / name).symlink_to(found)
        (tools / "dockcred").symlink_to(self.programs / "dockcred")
        for program in self.programs.glob("docker-credential-*"):
            (helpers / program.name).symlink_to(program)
        self.variables |= {
            "HOME": str(self.home),
            "PATH": f"{self.home}/bin:{helpers}:{tools}",
            "LANG": "C.UTF-8",
            "USER": "me",
        }

    def write(self, name: str, content: object, mode: int = 0o600) -> Path:
        """Write a file below the home: a str as it is, all else as JSON."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text)
        path.chmod(mode)
        return path

    def docker(self, content: object) -> Path:
        """Write docker's config.json."""
        return self.write(".docker/config.json", content)

    def toml(self, text: str) -> Path:
        """Write config.toml."""
        return self.write(".config/dockcred/config.toml", text)

    def program(self, name: str, text: str) -> Path:
        """Put a script into ~/bin, which is first on PATH."""
        return self.write(f"bin/{name}", f"#!/bin/sh\n{text}\n", 0o755)

    def take_away(self, name: str) -> None:
        """Take one of our helpers from PATH."""
        (self.home / f"helpers/docker-credential-{name}").unlink()

    def install_without(self, extra: str, *libraries: str) -> None:
        """Install all in a new venv, except the libraries of an extra.

        The venv's pip is a stub that can only install that extra.
        """
        venv = self.home / "venv"
        asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
        self.succeed(sys.executable, "-m", "venv", "--without-pip", str(venv))
        ours, theirs = (
            Path(self.succeed(str(place / "python"), "-c", asked).strip())
            for place in (self.programs, venv / "bin")
        )
        for path in ours.iterdir():
            if path.name not in {"pip", *libraries}:
                (theirs / path.name).symlink_to(path)
        links = [["ln", "-s", str(ours / n), str(theirs / n)] for n in libraries]
        text = _PIP.format(words=["install", f"dockcred[{extra}]"], links=links)
        self.write(str(theirs.relative_to(self.home) / "pip/__main__.py"), text)
        for program in (
            *(self.home / "helpers").iterdir(),
            self.home / "tools/dockcred",
        ):
            name = program.name.replace("-", "_")
            module = "dockcred.commands" if name == "dockcred" else name
            program.unlink()
            program.write_text(
                f"#!{venv}/bin/python\nfrom {module} import main\nmain()\n"
            )
            program.chmod(0o755)

    def be(self, identity: str) -> None:
        """Take the files and the variables of one of the sandbox's identities."""
        found = self._prepared(identity)
        theirs = str(self.cloud.home / identity)
        shutil.copytree(theirs, self.home, dirs_exist_ok=True, symlinks=True)
        kept = {"HOME", "PATH", "USER", "LANG", "DOCKCRED_CACHE_DIR"}
        for name, value in found.items():
            if name not in kept and not name.startswith("XDG_"):
                self.variables[name] = value.replace(theirs, str(self.home))
        self.variables.pop("DOCKER_CONFIG", None)

    def stand_in(self, program: str, words: str, does: str) -> None:
        """Put a program into ~/bin that runs `does` for exactly these arguments."""
        quoted = shlex.quote(words)
        self.program(program, f'[ "$*" = {quoted} ] || exit 64\n{does}')

    def log_in_with(self, program: str, words: str, identity: str) -> None:
        """Put a program into ~/bin that logs this identity in, for these arguments."""
        self._prepared(identity)
        place = shlex.quote(f"{self.cloud.home / identity}/.")
        self.stand_in(program, words, f'cp -R {place} "$HOME"')

    def _prepared(self, identity: str) -> dict[str, str]:
        return self.cloud.environment(identity)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program with the person's variables."""
        found = shutil.which(words[0], path=self.variables["PATH"]) or words[0]
        return subprocess.run(
            [*self.inside, found, *words[1:]],
            env=self.variables,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a program that reads our pipe, and ends with the test."""
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        started = subprocess.Popen(words, text=True, **pipes)
        self.started.append(started)
        return started

    def succeed(self, *words: str) -> str:
        """Run a program that must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def type(self, line: str) -> None:
        """Run a line in the shell, and keep its changes of the variables."""
        kept = self.home / ".variables"
        self.succeed(self.shell, "-c", f"{line}\nenv -0 >{shlex.quote(str(kept))}")
        pairs = kept.read_text().split("\0")[:-1]
        self.variables = dict(pair.split("=", 1) for pair in pairs)
        kept.unlink()

    def asks(self, client: str, *options: str) -> tuple[str, ...]:
        """Return the command that runs the doctor on the host."""
        words = ("dockcred", "doctor", self.host, "--client", client)
        return (*self.before, *words, *options)

    def doctor(self, client: str) -> Told:
        """Run the installed doctor on the host."""
        return Told(self.run(*self.asks(client, "--json")))

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Return mode and content of all files of the home, without the cache."""
        found = {}
        for directory, names, files in os.walk(self.home):
            for name in (*names, *files):
                path = Path(directory, name)
                if ".cache" in path.parts or ".local" in path.parts:
                    continue
                where = str(path.relative_to(self.home))
                status = path.lstat()
                text = path.read_bytes() if path.is_file() else b""
                if path.is_symlink():
                    text = os.fsencode(path.readlink())
                found[where] = (stat.S_IMODE(status.st_mode), text)
        return found


@contextmanager
def person(programs: Path, cloud: Sandbox) -> Iterator[Person]:
    """Make a person for one test, whose home other users can enter too."""
    place = Path(tempfile.mkdtemp(prefix="dockcred-person-"))
    try:
        (place / "home").mkdir(mode=0o755)
        made = Person(place / "home", programs, cloud)
        yield made
    finally:
        for started in made.started:
            started.communicate(timeout=BUSY_S)
        for directory, _, _ in os.walk(place):
            os.chmod(directory, 0o700)
        shutil.rmtree(place, ignore_errors=True)
