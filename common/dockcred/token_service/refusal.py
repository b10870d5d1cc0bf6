"""A request that gets no token, and what the caller is told."""

from __future__ import annotations

from typing import Self


class Refusal(Exception):  # noqa: N818 - the word of the field, and no failure of ours
    """A status, a code of OAuth (RFC 6749, 5.2), and a reason fit for anyone.

    The reason may not hold a secret, nor say more than the caller's own token does.
    `told` is for the log; `retry_after_s` for those who may come back.
    """

    def __init__(
        self,
        status: int,
        code: str,
        reason: str,
        told: str = "",
        retry_after_s: int = 0,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.told = told

    @classmethod
    def bad_request(cls, reason: str, code: str = "invalid_request") -> Self:
        """Refuse what is not written as it must be."""
        return cls(400, code, reason)

    @classmethod
    def unauthorized(cls, reason: str, told: str = "") -> Self:
        """Refuse who asks."""
        return cls(401, "invalid_grant", reason, told)

    @classmethod
    def unavailable(cls, reason: str, retry_after_s: int, told: str = "") -> Self:
        """Refuse for a while, for want of something that others must give us."""
        return cls(503, "temporarily_unavailable", reason, told, retry_after_s)
