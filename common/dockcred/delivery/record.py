"""Until when what is in a place is good, and which of two is the newer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from dockcred.rendering.login import Login


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a rendering; times in whole seconds since the epoch.

    made_for    a digest of the format, the registries and the options; nothing for
                what another program has put there
    issued_at   when the credential that ends first was issued, or else when the
                rendering was put there
    expires_at  when that one ends; None where none of them does
    """

    made_for: str
    issued_at: int
    expires_at: int | None

    @classmethod
    def of(cls, made_for: str, logins: list[Login], now: float) -> Record:
        """Describe a rendering of these logins."""
        ending = [
            (login.credential.expires_at, login.credential.issued_at)
            for login in logins
            if login.credential.expires_at is not None
        ]
        if not ending:
            return cls(made_for, int(now), None)
        expires_at, issued_at = min(ending)
        return cls(made_for, int(issued_at or now), int(expires_at))

    def is_older_than(self, there: Record) -> bool:
        """Tell whether it ends sooner than what stands in its place.

        What was made for something else has no say: the target was changed since.
        """
        if there.expires_at is None or self.expires_at is None:
            return False
        if there.made_for and there.made_for != self.made_for:
            return False
        return self.expires_at < there.expires_at

    def ends(self, now: float) -> str:
        """Say how long it is good yet, or since when it is not."""
        if self.expires_at is None:
            return "has no end"
        if self.expires_at <= now:
            return f"ended at {timestamp(self.expires_at)}"
        return f"is good until {timestamp(self.expires_at)}"


def timestamp(seconds: int) -> str:
    """Write a moment as RFC 3339 in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def seconds(text: str) -> int | None:
    """Read a moment in RFC 3339; None for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None
