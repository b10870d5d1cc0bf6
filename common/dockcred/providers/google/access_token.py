"""Google's access token, and what Google's errors mean."""

from __future__ import annotations

from dockcred.errors import (
    EndedError,
    IssueError,
    MissingIdentityError,
    ThrottledError,
)

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
"""What a registry needs to push and pull, and no more: docker-credential-gcr's too."""

IAM_SCOPE = "https://www.googleapis.com/auth/iam"
"""What it takes to ask for another service account's token."""


class Token:
    """An access token; `expires_at` is None where its issuer names no end."""

    __slots__ = ("expires_at", "value")

    def __init__(self, value: str, expires_at: float | None) -> None:
        """Hold both; `expires_at` is in seconds since the epoch."""
        self.value = value
        self.expires_at = expires_at

    def __repr__(self) -> str:
        """Show until when it is good, not what it is."""
        return f"Token(…, expires_at={self.expires_at})"


def is_sound(value: object) -> bool:
    """Return whether something can be a token: one line of printable ASCII."""
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isprintable()
        and (bool(value) and " " not in value)
    )


LOGIN = "run: gcloud auth application-default login"

_STATUS = len("503")
_THROTTLED = frozenset({"429", "RESOURCE_EXHAUSTED", "rate_limit_exceeded"})
_DENIED = frozenset({"403", "PERMISSION_DENIED", "access_denied"})
_AWAY = frozenset(
    {
        *("internal_failure", "server_error", "temporarily_unavailable"),
        *("INTERNAL", "UNAVAILABLE", "DEADLINE_EXCEEDED"),
    }
)
_REAUTH = frozenset({"invalid_rapt", "rapt_required"})


def missing(reason: str) -> MissingIdentityError:
    """Return the error where the metadata server, the last one asked, gave none."""
    return MissingIdentityError(
        "no Google identity was found in GOOGLE_APPLICATION_CREDENTIALS, "
        f"application default credentials, gcloud or metadata: {reason}",
        LOGIN,
    )


def meaning(code: str, subtype: str, identity: str, remedy: str = "") -> IssueError:
    """Return the cause, with its remedy, of an error code about something.

    `remedy` is what helps where the code says that the identity is at fault.
    """
    if code in _REAUTH or subtype in _REAUTH:
        return EndedError(
            f"{identity}: the organisation asks for a new login", remedy or LOGIN
        )
    if code in {"invalid_grant", "401", "UNAUTHENTICATED"}:
        return EndedError(
            f"Google does not accept {identity}: expired, revoked, "
            "or this clock is wrong",
            remedy or LOGIN,
        )
    if code in _DENIED:
        return IssueError(f"Google denies {identity}", remedy or "see its IAM policy")
    if code in {"404", "NOT_FOUND"}:
        return IssueError(f"{identity} does not exist", remedy or "see its name")
    if code in _THROTTLED:
        return ThrottledError(
            f"Google throttles {identity}", "try again later, or ask for a higher quota"
        )
    if code in _AWAY or (len(code) == _STATUS and code[0] == "5"):
        remedy = ""  # whoever asks is not at fault
    return IssueError(
        f"{identity} failed at Google ({_word(code)})",
        remedy or "try again; then see status.cloud.google.com",
    )


def _word(text: str) -> str:
    """Return only what a code is made of; the text is a stranger's."""
    return "".join(c for c in text[:60] if c.isalnum() or c in "._-") or "unknown"
