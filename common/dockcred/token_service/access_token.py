"""The token that the registry believes (distribution, docs/spec/auth/jwt.md)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

from dockcred.token_service.scope import Access
from dockcred.token_service.settings import JWKS, Settings
from dockcred.token_service.signing_key import ALGORITHM, SigningKey

MAX_SUBJECT = 255


@dataclass(frozen=True)
class AccessToken:
    """A signed token, its id for the log, and its life in seconds."""

    text: str
    id: str
    issued_at: int
    life_s: int

    def reply(self, granted: Iterable[Access]) -> dict[str, Any]:
        """Write it as clients want it: the older name of the token, and OAuth's."""
        issued = datetime.fromtimestamp(self.issued_at, UTC)
        return {
            "token": self.text,
            "access_token": self.text,
            "token_type": "Bearer",
            "expires_in": self.life_s,
            "issued_at": issued.isoformat().replace("+00:00", "Z"),
            "scope": " ".join(map(str, granted)),
        }


def sign(
    settings: Settings,
    key: SigningKey,
    *,
    subject: str,
    granted: Iterable[Access],
    now: float,
    until: float,
) -> AccessToken:
    """Sign what was granted, for the settings' life and not beyond `until`."""
    issued_at, token_id = int(now), str(uuid.uuid4())
    expires_at = int(min(issued_at + settings.life_s, until))
    # 2.8 wants one string for `aud`; 3.x with a JWKS refuses a chain, and 2.8 with a
    # bundle an id that is not libtrust's: so one of the two, never both.
    header = {"kid": key.id} if settings.sign_for == JWKS else {"x5c": key.chain}
    text = jwt.encode(
        {
            "iss": settings.name,
            "sub": subject[:MAX_SUBJECT],
            "aud": settings.service,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": expires_at,
            "jti": token_id,
            "access": [access.claim() for access in granted],
        },
        key.private,
        ALGORITHM,
        headers=header,
    )
    return AccessToken(text, token_id, issued_at, expires_at - issued_at)
