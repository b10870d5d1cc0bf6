"""Requests to GitHub's API: check a token, and get an App's installation token."""

from __future__ import annotations

import json
import time

from dockcred.credential import Credential
from dockcred.errors import (
    EndedError,
    IssueError,
    MissingExtraError,
    ThrottledError,
    TransportError,
)
from dockcred.system.version import __version__
from dockcred.transport.http import (
    NEVER,
    delay_s,
    is_temporary_for_one,
    request,
    with_retries,
)
from dockcred.transport.response import Response
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

APP_USER = "x-access-token"
_HEADERS = {
    "accept": "application/vnd.github+json",
    "user-agent": f"dockcred/{__version__}",
    "x-github-api-version": "2022-11-28",
}
_CREATED, _UNKNOWN, _NOT_GRANTED = 201, 404, 422
_REFUSED, _DENIED, _THROTTLED = 401, 403, 429
_CHECK_S = 3.0


def about(token: str, api: str, environment: Environment) -> Response:
    """Return GitHub's answer about a token.

    The request is GET /rate_limit. It accepts tokens of every kind, and counts against
    no limit. Its response headers hold the scopes of those tokens that have scopes.
    """
    return request(
        "GET",
        f"{api}/rate_limit",
        environment,
        headers=_HEADERS | {"authorization": f"Bearer {token}"},
        timeout_s=_CHECK_S,
        # No retry: it is only a check, and a person waits for the password.
        repeated=NEVER,
    )


def installation_token(
    assertion: str, installation: str, api: str, environment: Environment
) -> Credential:
    """Exchange an App's assertion for a token for packages, and for nothing else.

    An App that may only read gets status 422 when it asks for a token to write. Then a
    token to read is asked for.
    """
    url = f"{api}/app/installations/{installation}/access_tokens"
    headers = _HEADERS | {
        "authorization": f"Bearer {assertion}",
        "content-type": "application/json",
    }

    def ask(level: str) -> Response:
        body = json.dumps({"permissions": {"packages": level}}).encode()
        return with_retries(
            lambda: request("POST", url, environment, headers=headers, body=body),
            is_temporary_for_one,
        )

    answer = ask("write")
    if answer.status == _NOT_GRANTED:
        answer = ask("read")
    if answer.status != _CREATED:
        raise _failure(answer, Target(api).netloc)
    return _credential(answer, Target(api).netloc)


def _credential(answer: Response, name: str) -> Credential:
    from datetime import datetime  # noqa: PLC0415 - a miss only

    try:
        fields = json.loads(answer.body)
        token = fields["token"]
        ends = datetime.fromisoformat(fields["expires_at"]).timestamp()
        if not (token.isascii() and token.isprintable()):
            raise ValueError("not a token")
    except (
        *(ValueError, LookupError, TypeError, AttributeError),
        *(OverflowError, RecursionError),
    ):
        raise TransportError(
            f"{name} did not answer as GitHub does",
            "see what listens there: a proxy, a captive portal or another service",
        ) from None
    return Credential(APP_USER, token, time.time(), ends)


def _failure(answer: Response, name: str) -> IssueError:
    status, headers = answer.status, answer.headers
    if status == _DENIED and (
        headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    ):
        status = _THROTTLED  # docs.github.com, "Rate limits for the REST API"
    if status == _REFUSED:
        return EndedError(
            f"{name} does not accept the GitHub App's assertion",
            "see GITHUB_APP_ID and its private key, and set the clock (NTP)",
        )
    if status == _NOT_GRANTED:
        return IssueError(
            "the GitHub App's installation lacks the permission packages: read",
            "add it to the App, and accept it for the installation",
        )
    if status == _UNKNOWN:
        return IssueError(
            f"{name} knows no such installation of the GitHub App",
            "see GITHUB_APP_INSTALLATION_ID",
        )
    if status == _THROTTLED:
        return ThrottledError(
            f"{name} throttles the GitHub App", "try again later", delay_s(answer)
        )
    meanings = {
        _DENIED: (
            f"{name} denies the GitHub App a token",
            "see whether it is suspended",
        ),
    }
    cause, remedy = meanings.get(
        status,
        (f"{name} answered {status}", "try again; then see githubstatus.com"),
    )
    return IssueError(cause, remedy)


_LIFE_S, _SKEW_S = 540, 60
_MAX_BYTES = 64 * 1024


def assertion(app: str, key_file: str) -> str:
    """Return a JWT that the App's key signs; IssueError if the file holds no key."""
    try:
        # Not at the top of the module: to check a token needs no PyJWT.
        import jwt  # noqa: PLC0415 - an App only
        from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
            load_pem_private_key,
        )
    except ImportError:
        raise MissingExtraError(
            "a GitHub App needs PyJWT, which is not installed",
            "run: pip install 'dockcred[github]'",
        ) from None
    now = int(time.time())
    claims = {"iat": now - _SKEW_S, "exp": now + _LIFE_S, "iss": app}
    try:
        with open(key_file, "rb") as file:
            key = load_pem_private_key(file.read(_MAX_BYTES), None)
        return jwt.encode(claims, key, algorithm="RS256")  # type: ignore[arg-type]
    except OSError as error:
        reason = str(error.strerror)
    except (ValueError, TypeError, jwt.PyJWTError):
        reason = "it is no RSA key in PEM"
    raise IssueError(
        f"the GitHub App's key {key_file} cannot be used: {reason}",
        "see GITHUB_APP_PRIVATE_KEY_FILE",
    )
