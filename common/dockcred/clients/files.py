"""Find and read a client's files and helpers in the same way as the client."""

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
"""The states of a file that its client may be able to read, and we are not."""


class ClientFile:
    """A file's path, the state after reading it, and its content.

    `content` may have secrets, so a repr does not show it. `detail` says where the
    JSON is wrong.
    """

    __slots__ = ("content", "detail", "path", "state")

    def __init__(self, path: str) -> None:
        """Read the file; a failure is not raised, but becomes the state."""
        self.path = path
        self.content: Mapping[str, Any] = {}
        self.detail = ""
        self.state = self._read()

    def __repr__(self) -> str:
        """Show the path and the state."""
        return f"ClientFile({self.path!r}, {self.state!r})"

    @property
    def state_in_words(self) -> str:
        """Return the state, with the detail if there is one."""
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
        """Return the file's content. A client with other rules has a subclass.

        Raises ValueError or TypeError if the client cannot read it, and
        InvalidInputError if one value of a wrong type makes the whole file useless.
        """
        found = json.loads(data)
        if not isinstance(found, dict):
            raise TypeError
        return found

    def table(self, name: str) -> Mapping[str, Any]:
        """Return a table of the file, or an empty one."""
        found = self.content.get(name)
        return found if isinstance(found, dict) else {}

    def text(self, name: str) -> str:
        """Return a string of the file, or ""."""
        found = self.content.get(name)
        return found if isinstance(found, str) else ""


class Found:
    """What a file has for a registry: a helper to ask, or an entry with a credential.

    `key` is its place in the file, such as credHelpers["HOST"]. `entry` may have a
    secret, so a repr does not show it, nor `others`: entries that the client may take
    instead, by chance. `asks` is the key for the helper, if it is not the client's
    usual one.
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
        """Show its place and the helper."""
        return f"Found({self.path!r}, {self.key!r}, helper={self.helper!r})"


def line_of(found: Found) -> int:
    """Return the line number of a key in its file, or 0 if it is not found.

    This is a guess for people: the first line with the key's name after its table's.
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
    """Return a key with its line number, for people."""
    line = line_of(found)
    return f"line {line}: {found.key}" if line else found.key


PREFIX = "docker-credential-"
NOT_FOUND = "credentials not found in native keychain"


def candidates(program: str, path: str) -> list[str]:
    """Return each file or link with a program's name on a PATH, in search order."""
    found = [
        os.path.join(directory, name)
        for directory in path.split(os.pathsep)
        for name in child_program.file_names(program)
    ]
    return [file for file in dict.fromkeys(found) if os.path.lexists(file)]


def program_of(file: str) -> str:
    """Return the program's name for its file: on Windows without the ending."""
    name = os.path.basename(file)
    for ending in filter(None, system.EXECUTABLE):
        if name.lower().endswith(ending):
            return name[: -len(ending)]
    return name


def chosen(program: str, path: str) -> str:
    """Return the first executable file for a program on a PATH, or ""."""
    for file in candidates(program, path):
        if os.path.isfile(file) and os.access(file, os.X_OK):
            return file
    return ""


class HelperAnswer:
    """A helper's answer; `problem` says why it did not run or gave no credential.

    `credential` is None for "not found", after which the client goes on anonymously,
    and for a problem. `seconds` is how long it took. A caller may set `why` to an error
    that explains more than the helper did.
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
    """Run a helper's `get` as a client does, and return its answer.

    It gets these variables, and the key on stdin without a newline.
    """
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
    """Return the credential and a problem, by the rules of the strictest client.

    The problem never quotes the answer, which is secret.
    """
    try:
        found = json.loads(text)
        username, secret = found["Username"], found["Secret"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None, "it succeeded and printed something else than a credential"
    if not isinstance(username, str) or not isinstance(secret, str):
        return None, "its answer has a value that is not a text"
    return (Credential(username, secret), "") if username or secret else (None, "")


def _line(output: bytes) -> str:
    """Return an output as one line of at most 500 characters."""
    text = " ".join(output.decode("utf-8", "replace").split())
    return "".join(c for c in text if c.isprintable())[:500]
