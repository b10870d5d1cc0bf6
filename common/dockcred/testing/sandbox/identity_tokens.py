"""Signed identity tokens (JWT, ES256), as a cluster or a CI system issues them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from dockcred.testing.sandbox.service import Reason, Refusal

ES256 = ec.ECDSA(SHA256())
COORDINATE = 32  # bytes; RFC 7518 3.4: r and s have this fixed width


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Issuer:
    """One issuer of identity tokens, with its own key."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._key = ec.generate_private_key(ec.SECP256R1())

    def issue(
        self,
        *,
        subject: str,
        audience: str,
        issued_at: float,
        lifetime_s: float,
        **more: object,
    ) -> str:
        """Return a token for the subject and one audience, with more claims."""
        claims = {
            "iss": self.url,
            "sub": subject,
            "aud": [audience],
            "iat": int(issued_at),
            "nbf": int(issued_at),
            "exp": int(issued_at + lifetime_s),
            **more,
        }
        parts = ({"alg": "ES256", "kid": "sandbox", "typ": "JWT"}, claims)
        signed = ".".join(_encode(json.dumps(part).encode()) for part in parts)
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ES256))
        signature = r.to_bytes(COORDINATE, "big") + s.to_bytes(COORDINATE, "big")
        return f"{signed}.{_encode(signature)}"

    def verify(self, token: str, *, audience: str, now: float) -> dict[str, Any]:
        """Return the claims of one of our tokens, or raise Refusal."""
        claims = self._signed_claims(token)
        if claims["iss"] != self.url:
            raise Refusal(Reason.BAD_IDENTITY_TOKEN, "no provider has this issuer")
        if audience not in claims["aud"]:
            raise Refusal(Reason.BAD_IDENTITY_TOKEN, "incorrect token audience")
        if now >= claims["exp"]:
            raise Refusal(
                Reason.EXPIRED_IDENTITY_TOKEN,
                f"token expired: current date {int(now)} is past {claims['exp']}",
            )
        return claims

    def _signed_claims(self, token: str) -> dict[str, Any]:
        try:
            header, payload, signature = token.split(".")
            raw = _decode(signature)
            r, s = raw[:COORDINATE], raw[COORDINATE:]
            self._key.public_key().verify(
                encode_dss_signature(
                    int.from_bytes(r, "big"), int.from_bytes(s, "big")
                ),
                f"{header}.{payload}".encode(),
                ES256,
            )
            claims: dict[str, Any] = json.loads(_decode(payload))
        except (ValueError, binascii.Error, InvalidSignature) as error:
            raise Refusal(
                Reason.BAD_IDENTITY_TOKEN, "the token's signature cannot be verified"
            ) from error
        return claims
