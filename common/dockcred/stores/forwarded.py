"""A store that asks `dockcred forward` on another machine.

It sends one line of JSON with the verb and the registry, and receives one line. Except
for `store`, a request holds no secret. Answers are stored nowhere on this machine.

    {"Verb":"get","ServerURL":"ghcr.io"}
    {"Answer":"credential","Username":"me","Secret":"…","ExpiresIn":"3540"}

Answers are `credential`, `miss`, `list`, `done`, `failed` and `refused`. If a person is
asked, a line `wait` comes before the answer.
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
"""The variable with the path of the other side's socket, which gets all requests."""

_SPARE_S = 0.3
_LONGEST_S = 2**40
_WRITABLE_BY_OTHERS = 0o022
_AGAIN = "run dockcred forward there again, and set DOCKCRED_FORWARD to its socket"


class Forwarded:
    """The registries of another machine, behind one socket.

    left_out  always None: the other side reports what its list leaves out
    """

    left_out: DockcredError | None = None

    def __init__(
        self, environment: Environment, deadline: float = float("inf")
    ) -> None:
        """Read the socket's path; `deadline` is a time of time.monotonic().

        Raises InvalidInputError for a relative path, and on Windows.
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
        """Return the other side's credential.

        Raises CredentialsNotFoundError for a miss, or returns an empty credential if
        DOCKCRED_ON_MISS=empty. Raises RefusedError for a registry that is not on the
        other side's list; with DOCKCRED_ANONYMOUS=true that counts as a miss.
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
        """Ask the other side to store it; raise RefusedError if that is not allowed."""
        asked = {
            "Verb": "store",
            "ServerURL": server.raw,
            "Username": credential.username,
            "Secret": credential.secret,
        }
        self._ask(asked, "done")

    def erase(self, server: ServerURL) -> None:
        """Ask the other side to erase it; raise RefusedError if that is not allowed."""
        self._ask({"Verb": "erase", "ServerURL": server.raw}, "done")

    def list(self) -> dict[str, str]:
        """Return the registries that the other side would answer, with their users."""
        found = self._ask({"Verb": "list"}, "list").get("Servers")
        if not isinstance(found, dict) or not all(
            isinstance(user, str) for user in found.values()
        ):
            raise self._misspoken()
        return found

    def after_answer(self) -> None:
        """Do nothing: the other side does its deferred work itself."""

    def _ask(self, request: dict[str, str], wanted: str) -> dict[str, Any]:
        """Send a request and return its answer, which must be of the kind `wanted`.

        Raises CredentialsNotFoundError, RefusedError or IssueError if the other side
        says so, TransportError or TimedOutError if it does not answer.
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
        """Raise InvalidInputError if another user may have replaced the socket."""
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
        """Return the seconds left to wait; _SPARE_S are kept to report an error."""
        of_call_s = process.remaining_s() - _SPARE_S
        return min(of_call_s, self._deadline - time.monotonic())

    def _misspoken(self) -> TransportError:
        return TransportError(
            f"what answers behind {self._path} is not dockcred forward, or of another"
            " version",
            "set DOCKCRED_FORWARD to the socket of dockcred forward",
        )
