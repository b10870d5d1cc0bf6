"""What a JWT says of itself, read without verifying it: its issuer is not our peer."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PARTS = 3  # header, claims, signature
_FAR_S = 2.0**40  # some thirty thousand years from now: no clock gets there


def claims_of(token: bytes) -> dict[str, Any]:
    """Answer a JWT's claims, nothing for what is not one."""
    import binascii  # noqa: PLC0415 - a miss, or a token file that has changed

    from dockcred import plain_json  # noqa: PLC0415

    parts = token.strip().split(b".")
    if len(parts) != _PARTS:
        return {}
    coded = parts[1].replace(b"-", b"+").replace(b"_", b"/")
    try:
        found = plain_json.loads(binascii.a2b_base64(coded + b"=" * (-len(coded) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def seconds(value: object) -> float | None:
    """Answer a time as JSON has it, in seconds; None for what no clock could show."""
    if isinstance(value, int | float) and 0 < value < _FAR_S:
        return float(value)
    return None
