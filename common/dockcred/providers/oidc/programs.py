"""A token that a program prints: a CI system's own, or one that is configured.

circleci.com/docs/oidc-tokens-with-custom-claims; buildkite.com/docs/agent/v3/cli-oidc.
"""

from __future__ import annotations

from dockcred import child_program, watchdog
from dockcred.errors import InvalidInputError, IssueError, MissingIdentityError
from dockcred.providers.oidc import id_token
from dockcred.providers.oidc.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.oidc.id_token import IDToken

TIMEOUT_S = 5.0
_COMMAND = "DOCKCRED_OIDC_TOKEN_COMMAND"


class Command(Source):
    """The program that is configured; it does not say whose job this is."""

    name = "oidc:command"
    kind = "oidc-command"

    def token(self) -> IDToken:
        """Run the program and take what it prints."""
        command = self._command(id_token.audience(self._environment))
        outcome = child_program.run(
            command,
            self._environment,
            kind=self.kind,
            timeout_s=min(TIMEOUT_S, max(0.5, watchdog.remaining_s() - 1)),
        )
        shown = command[0].rpartition("/")[2]
        if outcome.status:
            raise IssueError(
                f"{shown} gave no ID token (status {outcome.status})",
                f"run {shown} by hand in the job",
            )
        origin = f"what {shown} printed"
        return id_token.checked(outcome.output, self._environment, origin)

    def _command(self, audience: str) -> list[str]:
        del audience  # the program reads DOCKCRED_OIDC_AUDIENCE
        import shlex  # noqa: PLC0415 - this source only

        try:
            words = shlex.split(self._environment.get(_COMMAND))
        except ValueError:
            words = []
        if not words or not words[0].startswith("/"):
            raise InvalidInputError(
                f"{_COMMAND} is not a program's absolute path with its arguments",
                "write it as in /usr/local/bin/id-token --for registry",
            )
        return words


class _OwnProgram(Command):
    """A CI system's program, found on PATH; the job's number is in the key."""

    system = program = job = ""

    def __init__(self, environment: Environment) -> None:
        """Know the job by its number."""
        super().__init__(environment)
        self.kind = self.program
        if environment.get(self.job):
            self.name = f"oidc:{self.system}"

    def _find(self) -> str:
        path = child_program.find(self.program, self._environment)
        if not path:
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
