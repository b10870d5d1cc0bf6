"""What an exchange answers: a password with its end, or a refusal and what it means."""

from __future__ import annotations

import time

from dockcred.claims import claims_of, seconds
from dockcred.credential import Credential
from dockcred.errors import IssueError, RefusedError, TransportError
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.transport.response import Response

_OK = 200
_DENIED = frozenset({400, 401, 403})
_TOO_MANY = 429
_CODES = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
        "unsupported_grant_type",
        "access_denied",
    }
)


def credential(
    answer: Response, url: str, username: str, field: str, remedy: str
) -> Credential:
    """Read the password out of an answer's field, or raise what went wrong.

    Its end is `expires_in` of the answer, else the `exp` of a password that is a JWT,
    else unknown. What a refusal says is not repeated, its code apart: it may quote
    the token. `remedy` is what helps against one.
    """
    name = Target(url).netloc
    if answer.status in _DENIED:
        code = _code(answer)
        shown = f"{answer.status}, {code}" if code else f"{answer.status}"
        raise RefusedError(f"{name} does not accept the job's token ({shown})", remedy)
    if answer.status == _TOO_MANY:
        raise IssueError(f"{name} throttles the exchange", "try again later")
    if answer.status != _OK:
        raise IssueError(
            f"{name} did not exchange the token (status {answer.status})",
            "try again; then see its status page",
        )
    now = time.time()
    try:
        fields = answer.json()
        secret = fields[field]
        if not (secret.isascii() and secret.isprintable() and secret):
            raise ValueError("not a password")  # noqa: TRY301 - met below
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise TransportError(
            f"{name} did not answer as a token exchange does",
            "see what listens there: a proxy, a captive portal or another service",
        ) from None
    life = seconds(fields.get("expires_in"))
    ends = now + life if life else seconds(claims_of(secret.encode()).get("exp"))
    if ends is not None and ends <= now:
        raise IssueError(
            f"{name} gave a password that is over by this clock", "set the clock (NTP)"
        )
    return Credential(username, secret, now, ends)


def _code(answer: Response) -> str:
    """Answer the error's code, if it is one that RFC 6749 or 8693 knows."""
    try:
        code = answer.json()["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return code if isinstance(code, str) and code in _CODES else ""
