"""Form fields as a query or a body has them (application/x-www-form-urlencoded).

Our own five lines: urllib.parse costs 8 M instructions, a tenth of a cold `get`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
)


def urlencode(fields: Mapping[str, str]) -> str:
    """Join the fields, all but RFC 3986's unreserved characters as %XX of UTF-8."""
    return "&".join(f"{_quote(name)}={_quote(fields[name])}" for name in fields)


def _quote(text: str) -> str:
    data = text.encode("utf-8", "replace")
    if _PLAIN.issuperset(data):
        return text
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)
