"""Who asks: an ID token of a listed issuer, verified before a claim is looked at.

Only the issuer's name is read from a token that nobody has verified, to choose whose
keys to verify it with. Headers that bring or name a key (`jwk`, `jku`, `x5c`, `x5u`)
are not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from dockcred.token_service.issuer_keys import Fetch, IssuerKeys
from dockcred.token_service.refusal import Refusal
from dockcred.token_service.settings import Issuer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from jwt.types import Options

MAX_CHARACTERS = 16 * 1024
SKEW_S = 30
"""How far an issuer's clock may be before ours; none may be behind at the end."""

_MALFORMED = (
    *(jwt.PyJWTError, ValueError, TypeError, KeyError),
    *(OverflowError, RecursionError, AttributeError),
)
_UNVERIFIED: Options = {"verify_signature": False}
_REASONS = (
    (jwt.ExpiredSignatureError, "the token has expired"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidAudienceError, "the token is for another audience"),
    (jwt.MissingRequiredClaimError, "the token lacks a claim that it must have"),
    (jwt.InvalidSignatureError, "the token's signature is not its issuer's"),
)


@dataclass(frozen=True)
class Identity:
    """Who asks, for how long that is known, and all that the issuer says of them."""

    issuer: str
    subject: str
    expires_at: float
    claims: Mapping[str, Any]


class Verifier:
    """Verifies the tokens of some issuers; `clock` tells the time of day."""

    def __init__(
        self,
        issuers: Iterable[Issuer],
        fetch: Fetch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = {
            issuer.url: (issuer, IssuerKeys(issuer, fetch)) for issuer in issuers
        }
        self._clock = clock

    async def identify(self, token: str) -> Identity:
        """Answer whose token this is; raise Refusal for one that is not believed."""
        if len(token) > MAX_CHARACTERS:
            raise Refusal.bad_request("the token is too long")
        header, url = _unverified(token)
        if url not in self._issuers:
            raise Refusal.unauthorized("the token's issuer is not listed here", url)
        issuer, keys = self._issuers[url]
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms:
            raise Refusal.unauthorized("the token is signed in a way not taken here")
        if not isinstance(key_id, str | None):
            raise Refusal.unauthorized("the token is not a JWT")
        key = await keys.find(key_id)
        if key.algorithm not in {"", algorithm}:
            raise Refusal.unauthorized("the token's key is for another algorithm")
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[algorithm],
                audience=issuer.audience,
                issuer=issuer.url,
                leeway=SKEW_S,
                options={"require": ["iss", "sub", "aud", "exp"]},
            )
            expires_at = float(claims["exp"])
        except _MALFORMED as error:
            raise Refusal.unauthorized(_reason(error)) from None
        # PyJWT's leeway is for both ends; what we grant must end with the token.
        if not expires_at - self._clock() >= 1:
            raise Refusal.unauthorized("the token has expired")
        return Identity(issuer.name, claims["sub"], expires_at, claims)


def _unverified(token: str) -> tuple[Mapping[str, Any], str]:
    """Answer the header, and the issuer that the claims name."""
    try:
        parts = jwt.decode_complete(token, options=_UNVERIFIED)
        header, url = parts["header"], parts["payload"]["iss"]
    except _MALFORMED:
        raise Refusal.unauthorized("the password is not a JWT with an issuer") from None
    # A header that must be understood and is not (RFC 7515, 4.1.11).
    if "crit" in header or not isinstance(url, str):
        raise Refusal.unauthorized("the token is not one that is understood here")
    return header, url


def _reason(error: Exception) -> str:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return "the token cannot be verified"
