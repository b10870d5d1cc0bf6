"""Tokens from a CI system's program, or from Google's metadata server."""

from __future__ import annotations

import os

from dockcred import system
from dockcred.errors import (
    InvalidInputError,
    IssueError,
    MissingIdentityError,
    TransportError,
)
from dockcred.providers.oidc import id_token
from dockcred.providers.oidc.id_token import TokenSource
from dockcred.system import child_program
from dockcred.transport.http import (
    WHERE_SOMEBODY_IS,
    is_temporary,
    probe,
    with_retries,
)
from dockcred.transport.response import Response
from dockcred.transport.target import urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.system.environment import Environment

_ACCOUNT = "/computeMetadata/v1/instance/service-accounts/default/"
_HOSTS = ("GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP")
_FLAVOR = {"metadata-flavor": "Google"}
_OK = 200


class GoogleMetadata(TokenSource):
    """The token of the machine's default service account, from the metadata server."""

    name = "oidc:google"

    def __init__(self, environment: Environment) -> None:
        """Determine the server's address; no request is sent yet."""
        super().__init__(environment)
        self._base = f"http://{environment.first(*_HOSTS) or '169.254.169.254'}"

    def token(self) -> IDToken:
        """Return a token for the configured audience."""
        wanted = id_token.audience(self._environment)
        query = urlencode({"audience": wanted, "format": "full"})
        answer = self._get(f"identity?{query}")
        text = answer.body.decode("ascii", "replace")
        return id_token.checked(text, self._environment, "the token from Google")

    def current_principal(self) -> str:
        """Return the account's e-mail address."""
        return self._get("email").body.decode("ascii", "replace").strip()

    def _get(self, leaf: str) -> Response:
        """Return the server's answer; raise IssueError if there is none.

        It is not a MissingIdentityError, since a person has chosen this source by name.
        """

        def ask() -> Response:
            return probe(
                "GET",
                f"{self._base}{_ACCOUNT}{leaf}",
                self._environment,
                headers=_FLAVOR,
                timeout_s=3.0,
            )

        try:
            answer = with_retries(ask)
        except TransportError as error:
            if error.broke_while in WHERE_SOMEBODY_IS:
                raise  # the server is there, but did not answer
            raise IssueError(
                f"this is no machine of Google's: {error.cause}",
                "choose another DOCKCRED_OIDC_SOURCE",
            ) from None
        if is_temporary(answer):
            raise IssueError(
                f"Google's metadata server is not ready (status {answer.status})",
                "try again in a moment",
            )
        if answer.headers.get("metadata-flavor") != "Google" or answer.status != _OK:
            raise IssueError(
                f"Google's metadata server gave no ID token (status {answer.status})",
                "see that the machine has a service account",
            )
        return answer


_COMMAND = "DOCKCRED_OIDC_TOKEN_COMMAND"


class TokenCommand(TokenSource):
    """A configured program that prints the token; nothing tells whose job this is."""

    name = "oidc:command"
    kind = "oidc-command"

    def token(self) -> IDToken:
        """Run the program; return the token that it prints."""
        command = self._command(id_token.audience(self._environment))
        outcome = child_program.run(
            command,
            self._environment,
            kind=self.kind,
        )
        shown = os.path.basename(command[0])
        if outcome.status:
            raise IssueError(
                f"{shown} gave no ID token (status {outcome.status})",
                f"run {shown} by hand in the job",
            )
        origin = f"what {shown} printed"
        return id_token.checked(outcome.output, self._environment, origin)

    def _command(self, audience: str) -> list[str]:
        del audience  # the program reads DOCKCRED_OIDC_AUDIENCE
        try:
            words = system.words(self._environment.get(_COMMAND))
        except ValueError:
            words = []
        if not words or not os.path.isabs(words[0]):
            raise InvalidInputError(
                f"{_COMMAND} is not a program's absolute path with its arguments",
                "write it as in /usr/local/bin/id-token --for registry",
            )
        return words


class _OwnProgram(TokenCommand):
    """A CI system's program, found on PATH; the job's number is in the cache key."""

    system = program = job = ""

    def __init__(self, environment: Environment) -> None:
        """Set the row's name, if the job's number is known."""
        super().__init__(environment)
        self.kind = self.program
        if environment.get(self.job):
            self.name = f"oidc:{self.system}"

    def _find(self) -> str:
        path = child_program.find(self.program, self._environment)
        if not path:
            if refused := child_program.refusal(self.program, self._environment):
                raise IssueError(*refused)
            raise MissingIdentityError(
                f"no {self.program} is found on PATH to ask for the job's ID token",
                f"install it, or configure {_COMMAND}",
            )
        return path


class CircleCI(_OwnProgram):
    """A CircleCI job's token for any audience."""

    system, program, job = "circleci", "circleci", "CIRCLE_WORKFLOW_JOB_ID"

    def _command(self, audience: str) -> list[str]:
        import json  # noqa: PLC0415 - this source only

        claims = json.dumps({"aud": audience})
        return [self._find(), "run", "oidc", "get", "--claims", claims]


class Buildkite(_OwnProgram):
    """A Buildkite step's token."""

    system, program, job = "buildkite", "buildkite-agent", "BUILDKITE_JOB_ID"

    def _command(self, audience: str) -> list[str]:
        return [self._find(), "oidc", "request-token", "--audience", audience]
