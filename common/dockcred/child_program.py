"""Another program asked on our behalf: by absolute path, bounded, without our secrets.

It gets a session of its own, and is ended with all its children when its time is over.
"""

from __future__ import annotations

import os

from dockcred import spawning, watchdog
from dockcred.environment import children
from dockcred.errors import IssueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

_WRITABLE_BY_ALL = 0o002


class Outcome:
    """What a program left: its status and what it wrote, neither fit to be shown.

    Each text is cut to spawning.MAX_OUTPUT_BYTES.
    """

    __slots__ = ("errors", "output", "status")

    def __init__(self, status: int, output: bytes, errors: bytes) -> None:
        """Read both as UTF-8."""
        self.status = status
        self.output = output.decode("utf-8", "replace")
        self.errors = errors.decode("utf-8", "replace")


def find(name: str, environment: Environment) -> str:
    """Answer a program's absolute path, nothing where PATH has none to be trusted.

    Directories that everybody can write are passed over: whoever writes there would be
    asked for the credential (CVE-2019-15752).
    """
    for directory in children.search_path(environment).split(os.pathsep):
        path = f"{directory}/{name}"
        if not os.access(path, os.X_OK) or not os.path.isfile(path):
            continue
        if not os.stat(directory).st_mode & _WRITABLE_BY_ALL:
            return path
    return ""


def run(
    command: list[str],
    environment: Environment,
    *,
    kind: str,
    timeout_s: float,
    variables: dict[str, str] | None = None,
    text: bytes = b"",
) -> Outcome:
    """Run a program with the variables that its kind gets, and some of its own.

    Raises IssueError as `ask` does.
    """
    passed = children.variables(kind, environment) | (variables or {})
    return ask(command, passed, timeout_s=timeout_s, text=text)


def ask(
    command: list[str],
    variables: dict[str, str],
    *,
    timeout_s: float,
    text: bytes = b"",
) -> Outcome:
    """Run a program with these variables and a text on its stdin.

    Raises IssueError where it does not start or takes too long.
    """
    name = os.path.basename(command[0])
    watchdog.doing(f"waiting for {name}")
    try:
        return Outcome(*spawning.run(command, variables, timeout_s, text))
    except TimeoutError:
        raise IssueError(
            f"{name} did not answer within {timeout_s:.2g} s",
            f"run {name} by hand to see what it waits for, such as a passphrase",
        ) from None
    except OSError as error:
        raise IssueError(
            f"{name} could not be started ({error.strerror})", f"see {command[0]}"
        ) from None
