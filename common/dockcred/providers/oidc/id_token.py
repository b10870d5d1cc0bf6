"""A job's ID token, the base class of its sources, and the answers of an exchange."""

from __future__ import annotations

import time

from dockcred.credential import Credential
from dockcred.errors import (
    InvalidInputError,
    IssueError,
    RefusedError,
    ThrottledError,
    TransportError,
)
from dockcred.transport.http import delay_s
from dockcred.transport.json_reader import claims_of, seconds
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

AUDIENCE = "DOCKCRED_OIDC_AUDIENCE"
MAX_BYTES = 64 * 1024
_SHOWN = 80
# The audiences that the exchanges expect. They are only shown to a person: an audience
# that is not configured is never assumed.
_ASKED_FOR = {
    "docker-hub": "https://identity.docker.com",
    "chainguard": "cgr.dev",
    "cloudsmith": "cloudsmith, or what the provider's settings there name",
    "aws": "sts.amazonaws.com",
    "azure": "api://AzureADTokenExchange",
}


class IDToken:
    """An ID token (JWT), with its expiry in seconds since the epoch."""

    __slots__ = ("expires_at", "subject", "value")

    def __init__(self, value: str, subject: str, expires_at: float) -> None:
        """Keep what `checked` has verified."""
        self.value = value
        self.subject = subject
        self.expires_at = expires_at

    def __repr__(self) -> str:
        """Show the subject and the expiry, but not the token."""
        return f"IDToken({self.subject!r}, expires_at={self.expires_at})"


def audience(environment: Environment) -> str:
    """Return the audience to ask for; raise InvalidInputError if it is not set."""
    named = environment.get(AUDIENCE)
    if not named:
        kind = environment.get("DOCKCRED_OIDC_EXCHANGE")
        asked_for = _ASKED_FOR.get(kind, "what the registry's token service expects")
        raise InvalidInputError(
            f"no audience is configured for the token: {AUDIENCE} is not set",
            f"set it, or token_audience at the registry in config.toml, to {asked_for}",
        )
    if not named.isprintable():
        raise InvalidInputError(f"{AUDIENCE} is not one line of text", "fix it")
    return named


def checked(text: str, environment: Environment, origin: str) -> IDToken:
    """Return the token if it is usable; raise IssueError otherwise.

    `origin` names in words where the token was found.
    """
    value = text.strip()
    sound = value.isascii() and value.isprintable() and " " not in value
    claims = claims_of(value.encode("ascii", "replace")) if sound else {}
    if not claims or len(value) > MAX_BYTES:
        raise IssueError(
            f"{origin} is no ID token (JWT)", "see what puts it there, and for whom"
        )
    wanted, found = audience(environment), claims.get("aud")
    if wanted not in (found if isinstance(found, list) else [found]):
        raise IssueError(
            f"{origin} is for the audience {_shown(found)}, not for {_shown(wanted)}",
            f"have it made for that audience, or fix {AUDIENCE}",
        )
    ends = seconds(claims.get("exp"))
    if ends is None:
        raise IssueError(
            f"{origin} names no end, as an ID token does", "see who issues it"
        )
    if ends <= time.time():
        raise IssueError(
            f"{origin} has expired", "have a new one made, or set the clock (NTP)"
        )
    return IDToken(value, str(claims.get("sub") or ""), ends)


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def text_in(answer: Response, field: str, name: str, service: str) -> str:
    """Return a field of a JSON answer; raise TransportError if it is missing.

    `name` is the host that answered, `service` the service that should be there.
    """
    try:
        return str(answer.json()[field])
    except (ValueError, LookupError, TypeError, RecursionError):
        raise TransportError(
            f"{name} did not answer as {service} does",
            "see what listens there: a proxy, or another service",
        ) from None


class TokenSource:
    """Where a job's token comes from; for `tokens` see identity.Identity.

    `name` is its row in Provider.sources. A name without a row means that nothing tells
    whose job this is: then what the token is exchanged for is not kept.
    """

    name = ""
    tokens: tuple[str, ...] = ()

    def __init__(self, environment: Environment) -> None:
        """Keep the variables; no request is sent yet."""
        self._environment = environment

    def token(self) -> IDToken:
        """Return a token, fetched or minted."""
        raise NotImplementedError

    def current_principal(self) -> str:
        """Return who the source says it is; "" where key or conditions tell it."""
        return ""


_GIVEN = frozenset({200, 201})
_DENIED = frozenset({400, 401, 403, 404, 422})
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
        # These are JFrog's, which are whole sentences.
        "Invalid audience",
        "Failed to get public key",
    }
)


def credential(
    answer: Response, url: str, username: str, field: str, remedy: str
) -> Credential:
    """Return the password in an answer's field; raise IssueError for a failure.

    It expires after the answer's `expires_in`, else at the `exp` of a password that is
    a JWT; else the expiry is unknown. Of a refusal only its code is shown, since the
    rest may quote the token. `remedy` is what helps against a refusal.
    """
    name = Target(url).netloc
    if answer.status in _DENIED:
        code = _code(answer)
        shown = f"{answer.status}, {code}" if code else f"{answer.status}"
        raise RefusedError(f"{name} does not accept the token ({shown})", remedy)
    if answer.status == _TOO_MANY:
        raise ThrottledError(
            f"{name} throttles the exchange", "try again later", delay_s(answer)
        )
    if answer.status not in _GIVEN:
        raise IssueError(
            f"{name} did not exchange the token (status {answer.status})",
            "try again; then see its status page",
        )
    now = time.time()
    try:
        fields = answer.json()
        secret = fields[field]
        if not (secret.isascii() and secret.isprintable() and secret):
            raise ValueError("not a password")  # noqa: TRY301 - caught below
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
    """Return the error's code if RFC 6749, RFC 8693 or JFrog defines it, else ""."""
    try:
        said = answer.json()
        code = said["errors"][0]["message"] if "errors" in said else said["error"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""
    return code if isinstance(code, str) and code in _CODES else ""
