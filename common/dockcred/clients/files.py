"""The files and helpers that a client has, found as it finds them."""

from __future__ import annotations

import json
import os
import subprocess
import time

from dockcred import system
from dockcred.clients import go_json
from dockcred.credential import Credential
from dockcred.errors import InvalidInputError
from dockcred.system import child_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockcred.errors import DockcredError
    from dockcred.system.environment import Environment

READ, ABSENT, FORBIDDEN, NOT_A_FILE = "read", "absent", "forbidden", "not a file"
NOT_BELOW_A_DIRECTORY, NOT_JSON, WRONG = "not below a directory", "not JSON", "wrong"
_MAX_BYTES = 4 * 1024 * 1024
BEYOND_US = TOO_LARGE, TOO_DEEP = "larger than 4 MiB", "nested too deeply"
"""The states of a file that its client may read, and we do not."""


class ClientFile:
    """A file's path, how reading it went, and what it says.

    `content` may hold secrets and does not show in a repr; `detail` says where the
    JSON breaks.
    """

    __slots__ = ("content", "detail", "path", "state")

    def __init__(self, path: str) -> None:
        """Read the file; every failure is a state."""
        self.path = path
        self.content: Mapping[str, Any] = {}
        self.detail = ""
        self.state = self._read()

    def __repr__(self) -> str:
        """Show where it is and how reading it went."""
        return f"ClientFile({self.path!r}, {self.state!r})"

    @property
    def state_in_words(self) -> str:
        """Return the state, and the detail where there is one."""
        return f"{self.state} ({self.detail})" if self.detail else self.state

    def _read(self) -> str:
        try:
            with open(self.path, "rb") as file:
                data = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return ABSENT
        except NotADirectoryError:
            return NOT_BELOW_A_DIRECTORY
        except IsADirectoryError:
            return NOT_A_FILE
        except OSError:
            return FORBIDDEN
        if len(data) > _MAX_BYTES:
            return TOO_LARGE
        try:
            self.content = self.parse(data)
        except go_json.TooDeepError:
            return TOO_DEEP
        except go_json.BrokenJSONError as error:
            self.detail = error.place
            return NOT_JSON
        except json.JSONDecodeError as error:
            self.detail = f"line {error.lineno}"
            return NOT_JSON
        except InvalidInputError as error:
            self.detail = error.cause
            return WRONG
        except (ValueError, TypeError):
            return NOT_JSON
        except RecursionError:
            return TOO_DEEP
        return READ

    def parse(self, data: bytes) -> Mapping[str, Any]:
        """Return what the file says.

        Raises ValueError or TypeError for what its client cannot read, and
        InvalidInputError where a value of another type spoils the whole.

        A client that reads otherwise has a class of its own.
        """
        found = json.loads(data)
        if not isinstance(found, dict):
            raise TypeError
        return found

    def table(self, name: str) -> Mapping[str, Any]:
        """Return a table of the file; an empty one where there is none."""
        found = self.content.get(name)
        return found if isinstance(found, dict) else {}

    def text(self, name: str) -> str:
        """Return a text of the file; nothing where there is none."""
        found = self.content.get(name)
        return found if isinstance(found, str) else ""


class Found:
    """What a file says of a registry: a helper to ask, or an entry with a credential.

    `key` is where it stands, such as credHelpers["HOST"]. An entry may hold a secret
    and does not show in a repr; nor do `others`, what the client may take another time.
    `asks` is what the helper is asked for, where it is not the client's usual key.
    """

    __slots__ = ("asks", "entry", "helper", "key", "others", "path")

    def __init__(
        self,
        path: str,
        key: str,
        *,
        helper: str = "",
        entry: Mapping[str, Any] | None = None,
        asks: str = "",
    ) -> None:
        self.path = path
        self.asks = asks
        self.key = key
        self.helper = helper
        self.entry = entry
        self.others: list[Mapping[str, Any]] = []

    def __repr__(self) -> str:
        """Show where it stands."""
        return f"Found({self.path!r}, {self.key!r}, helper={self.helper!r})"


def line_of(found: Found) -> int:
    """Return the line on which a key stands in its file; 0 where it is not found so.

    The first line with its name behind its table's is good enough for a person.
    """
    table, _, rest = found.key.partition('["')
    try:
        with open(found.path, encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_BYTES)
    except OSError:
        return 0
    at = text.lower().find(f'"{table.lower()}"')
    if rest and at >= 0:
        at = text.find(json.dumps(rest.removesuffix('"]')), at)
    return text.count("\n", 0, at) + 1 if at >= 0 else 0


def where(found: Found) -> str:
    """Return a key and its line, as people are told."""
    line = line_of(found)
    return f"line {line}: {found.key}" if line else found.key


PREFIX = "docker-credential-"
NOT_FOUND = "credentials not found in native keychain"


def candidates(program: str, path: str) -> list[str]:
    """Return each file or link of that name on a PATH, in the order of search."""
    found = [
        os.path.join(directory, name)
        for directory in path.split(os.pathsep)
        for name in child_program.file_names(program)
    ]
    return [file for file in dict.fromkeys(found) if os.path.lexists(file)]


def program_of(file: str) -> str:
    """Return what a program's file is called by: on Windows without its ending."""
    name = os.path.basename(file)
    for ending in filter(None, system.EXECUTABLE):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def chosen(program: str, path: str) -> str:
    """Return the file that would run: the first that may; nothing where none may."""
    for file in candidates(program, path):
        if os.path.isfile(file) and os.access(file, os.X_OK):
            return file
    return ""


class HelperAnswer:
    """What a helper did; `problem` says why it has not run or gave no credential.

    `credential` is None for "not found", where the client goes on anonymously, and
    wherever there is a problem. `why` is for whoever finds out more than the helper
    says.
    """

    __slots__ = ("credential", "problem", "seconds", "why")

    def __init__(
        self, credential: Credential | None, problem: str, seconds: float
    ) -> None:
        self.credential = credential
        self.problem = problem
        self.seconds = seconds
        self.why: DockcredError | None = None


def ask(
    file: str, key: str, environment: Environment, timeout_s: float
) -> HelperAnswer:
    """Run `get` as a client does: its variables, the key on stdin without newline."""
    from dockcred.system import log  # noqa: PLC0415 - where a helper is asked

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
        return HelperAnswer(
            None, f"it did not answer within {timeout_s:g} s", timeout_s
        )
    except OSError as error:
        return HelperAnswer(None, f"it cannot be run: {error.strerror}", 0.0)
    seconds = time.monotonic() - start
    log.pass_on(done.stderr)
    said = _line(done.stdout)
    if done.returncode != 0:
        if said == NOT_FOUND:
            return HelperAnswer(None, "", seconds)
        said = said or _line(done.stderr) or "nothing"
        if '"Secret"' in said:
            said = f"it printed a credential and ended with {done.returncode}"
        return HelperAnswer(None, said, seconds)
    credential, problem = _read(done.stdout)
    return HelperAnswer(credential, problem, seconds)


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
    """Return what was said, in one line of bounded length."""
    text = " ".join(output.decode("utf-8", "replace").split())
    return "".join(c for c in text if c.isprintable())[:500]
