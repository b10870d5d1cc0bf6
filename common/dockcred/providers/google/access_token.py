"""A Google access token, and what Google's error codes mean."""

from __future__ import annotations

from dockcred.errors import (
    EndedError,
    IssueError,
    MissingIdentityError,
    ThrottledError,
)

SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
"""The scope to push and pull, and no more; docker-credential-gcr asks for it too."""

IAM_SCOPE = "https://www.googleapis.com/auth/iam"
"""The scope to ask for the token of another service account."""


class Token:
    """An access token; `expires_at` is None where the issuer tells no expiry."""

    __slots__ = ("expires_at", "value")

    def __init__(self, value: str, expires_at: float | None) -> None:
        """Set value and expiry; `expires_at` is in seconds since the epoch."""
        self.value = value
        self.expires_at = expires_at

    def __repr__(self) -> str:
        """Show the expiry, but not the token."""
        return f"Token(…, expires_at={self.expires_at})"


def is_sound(value: object) -> bool:
    """Return whether a value can be a token: one word of printable ASCII."""
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
    """Return the error if the metadata server, the last source, gives no identity."""
    return MissingIdentityError(
        "no Google identity was found in GOOGLE_APPLICATION_CREDENTIALS, "
        f"application default credentials, gcloud or metadata: {reason}",
        LOGIN,
    )


def meaning(code: str, subtype: str, identity: str, remedy: str = "") -> IssueError:
    """Return the error, with cause and remedy, for an error code about `identity`.

    `remedy` is used where the code says that the identity is at fault.
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
    """Return only the characters that codes have: the text is not trusted."""
    return "".join(c for c in text[:60] if c.isalnum() or c in "._-") or "unknown"
