"""Entra's access token, with what it tells of its bearer."""

from __future__ import annotations

from dockcred.claims import claims_of


class AccessToken:
    """A bearer token; `tenant` and `said` (tenant, application, object) come from it.

    `said` is empty where the token tells nothing. The value never shows in a repr.
    """

    __slots__ = ("said", "tenant", "value")

    def __init__(self, value: str, client_id: str = "") -> None:
        """Read the claims; `client_id` is what the source told beside the token."""
        claims = claims_of(value.encode("utf-8", "replace"))
        self.value = value
        self.tenant = _word(claims.get("tid"))
        application = _word(claims.get("appid") or claims.get("azp") or client_id)
        bearer = _word(claims.get("oid"))
        known = application or bearer
        self.said = f"{self.tenant}/{application}/{bearer}" if known else ""

    def __repr__(self) -> str:
        """Show whose it is."""
        return f"AccessToken({self.said!r}, value=…)"


def _word(value: object) -> str:
    """Keep what an id is made of; the text is a stranger's."""
    text = value if isinstance(value, str) else ""
    return "".join(c for c in text[:100] if c.isascii() and (c.isalnum() or c in "-."))
