"""An ID token: parsed once and strictly, and valid only if every part of it is.

PyJWT checks the signature, but does not parse the token here. Its parser looks at each
character in Python, and at each token twice; that was half of a request's time. The
tests compare which tokens PyJWT and we accept.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from dockcred.commands.token_service.issuer_documents import PublishedKey
from dockcred.commands.token_service.request import Refusal

MAX_CHARACTERS = 16 * 1024
MAX_KEY_ID = 512
SKEW_S = 30
"""Seconds that an issuer's clock may be ahead of ours.

There is no tolerance at a token's expiry.
"""

_FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_SIGNATURE_BYTES = {
    "RS": range(256, 1025),
    "PS": range(256, 1025),
    "ES256": (64,),
    "ES384": (96,),
    "ES512": (132,),
    "EdDSA": (64, 114),
}
"""Length of a signature in bytes (RFC 7518, 3.3 to 3.5; RFC 8032)."""

_REQUIRED = ("iss", "sub", "aud", "exp")
_ALGORITHMS = jwt.algorithms.get_default_algorithms()
_NO_TOKEN = "the password is not a JWT with an issuer"  # noqa: S105 - a message
_NOT_VERIFIED = "the token cannot be verified"
_MALFORMED = (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError)


@dataclass(frozen=True)
class IdToken:
    """The content of a token, not verified; the issuer signed the bytes `signed`."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    issuer: str
    signed: bytes
    signature: bytes

    @property
    def key_id(self) -> str | None:
        """Return the id of the key that signed the token; None if it names none."""
        found: str | None = self.header.get("kid")
        return found

    def check_form(self, algorithms: Container[str]) -> None:
        """Raise Refusal for an invalid algorithm, key id or signature length."""
        algorithm, key_id = self.header.get("alg"), self.header.get("kid", "")
        if not isinstance(algorithm, str) or algorithm not in algorithms:
            raise Refusal.unauthorized("the token is signed in a way not taken here")
        if not isinstance(key_id, str) or len(key_id) > MAX_KEY_ID:
            raise Refusal.unauthorized("the token is not a JWT")
        if len(self.signature) not in _lengths(algorithm):
            raise Refusal.unauthorized("the token is not signed")

    def check_claims(self, audience: str, now: float) -> float:
        """Return the token's expiry; raise Refusal if it is not for us, or not now.

        RFC 7519, 4.1: times are numbers, and an audience is one string or a list of
        strings.
        """
        claims = self.claims
        if any(claims.get(name) is None for name in _REQUIRED) or not claims["aud"]:
            raise Refusal.unauthorized("the token lacks a claim that it must have")
        for name in ("iat", "nbf"):
            if name in claims and _time(claims[name]) > now + SKEW_S:
                raise Refusal.unauthorized("the token is not valid yet")
        expires_at = _time(claims["exp"])
        # Our token must expire with this one, and live at least one second.
        if not expires_at - now >= 1:
            raise Refusal.unauthorized("the token has expired")
        listed = claims["aud"]
        if not isinstance(listed, list):
            listed = [listed]
        if audience not in listed or not all(isinstance(each, str) for each in listed):
            raise Refusal.unauthorized("the token is for another audience")
        if not all(isinstance(claims.get(name, ""), str) for name in ("sub", "jti")):
            raise Refusal.unauthorized(_NOT_VERIFIED)
        return expires_at

    def check_signature(self, key: PublishedKey) -> None:
        """Raise Refusal if this key did not sign the token."""
        algorithm = self.header["alg"]
        if key.algorithm not in {"", algorithm}:
            raise Refusal.unauthorized("the token's key is for another algorithm")
        known = _ALGORITHMS[algorithm]
        try:
            public = known.prepare_key(key.public)
            is_good = known.verify(self.signed, public, self.signature)
        except _MALFORMED:
            raise Refusal.unauthorized(_NOT_VERIFIED) from None
        if not is_good:
            raise Refusal.unauthorized("the token's signature is not its issuer's")


def read(text: str) -> IdToken:
    """Parse a token; raise Refusal if it is none, or has an unknown critical header."""
    if len(text) > MAX_CHARACTERS:
        raise Refusal.bad_request("the token is too long")
    parts = _FORM.fullmatch(text)
    if not parts:
        raise Refusal.unauthorized(_NO_TOKEN)
    try:
        header, claims, signature = map(_decode, parts.groups())
        said, claimed = (
            json.loads(str(header, "utf-8")),
            json.loads(str(claims, "utf-8")),
        )
    except (ValueError, RecursionError):
        raise Refusal.unauthorized(_NO_TOKEN) from None
    if not isinstance(said, dict) or not isinstance(claimed, dict):
        raise Refusal.unauthorized(_NO_TOKEN)
    issuer = claimed.get("iss")
    if issuer is None:
        raise Refusal.unauthorized(_NO_TOKEN)
    # The token requires an extension that we do not support (RFC 7515, 4.1.11; RFC
    # 7797).
    if (
        "crit" in said
        or said.get("b64", True) is not True
        or not isinstance(issuer, str)
    ):
        raise Refusal.unauthorized("the token is not one that is understood here")
    signed = text[: parts.end(2)].encode("ascii")
    return IdToken(said, claimed, issuer, signed, signature)


def _decode(part: str) -> bytes:
    """Decode base64url; raise ValueError for a spelling that is not canonical."""
    found = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if urlsafe_b64encode(found).rstrip(b"=") != part.encode("ascii"):
        raise ValueError(part)
    return found


def _lengths(algorithm: str) -> Container[int]:
    """Return the possible lengths in bytes of a signature by this algorithm."""
    return _SIGNATURE_BYTES.get(algorithm) or _SIGNATURE_BYTES[algorithm[:2]]


def _time(value: object) -> float:
    """Read a NumericDate; raise Refusal for other values, and for numbers too large."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refusal.unauthorized(_NOT_VERIFIED)
    try:
        int(value)
        return float(value)
    except (ValueError, OverflowError):  # NaN, Infinity and 1e400
        raise Refusal.unauthorized(_NOT_VERIFIED) from None
