"""One of our signing keys, and the two ways in which a registry verifies with it.

distribution 2.8 takes a chain of certificates, and looks for its root in a bundle. 3.x
also takes that, or a JWKS in which the key id is the key's thumbprint (RFC 7638).
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from dockcred.errors import InvalidInputError

ALGORITHM = "ES256"
_COORDINATE = 32  # bytes, RFC 7518 6.2.1.2
_ECDSA = ec.ECDSA(hashes.SHA256())
# Registries refuse a chain outside its validity. Rotation retires a key, not this date.
_VALID = timedelta(days=3650)
_CLOCK_SKEW = timedelta(hours=1)


class SigningKey:
    """A private key on P-256, and its self-signed certificate."""

    def __init__(
        self, private: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
    ) -> None:
        self.private = private
        self._certificate = certificate

    @classmethod
    def generate(cls) -> Self:
        """Make a new key."""
        private = ec.generate_private_key(ec.SECP256R1())
        return cls(private, _certify(private))

    @classmethod
    def from_pem(cls, pem: bytes) -> Self:
        """Read what `pem` returned; raise InvalidInputError for other bytes."""
        try:
            private = load_pem_private_key(pem, password=None)
            certificate = x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise InvalidInputError(
                "a signing key cannot be read", "bring it back, or make new keys"
            ) from None
        if (
            not isinstance(private, ec.EllipticCurvePrivateKey)
            or certificate.public_key() != private.public_key()
        ):
            raise InvalidInputError(
                "a signing key and its certificate are not of one another",
                "bring them back, or make new keys",
            )
        return cls(private, certificate)

    def pem(self) -> bytes:
        """Return the private key and its certificate in PEM."""
        private = self.private.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        return private + self.certificate_pem()

    def certificate_pem(self) -> bytes:
        """Return the certificate in PEM, for a registry's `rootcertbundle`."""
        return self._certificate.public_bytes(Encoding.PEM)

    def sign(self, claims: dict[str, Any], *, by_id: bool) -> str:
        """Return a signed JWT (RFC 7515) that names this key by its id or its chain.

        It is encoded here, as all our keys are of one type and the header never
        changes.
        """
        header = self._header_by_id if by_id else self._header_by_chain
        text = json.dumps(claims, separators=(",", ":")).encode()
        signed = f"{header}.{_base64url(text)}"
        made = self.private.sign(signed.encode("ascii"), _ECDSA)
        r, s = decode_dss_signature(made)
        signature = r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
        return f"{signed}.{_base64url(signature)}"

    @cached_property
    def _header_by_id(self) -> str:
        return _header({"kid": self.id})

    @cached_property
    def _header_by_chain(self) -> str:
        return _header({"x5c": self.chain})

    @cached_property
    def chain(self) -> list[str]:
        """Return the certificate chain in the form of `x5c` (RFC 7515, 4.1.6)."""
        encoded = self._certificate.public_bytes(Encoding.DER)
        return [base64.b64encode(encoded).decode()]

    @cached_property
    def id(self) -> str:
        """Return the thumbprint of the public key (RFC 7638)."""
        members = json.dumps(self._members(), sort_keys=True, separators=(",", ":"))
        digest = hashes.Hash(hashes.SHA256())
        digest.update(members.encode())
        return _base64url(digest.finalize())

    def jwk(self) -> dict[str, Any]:
        """Return the public key as a JWK, for a registry's `jwks`."""
        return self._members() | {"kid": self.id, "alg": ALGORITHM, "use": "sig"}

    def _members(self) -> dict[str, str]:
        """Return the members of the JWK that define the key.

        Only these are hashed for its id (RFC 7638).
        """
        numbers = self.private.public_key().public_numbers()
        return {
            "crv": "P-256",
            "kty": "EC",
            "x": _base64url(numbers.x.to_bytes(_COORDINATE, "big")),
            "y": _base64url(numbers.y.to_bytes(_COORDINATE, "big")),
        }


def _header(names: dict[str, Any]) -> str:
    text = json.dumps({"alg": ALGORITHM, "typ": "JWT"} | names, separators=(",", ":"))
    return _base64url(text.encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _certify(private: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "dockcred token service")]
    )
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
