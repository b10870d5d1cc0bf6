"""What Google's error codes mean to a person, for both roads.

Google's own descriptions are not repeated: an STS error may quote the token.
"""

from __future__ import annotations

from dockcred.errors import IssueError, MissingIdentityError

LOGIN = "run: gcloud auth application-default login"

_THROTTLED = frozenset({"429", "RESOURCE_EXHAUSTED", "rate_limit_exceeded"})
_DENIED = frozenset({"403", "PERMISSION_DENIED", "access_denied"})
_REAUTH = frozenset({"invalid_rapt", "rapt_required"})


def missing(reason: str) -> MissingIdentityError:
    """Say that nobody was found, the metadata server being the last to be asked."""
    return MissingIdentityError(
        "no Google identity was found in GOOGLE_APPLICATION_CREDENTIALS, "
        f"application default credentials, gcloud or metadata: {reason}",
        LOGIN,
    )


def meaning(code: str, subtype: str, what: str, remedy: str = "") -> IssueError:
    """Turn an error code about something into a cause with a remedy.

    `remedy` is what helps where the code says that the identity is at fault.
    """
    if code in _REAUTH or subtype in _REAUTH:
        return IssueError(
            f"{what}: the organisation asks for a new login", remedy or LOGIN
        )
    if code in {"invalid_grant", "401", "UNAUTHENTICATED"}:
        return IssueError(
            f"Google does not accept {what}: expired, revoked, or this clock is wrong",
            remedy or LOGIN,
        )
    if code in _DENIED:
        return IssueError(f"Google denies {what}", remedy or "see its IAM policy")
    if code in {"404", "NOT_FOUND"}:
        return IssueError(f"{what} does not exist", remedy or "see its name")
    if code in _THROTTLED:
        return IssueError(
            f"Google throttles {what}", "try again later, or ask for a higher quota"
        )
    return IssueError(
        f"{what} failed at Google ({_word(code)})",
        remedy or "try again; then see status.cloud.google.com",
    )


def _word(text: str) -> str:
    """Keep what a code is made of; the text is a stranger's."""
    return "".join(c for c in text[:60] if c.isalnum() or c in "._-") or "unknown"
