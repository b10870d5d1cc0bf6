"""gcloud's active account, asked of gcloud itself.

`gcloud config config-helper` is what it offers to other programs.
"""

from __future__ import annotations

from dockcred import child_program, log, watchdog
from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.google import places, problems
from dockcred.providers.google.access_token import Token, is_sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.environment import Environment

TIMEOUT_S = 5.0
MIN_EXPIRY_S = 1800
_LOGIN = "run: gcloud auth login"


class Account:
    """The account that gcloud would act as."""

    sources: tuple[str, ...] = ("google:gcloud",)
    tokens: tuple[str, ...] = ()
    said = ""

    def __init__(self, environment: Environment, program: str) -> None:
        """Hold gcloud's path; it is not run yet."""
        self._environment = environment
        self._program = program
        self.files = places.gcloud_files(environment)

    def who(self) -> str:
        """Say nothing: its files tell every change."""
        return ""

    def token(self, scope: str) -> Token:
        """Run gcloud; MissingIdentityError where no account is active."""
        del scope
        command = [
            self._program,
            "config",
            "config-helper",
            "--format=json",
            f"--min-expiry={MIN_EXPIRY_S}s",
        ]
        outcome = child_program.run(
            command,
            self._environment,
            kind="gcloud",
            timeout_s=min(TIMEOUT_S, max(0.5, watchdog.remaining_s() - 1)),
            variables={"CLOUDSDK_CORE_DISABLE_PROMPTS": "1"},
        )
        if outcome.status != 0:
            raise _failure(outcome)
        credential = _credential(outcome.output)
        if not is_sound(credential.get("access_token")):
            raise IssueError("gcloud's answer holds no access token", _LOGIN)
        return Token(credential["access_token"], _time(credential.get("token_expiry")))


def find(environment: Environment) -> Account | None:
    """Answer gcloud's account, None where there is no gcloud to ask."""
    if program := child_program.find("gcloud", environment):
        return Account(environment, program)
    log.warning("gcloud's login is passed over: no gcloud is found on PATH")
    return None


def _failure(outcome: child_program.Outcome) -> Exception:
    said = outcome.errors.lower()
    if "do not currently have an active account" in said:
        return MissingIdentityError("gcloud has no active account", _LOGIN)
    if any(sign in said for sign in ("reauth", "invalid_grant", "refresh", "rapt")):
        return problems.meaning("invalid_grant", "", "gcloud's login", _LOGIN)
    return IssueError(
        f"gcloud failed (status {outcome.status})",
        "run: gcloud auth print-access-token, to see why",
    )


def _credential(output: str) -> dict[str, Any]:
    """Find the JSON object in what may begin with a plug-in's or wrapper's noise."""
    import json  # noqa: PLC0415 - a miss only

    start = output.find("{")
    while start >= 0:
        try:
            found, _ = json.JSONDecoder().raw_decode(output, start)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and isinstance(found.get("credential"), dict):
            return dict(found["credential"])
        start = output.find("\n{", start)
        start = start + 1 if start >= 0 else start
    return {}


def _time(text: object) -> float | None:
    """Read token_expiry, which is missing for a token that gcloud was handed."""
    from datetime import datetime  # noqa: PLC0415 - a miss only

    try:
        return datetime.fromisoformat(str(text)).timestamp() if text else None
    except ValueError:
        return None
