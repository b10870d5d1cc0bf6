"""Tokens of another account by impersonation, and what google-auth asks through."""

from __future__ import annotations

import json
from datetime import datetime

from dockcred.errors import InvalidInputError, TransportError
from dockcred.providers.google import access_token
from dockcred.providers.google.access_token import SCOPE, Token, is_sound
from dockcred.system import process
from dockcred.transport.http import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockcred.system.environment import Environment

TIMEOUT_S = 5.0


class AuthResponse:
    """A response in google-auth's words."""

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        """Hold the three; header names are lower-case."""
        self.status = status
        self.headers = headers
        self.data = data


class AuthTransport:
    """What google-auth asks through."""

    def __init__(self, environment: Environment) -> None:
        """Hold the variables that choose proxy and trust."""
        self._environment = environment

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> AuthResponse:
        """Send one request; `timeout` is in seconds, and never longer than ours."""
        content = body.encode() if isinstance(body, str) else body or b""
        answer = request(
            method,
            url,
            self._environment,
            headers={
                name.lower(): text(value) for name, value in (headers or {}).items()
            },
            body=content,
            timeout_s=min(timeout or TIMEOUT_S, TIMEOUT_S, _left()),
        )
        return AuthResponse(answer.status, answer.headers, answer.body)


def text(value: object) -> str:
    """Write a header's value, which google-auth may hand over as bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _left() -> float:
    return max(0.1, process.remaining_s())


LIFETIME_S = 3600
_OK = 200


def url_for(account: str) -> str:
    """Return where a service account's token is asked for.

    Raises InvalidInputError where the text is no account's address.
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
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
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
    """Trade one's own token for the account's."""
    account = url.rpartition("/")[2].partition(":")[0]
    body = {
        "delegates": delegates or [],
        "scope": [SCOPE],
        "lifetime": f"{lifetime_s}s",
    }
    answer = request(
        "POST",
        url,
        environment,
        headers={
            "authorization": f"Bearer {token.value}",
            "content-type": "application/json",
        },
        body=json.dumps(body).encode(),
    )
    if answer.status != _OK:
        raise access_token.meaning(
            str(answer.status),
            "",
            f"impersonation of {account}",
            "grant the identity at hand roles/iam.serviceAccountTokenCreator on it "
            "(roles/iam.workloadIdentityUser for a federated one)",
        )
    try:
        fields = json.loads(answer.body)
        value = fields["accessToken"]
        expires_at = datetime.fromisoformat(fields["expireTime"]).timestamp()
    except (ValueError, LookupError, TypeError):
        value, expires_at = "", 0.0
    if not is_sound(value):
        raise TransportError(
            "the IAM Credentials API did not answer as Google does",
            "see what listens there: a proxy, or a captive portal",
        )
    return Token(value, expires_at)
