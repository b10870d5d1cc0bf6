"""A username and a secret, with the time for which they are good."""

from __future__ import annotations


class Credential:
    """What a registry accepts; the secret never shows in a repr.

    Times are seconds since the epoch; `expires_at` is None where the issuer
    names no end. A plain class: importing dataclasses costs more than a whole
    cached get (performance.md B2: 55 M instructions against 16 M).
    """

    __slots__ = ("expires_at", "issued_at", "secret", "username")

    def __init__(
        self,
        username: str,
        secret: str,
        issued_at: float = 0.0,
        expires_at: float | None = None,
    ) -> None:
        self.username = username
        self.secret = secret
        self.issued_at = issued_at
        self.expires_at = expires_at

    def __repr__(self) -> str:
        """Show whose it is and until when, not what it is."""
        return f"Credential({self.username!r}, secret=…, expires_at={self.expires_at})"
