"""An access token, as Google's endpoints hand it out."""

from __future__ import annotations

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
    """Tell whether something can be a token: one line of printable ASCII."""
    return (
        isinstance(value, str)
        and value.isascii()
        and value.isprintable()
        and (bool(value) and " " not in value)
    )
