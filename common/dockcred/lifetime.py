"""The four ages of a credential, from its receipt to its end.

    fresh   to half its life           answer
    aging   to three quarters          answer, and refresh in the background
    last    to SPARE before its end    mint; answer the old one only if that fails
    over    after that                 mint, or fail

A receipt in the future means that the clock was set back: nothing is known then.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential

FRESH, AGING, LAST, OVER = range(4)
SPARE_S = 60.0


def age(credential: Credential, now: float) -> int:
    """Answer which age the credential is in at a time in seconds since the epoch."""
    if credential.expires_at is None or now < credential.issued_at:
        return OVER
    life = credential.expires_at - credential.issued_at
    lived = now - credential.issued_at
    if lived < life / 2:
        return FRESH
    if lived < life * 3 / 4:
        return AGING
    if lived < life - min(SPARE_S, life / 10):
        return LAST
    return OVER


def fresh_until(credential: Credential) -> float:
    """Answer the end of the first age; 0 for a credential without an end."""
    if credential.expires_at is None:
        return 0.0
    return (credential.issued_at + credential.expires_at) / 2
