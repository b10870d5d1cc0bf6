"""Sign tokens (JWT, ES256), and have the certificate that verifies them."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dockcred.testing.sandbox.service import Reason, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from jwt.types import Options  # not in Debian 12's PyJWT, nor used at run time

ALGORITHM = "ES256"
VALIDITY = timedelta(days=1)
UNCHECKED: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
}


class Signer:
    """An issuer of tokens; `certificate` is its root in PEM, as registries need it."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(self._key)
        self.certificate = made.public_bytes(serialization.Encoding.PEM)
        encoded = made.public_bytes(serialization.Encoding.DER)
        # distribution finds the key by the certificate chain, others by the key id.
        self._header = {
            "x5c": [base64.b64encode(encoded).decode()],
            "kid": hashlib.sha256(encoded).hexdigest()[:40],
        }

    def sign(
        self, *, audience: str, now: float, lifetime_s: float, **claims: Any
    ) -> str:
        """Return a token of this issuer for one audience."""
        claims = {
            "iss": self.issuer,
            "aud": audience,
            "iat": int(now),
            "nbf": int(now),
            "exp": int(now + lifetime_s),
        } | claims
        return jwt.encode(claims, self._key, ALGORITHM, headers=self._header)

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that this key signed, or raise Refusal."""
        try:
            # Each service checks the other claims, with its own messages and clock.
            return jwt.decode(
                token,
                self._key.public_key(),
                algorithms=[ALGORITHM],
                options=UNCHECKED,
            )
        except jwt.InvalidTokenError as error:
            raise Refusal(
                Reason.BAD_IDENTITY_TOKEN, "the signature cannot be verified"
            ) from error


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "dockcred sandbox")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALIDITY)
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
