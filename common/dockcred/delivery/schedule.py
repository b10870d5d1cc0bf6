"""When to look at a target again.

Between half and three quarters of a credential's life, at a moment that each process
draws for itself, so that what was started together does not ask together.
"""

from __future__ import annotations

import random

from dockcred.delivery.record import Record

EARLIEST, LATEST = 0.5, 0.75
"""Parts of a life between which it is renewed."""

RECHECK_S = 3600.0
"""How often to ask for a credential that has no end: somebody may have changed it."""

NEW_PLACES_S = 60.0
"""How often to look for namespaces that are new."""

SOONEST_S = 1.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0

_chance = random.SystemRandom()


def draw() -> float:
    """Draw the part of a life after which to renew."""
    return _chance.uniform(EARLIEST, LATEST)


def is_due(record: Record, now: float, part: float) -> bool:
    """Tell whether so much of the life is over; what has no end is always due."""
    if record.expires_at is None:
        return True
    return now >= record.issued_at + part * (record.expires_at - record.issued_at)


def seconds_until_due(record: Record, now: float, part: float) -> float:
    """Answer how long to leave it alone."""
    if record.expires_at is None:
        return RECHECK_S * part
    life = record.expires_at - record.issued_at
    return max(SOONEST_S, record.issued_at + part * life - now)


def pause_s(failures: int) -> float:
    """Answer how long to wait after so many failures in a row: longer, and by chance.

    Half of it is certain and half is drawn, from a second to five minutes.
    """
    longest = min(FIRST_PAUSE_S * 2.0 ** min(failures, 32), LONGEST_PAUSE_S)
    return _chance.uniform(longest / 2, longest)
