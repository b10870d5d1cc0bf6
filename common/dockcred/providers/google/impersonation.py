"""The token of an impersonated account, and the transport that google-auth uses."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime

from dockcred.errors import InvalidInputError, IssueError, TransportError
from dockcred.providers.google import access_token
from dockcred.providers.google.access_token import SCOPE, Token, is_sound
from dockcred.system import process
from dockcred.system.environment.google import UNIVERSE
from dockcred.transport.http import is_temporary_for_one, request, with_retries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

TIMEOUT_S = 5.0


class AuthResponse:
    """A response in the form that google-auth expects."""

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        """Set the fields; header names are lower-case."""
        self.status = status
        self.headers = headers
        self.data = data


class AuthTransport:
    """The transport through which google-auth sends its requests."""

    def __init__(self, environment: Environment, *, repeats: bool = False) -> None:
        """Keep the variables that choose proxy and trusted certificates.

        `repeats` tells to retry temporary failures here, since google-auth does not.
        """
        self._environment = environment
        self._repeats = repeats

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> AuthResponse:
        """Send one request; `timeout` is in seconds, at most what the call has left."""
        content = body.encode() if isinstance(body, str) else body or b""
        own = {name.lower(): text(value) for name, value in (headers or {}).items()}

        def ask() -> Response:
            return request(
                method,
                url,
                self._environment,
                headers=own,
                body=content,
                timeout_s=_bounded(timeout),
            )

        answer = with_retries(ask, is_temporary_for_one) if self._repeats else ask()
        return AuthResponse(answer.status, answer.headers, answer.body)


def text(value: object) -> str:
    """Return a header's value as text; google-auth may pass it as bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _bounded(timeout: float | None) -> float:
    """Return the seconds for one request: half of a long call, so that two fit in."""
    left = process.remaining_s()
    usual = TIMEOUT_S if left == float("inf") else max(TIMEOUT_S, left / 2)
    return max(0.1, min(timeout or usual, left))


def names_a_program(info: dict[str, Any]) -> bool:
    """Return whether a program gives the token of a file, or of a file within it."""
    inner = info.get("source_credentials")
    source = info.get("credential_source")
    return (isinstance(source, dict) and "executable" in source) or (
        isinstance(inner, dict) and names_a_program(inner)
    )


MISSHAPEN = (
    *(LookupError, ValueError, TypeError, AttributeError),
    *(ArithmeticError, RecursionError),
)
"""What google-auth raises where a file or an answer does not have the expected form."""


@contextmanager
def reading(answer: str) -> Iterator[None]:
    """Raise IssueError where an answer is malformed; `answer` names it.

    Without this it would be reported as a malformed credentials file.
    """
    from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - SDK road only

    try:
        yield
    except GoogleAuthError:
        raise  # some of them are ValueError as well
    except MISSHAPEN:
        raise IssueError(
            f"{answer} was not to be read",
            "see what answers there: the file's endpoints, a proxy, a captive portal",
        ) from None


LIFETIME_S = 3600
_OK, _UNKNOWN = 200, 404


def url_for(account: str, universe: str = UNIVERSE) -> str:
    """Return the URL that gives a service account's token, in its universe.

    Raises InvalidInputError where `account` is not a service account's address.
    """
    name, at, domain = account.partition("@")
    characters = set(name + domain)
    plain = all(c.isascii() and (c.isalnum() or c in "-._") for c in characters)
    if not (name and at and domain and plain):
        raise InvalidInputError(
            "the service account to impersonate is not an e-mail address",
            "see GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
        )
    return (
        f"https://iamcredentials.{universe}/v1/projects/-/serviceAccounts/"
        f"{account}:generateAccessToken"
    )


def mint(
    url: str,
    token: Token,
    environment: Environment,
    *,
    delegates: list[str] | None = None,
    lifetime_s: int = LIFETIME_S,
) -> Token:
    """Exchange our own token for one of the account in the URL."""
    account = url.rpartition("/")[2].partition(":")[0]
    body = {
        "delegates": delegates or [],
        "scope": [SCOPE],
        "lifetime": f"{lifetime_s}s",
    }
    answer = with_retries(
        lambda: request(
            "POST",
            url,
            environment,
            headers={
                "authorization": f"Bearer {token.value}",
                "content-type": "application/json",
            },
            body=json.dumps(body).encode(),
        ),
        is_temporary_for_one,
    )
    if answer.status != _OK:
        raise _failure(answer, account)
    try:
        fields = json.loads(answer.body)
        ends = datetime.fromisoformat(fields["expireTime"])
        # A time without a zone would be read as this machine's local time.
        value = fields["accessToken"] if ends.tzinfo else ""
        expires_at = ends.timestamp()
    except MISSHAPEN:
        value, expires_at = "", 0.0
    if not is_sound(value):
        raise TransportError(
            "the IAM Credentials API did not answer as Google does",
            "see what listens there: a proxy, or a captive portal",
        )
    return Token(value, expires_at)


_GRANT = (
    "grant the identity at hand roles/iam.serviceAccountTokenCreator on it "
    "(roles/iam.workloadIdentityUser for a federated one)"
)
_REMEDIES = {
    400: "see the delegates, and the lifetime: more than an hour must be allowed",
    404: "see its name",
}


def _failure(answer: Response, account: str) -> Exception:
    """Return the error for a refusal, by its status and the reason in its details."""
    if b'"SERVICE_DISABLED"' in answer.body:
        return IssueError(
            "the IAM Credentials API is not enabled in the project of whoever asks",
            "run: gcloud services enable iamcredentials.googleapis.com",
        )
    return access_token.meaning(
        str(answer.status),
        "",
        f"the service account {account}"
        if answer.status == _UNKNOWN
        else f"impersonation of {account}",
        _REMEDIES.get(answer.status, _GRANT),
    )
