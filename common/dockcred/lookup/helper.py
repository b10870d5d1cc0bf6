"""A `docker-credential-*` program on a PATH: found as exec finds it, and asked."""

from __future__ import annotations

import json
import os
import subprocess
import time

from dockcred.credential import Credential

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

PREFIX = "docker-credential-"
NOT_FOUND = "credentials not found in native keychain"


def candidates(program: str, path: str) -> list[str]:
    """Answer each file or link of that name on a PATH, in the order of search."""
    found = [os.path.join(directory, program) for directory in path.split(":")]
    return [file for file in dict.fromkeys(found) if os.path.lexists(file)]


def chosen(program: str, path: str) -> str:
    """Answer the file that would run: the first that may; nothing where none may."""
    for file in candidates(program, path):
        if os.path.isfile(file) and os.access(file, os.X_OK):
            return file
    return ""


class Answer:
    """What a helper did; `problem` says why it has not run or gave no credential.

    `credential` is None for "not found", where the client goes on anonymously, and
    wherever there is a problem.
    """

    __slots__ = ("credential", "problem", "seconds")

    def __init__(
        self, credential: Credential | None, problem: str, seconds: float
    ) -> None:
        self.credential = credential
        self.problem = problem
        self.seconds = seconds


def ask(file: str, key: str, environment: Environment, timeout_s: float) -> Answer:
    """Run `get` as a client does: its variables, the key on stdin without newline."""
    start = time.monotonic()
    try:
        done = subprocess.run(
            [file, "get"],
            input=key.encode(),
            env=environment.set_values(),
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(None, f"it did not answer within {timeout_s:g} s", timeout_s)
    except OSError as error:
        return Answer(None, f"it cannot be run: {error.strerror}", 0.0)
    seconds = time.monotonic() - start
    said = _line(done.stdout)
    if done.returncode != 0:
        if said == NOT_FOUND:
            return Answer(None, "", seconds)
        said = said or _line(done.stderr) or "nothing"
        if '"Secret"' in said:
            said = f"it printed a credential and ended with {done.returncode}"
        return Answer(None, said, seconds)
    credential, problem = _read(done.stdout)
    return Answer(credential, problem, seconds)


def _read(text: bytes) -> tuple[Credential | None, str]:
    """Read the answer as the strictest client does; never quote it, it is a secret."""
    try:
        found = json.loads(text)
        username, secret = found["Username"], found["Secret"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None, "it succeeded and printed something else than a credential"
    if not isinstance(username, str) or not isinstance(secret, str):
        return None, "its answer has a value that is not a text"
    return (Credential(username, secret), "") if username or secret else (None, "")


def _line(output: bytes) -> str:
    """Answer what was said, in one line of bounded length."""
    text = " ".join(output.decode("utf-8", "replace").split())
    return "".join(c for c in text if c.isprintable())[:500]
