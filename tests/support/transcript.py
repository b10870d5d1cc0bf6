"""Read transcripts: a file is a session with a program, and shows one behaviour.

    # text           a title; the first line names rows of the protocol's table
    @identity NAME   an identity of the sandbox (env-keys)
    @set NAME=VALUE  a variable on top of the identity's
    @fail KIND       a failure of the sandbox
    $ PROGRAM ARG    a call
    < TEXT           its stdin, with Python's escapes for bytes; no line end is added
    <* N TEXT        the same text N times
    > LINE           a line of its stdout
    ! LINE           a line of its stderr
    rc N             its exit status, which ends the call
    calls N          how often the cloud was called since the transcript began

Lines of stdout and stderr are exact. <password> and <version> stand for text that
differs between runs, <a*N> for N times the letter a.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from dockcred.system.version import __version__

_STANDS_FOR = {
    "<password>": "[A-Za-z0-9+/=]{1500,4000}",
    "<version>": re.escape(__version__),
}


@dataclass
class Call:
    """One call, with the output and the exit status that it must have."""

    words: list[str]
    stdin: bytes = b""
    stdout: str = ""
    stderr: str = ""
    status: int | None = None

    def agrees(self, status: int, stdout: bytes, stderr: bytes) -> bool:
        """Return whether status and output of a program are those of this call."""
        return (
            agrees(self.stdout, stdout)
            and agrees(self.stderr, stderr)
            and status == self.status
        )


@dataclass
class Transcript:
    """The calls of a file, in order; `asked` is the number of calls to the cloud."""

    title: str
    identity: str = "env-keys"
    variables: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    asked: int | None = None

    @property
    def rows(self) -> set[str]:
        """The rows of the protocol that the title names, such as A20 or A.10-5."""
        return set(re.findall(r"\bA(?:\.10-)?\d+\b", self.title))


def read(path: Path) -> Transcript:
    """Read a transcript; raise ValueError for an unknown kind of line."""
    lines = path.read_text(encoding="ascii").splitlines()
    found = Transcript(lines[0].removeprefix("# "))
    for line in lines[1:]:
        word, _, rest = line.partition(" ")
        match word:
            case "#" | "":
                pass
            case "@identity":
                found.identity = rest
            case "@set":
                name, _, value = rest.partition("=")
                found.variables[name] = value
            case "@fail":
                found.failures.append(rest)
            case "$":
                found.calls.append(Call(shlex.split(rest)))
            case "<":
                found.calls[-1].stdin += _bytes(rest)
            case "<*":
                times, _, text = rest.partition(" ")
                found.calls[-1].stdin += int(times) * _bytes(text)
            case ">":
                found.calls[-1].stdout += rest + "\n"
            case "!":
                found.calls[-1].stderr += rest + "\n"
            case "rc":
                found.calls[-1].status = int(rest)
            case "calls":
                found.asked = int(rest)
            case _:
                raise ValueError(f"{path.name}: {line}")
    return found


def agrees(expected: str, printed: bytes) -> bool:
    """Return whether a program printed what is expected, byte for byte."""
    pattern = re.escape(expected)
    for name, stands_for in _STANDS_FOR.items():
        pattern = pattern.replace(re.escape(name), stands_for)
    pattern = re.sub(r"<a\\\*(\d+)>", r"a{\1}", pattern)
    return re.fullmatch(pattern.encode(), printed) is not None


def _bytes(text: str) -> bytes:
    return text.encode().decode("unicode_escape").encode("latin-1")
