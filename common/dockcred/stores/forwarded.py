"""The far side of `dockcred forward`: a store that another machine answers for.

One line of JSON goes out, with the verb and the registry, and one comes back. Nothing
that is asked is secret; what is answered is kept nowhere on this side.

    {"Verb":"get","ServerURL":"ghcr.io"}
    {"Answer":"credential","Username":"me","Secret":"…","ExpiresIn":"3540"}

Answers are `credential`, `miss`, `list`, `done`, `failed` and `refused`; `wait` comes
before one of them where a person is asked.
"""

from __future__ import annotations

import os
import time

from dockcred import system
from dockcred.credential import MAX_STORE_BYTES, Credential, is_count, json_line
from dockcred.errors import (
    CredentialsNotFoundError,
    InvalidInputError,
    IssueError,
    RefusedError,
    TimedOutError,
    TransportError,
)
from dockcred.system import process
from dockcred.transport import json_reader
from dockcred.transport.local import Lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.credential import ServerURL
    from dockcred.errors import DockcredError
    from dockcred.system.environment import Environment

VARIABLE = "DOCKCRED_FORWARD"
"""The socket on which the other side answers, where all is asked of it."""

_SPARE_S = 0.3
_LONGEST_S = 2**40
_WRITABLE_BY_OTHERS = 0o022
_AGAIN = "run dockcred forward there again, and set DOCKCRED_FORWARD to its socket"


class Forwarded:
    """The registries of another machine, behind one socket.

    left_out  None: what is left out of a list is told there
    """

    left_out: DockcredError | None = None

    def __init__(
        self, environment: Environment, deadline: float = float("inf")
    ) -> None:
        """Read the socket's path; `deadline` is on time.monotonic().

        Raises InvalidInputError for a path that depends on the working directory.
        """
        self._environment = environment
        self._deadline = deadline
        self._path = environment.path(VARIABLE, "")
        if not system.SERVES:
            raise InvalidInputError(
                "DOCKCRED_FORWARD names a Unix socket, and Python on Windows has none",
                "take the variable away, or run the client in WSL",
            )
        if not self._path.startswith("/"):
            raise InvalidInputError(
                f"DOCKCRED_FORWARD names {self._path!a}, which is no absolute path",
                "set it to the socket of dockcred forward",
            )

    def get(self, server: ServerURL) -> Credential:
        """Return what the other side has; CredentialsNotFoundError for its miss.

        RefusedError for a registry that is not on its list: that is no miss, unless
        DOCKCRED_ANONYMOUS says that one may go on without a credential.
        """
        try:
            found = self._ask({"Verb": "get", "ServerURL": server.raw}, "credential")
        except RefusedError as error:
            if self._environment.get("DOCKCRED_ANONYMOUS").lower() != "true":
                raise
            missed: BaseException = CredentialsNotFoundError()
            missed.__cause__ = error
        except CredentialsNotFoundError as error:
            missed = error
        else:
            return self._credential(found)
        if self._environment.get("DOCKCRED_ON_MISS") == "empty":
            return Credential("", "")
        raise missed

    def _credential(self, found: dict[str, Any]) -> Credential:
        username, secret = found.get("Username"), found.get("Secret")
        if not isinstance(username, str) or not isinstance(secret, str):
            raise self._misspoken()
        left_s = found.get("ExpiresIn", "")
        if not isinstance(left_s, str) or not (
            is_count(left_s, _LONGEST_S) or not left_s
        ):
            raise self._misspoken()
        now = time.time()
        return Credential(username, secret, now, now + int(left_s) if left_s else None)

    def store(self, server: ServerURL, credential: Credential) -> None:
        """Have the other side store it; RefusedError where that is not allowed."""
        asked = {
            "Verb": "store",
            "ServerURL": server.raw,
            "Username": credential.username,
            "Secret": credential.secret,
        }
        self._ask(asked, "done")

    def erase(self, server: ServerURL) -> None:
        """Have the other side erase it; RefusedError where that is not allowed."""
        self._ask({"Verb": "erase", "ServerURL": server.raw}, "done")

    def list(self) -> dict[str, str]:
        """Return the registries on the other side's list that it would answer."""
        found = self._ask({"Verb": "list"}, "list").get("Servers")
        if not isinstance(found, dict) or not all(
            isinstance(user, str) for user in found.values()
        ):
            raise self._misspoken()
        return found

    def after_answer(self) -> None:
        """Do nothing: all that is left to do is the other side's."""

    def _ask(self, request: dict[str, str], wanted: str) -> dict[str, Any]:
        """Send a request and return its answer of the kind that is wanted.

        Raises CredentialsNotFoundError, RefusedError or IssueError as the other side
        says; TransportError and TimedOutError where it says nothing.
        """
        process.set_activity(f"waiting for dockcred forward behind {self._path}")
        lines: Lines | None = None
        try:
            self._check()
            lines = Lines(self._path, self._remaining_s)
            lines.send(json_line(request))
            answer = self._answer(lines)
            if answer.get("Answer") == "wait":
                process.person_s()
                answer = self._answer(lines)
        except TimeoutError:
            raise TimedOutError(
                f"dockcred forward behind {self._path} does not answer",
                "see on the machine where it runs whether it is stopped, waits for a"
                " person or cannot reach its cloud, or raise DOCKCRED_TIMEOUT",
            ) from None
        except OSError as error:
            raise TransportError(
                f"nobody answers behind DOCKCRED_FORWARD, {self._path}:"
                f" {error.strerror}",
                _AGAIN,
            ) from None
        finally:
            if lines is not None:
                lines.close()
        return self._judged(answer, wanted)

    def _judged(self, answer: dict[str, Any], wanted: str) -> dict[str, Any]:
        kind = answer.get("Answer")
        if kind == wanted:
            return answer
        if kind == "miss":
            raise CredentialsNotFoundError
        cause, remedy = answer.get("Cause"), answer.get("Remedy")
        if not isinstance(cause, str) or not isinstance(remedy, str):
            raise self._misspoken()
        if kind == "refused":
            raise RefusedError(cause, remedy)
        raise IssueError(f"where dockcred forward runs, {cause}", remedy)

    def _answer(self, lines: Lines) -> dict[str, Any]:
        try:
            line = lines.receive(MAX_STORE_BYTES)
            if not line:
                raise TransportError(
                    f"dockcred forward behind {self._path} has ended without an answer",
                    _AGAIN,
                )
            answer = json_reader.loads(line)
        except (ValueError, RecursionError):
            raise self._misspoken() from None
        if not isinstance(answer, dict):
            raise self._misspoken()
        return answer

    def _check(self) -> None:
        """Refuse a socket that somebody else may have put in its place."""
        us = {0, os.geteuid()}
        if os.stat(self._path).st_uid in us:
            return
        above = os.path.dirname(self._path)
        status = os.stat(above)
        if status.st_uid not in us or status.st_mode & _WRITABLE_BY_OTHERS:
            raise InvalidInputError(
                f"{self._path} is another user's, in a directory where others write",
                "put the socket of dockcred forward into a directory of yours",
            )

    def _remaining_s(self) -> float:
        """Return the seconds in which an answer is of use: some are for telling why."""
        of_call_s = process.remaining_s() - _SPARE_S
        return min(of_call_s, self._deadline - time.monotonic())

    def _misspoken(self) -> TransportError:
        return TransportError(
            f"what answers behind {self._path} is not dockcred forward, or of another"
            " version",
            "set DOCKCRED_FORWARD to the socket of dockcred forward",
        )
