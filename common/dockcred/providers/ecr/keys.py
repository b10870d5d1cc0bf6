"""AWS access keys, as a source hands them out."""

from __future__ import annotations


class Keys:
    """An access key id with its secret, and a token where they are temporary.

    `expires_at` is in seconds since the epoch, None for keys without an end; `said`
    is what the source told of whose they are.
    """

    __slots__ = ("access_key_id", "expires_at", "said", "secret", "session_token")

    def __init__(
        self,
        access_key_id: str,
        secret: str,
        session_token: str = "",
        *,
        expires_at: float | None = None,
        said: str = "",
    ) -> None:
        self.access_key_id = access_key_id
        self.secret = secret
        self.session_token = session_token
        self.expires_at = expires_at
        self.said = said

    def __repr__(self) -> str:
        """Show the public half."""
        return f"Keys({self.access_key_id!r}, secret=…)"
