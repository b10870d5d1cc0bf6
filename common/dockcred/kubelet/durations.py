"""Lengths of time as Go's time.Duration writes them: 11h30m0s."""

from __future__ import annotations

_MARGIN_S = 1800
_MARGIN_SHARE = 6


def go_duration(seconds: float) -> str:
    """Write whole seconds, rounded down, as Duration.String does; never below 0s."""
    minutes, second = divmod(max(0, int(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minute}m{second}s"
    return f"{minute}m{second}s" if minute else f"{second}s"


def cache_duration(expires_at: float | None, now: float) -> str | None:
    """Answer how long kubelet may keep a credential, both times in epoch seconds.

    Less than its life by half an hour, or by a sixth where that is shorter: a pull
    that begins with it must be able to end with it. None for one without an end,
    which leaves it to the node's defaultCacheDuration.
    """
    if expires_at is None:
        return None
    remaining = expires_at - now
    return go_duration(remaining - min(_MARGIN_S, remaining / _MARGIN_SHARE))
