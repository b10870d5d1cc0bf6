"""An ID token, and what is checked before it goes anywhere.

The signature is its receiver's to verify. Ours is that the token is for the audience
that was asked for, so that one meant for somebody else is never shown to a registry.
"""

from __future__ import annotations

import time

from dockcred.claims import claims_of, seconds
from dockcred.errors import InvalidInputError, IssueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

AUDIENCE = "DOCKCRED_OIDC_AUDIENCE"
MAX_BYTES = 64 * 1024
_SHOWN = 80
# What those who exchange ask for, to be told: what is not configured is not assumed.
_ASKED_FOR = {
    "docker-hub": "https://identity.docker.com",
    "chainguard": "cgr.dev",
    "aws": "sts.amazonaws.com",
    "azure": "api://AzureADTokenExchange",
}


class IDToken:
    """A token (JWT) with its end in seconds since the epoch."""

    __slots__ = ("expires_at", "subject", "value")

    def __init__(self, value: str, subject: str, expires_at: float) -> None:
        """Hold what `checked` has found sound."""
        self.value = value
        self.subject = subject
        self.expires_at = expires_at

    def __repr__(self) -> str:
        """Show whose it is and until when, not what it is."""
        return f"IDToken({self.subject!r}, expires_at={self.expires_at})"


def audience(environment: Environment) -> str:
    """Answer the audience to ask for; InvalidInputError where none is configured."""
    named = environment.get(AUDIENCE)
    if not named:
        kind = environment.get("DOCKCRED_OIDC_EXCHANGE")
        asked_for = _ASKED_FOR.get(kind, "what the registry's token service expects")
        raise InvalidInputError(
            f"no audience is configured for the job's token: {AUDIENCE} is not set",
            f"set it, or token_audience at the registry in config.toml, to {asked_for}",
        )
    if not named.isprintable():
        raise InvalidInputError(f"{AUDIENCE} is not one line of text", "mend it")
    return named


def checked(text: str, environment: Environment, origin: str) -> IDToken:
    """Take a token from where it was found, or raise IssueError with what is wrong."""
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
            f"have it made for that audience, or mend {AUDIENCE}",
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
