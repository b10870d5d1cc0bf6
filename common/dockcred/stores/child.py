"""Child programs of a store: few variables, and the time that the call has left."""

from __future__ import annotations

from dockcred import child_program, watchdog
from dockcred.environment import children
from dockcred.errors import IssueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.child_program import Outcome
    from dockcred.environment import Environment

_MAX_WAIT_S = 60.0
_LAST_WORDS_S = 0.5


def find(name: str, environment: Environment, remedy: str) -> str:
    """Answer a program's absolute path; KeychainAbsentError where it is missing."""
    if found := child_program.find(name, environment):
        return found
    from dockcred.stores.problems import KeychainAbsentError  # noqa: PLC0415 - at a failure

    raise KeychainAbsentError(f"{name} is not installed", remedy)


def variables(environment: Environment) -> dict[str, str]:
    """Return the variables that `pass` and gpg get, and plain English.

    Without a locale but for its characters: twelve files less that gpg opens.
    """
    return {"LC_CTYPE": "C.UTF-8", **children.variables("pass", environment)}


def run(command: list[str], variables: dict[str, str], text: bytes = b"") -> Outcome:
    """Run to the end, as long as the call has time; KeychainError if it hangs."""
    seconds = max(0.1, min(_MAX_WAIT_S, watchdog.remaining_s() - _LAST_WORDS_S))
    try:
        return child_program.ask(command, variables, timeout_s=seconds, text=text)
    except IssueError as error:
        from dockcred.stores.problems import KeychainError  # noqa: PLC0415 - at a failure

        raise KeychainError(error.cause, error.remedy) from None
