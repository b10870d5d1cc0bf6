"""The keys and certificates of Oracle's users and instances."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import MD5, SHA256, Hash
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from dockcred.testing.sandbox.rs256 import new_key

__all__ = ("Pair", "fingerprint", "make", "new_key", "pem")

Pair = tuple[x509.Certificate, rsa.RSAPrivateKey]


def make(units: tuple[str, ...], authority: Pair | None = None) -> Pair:
    """Return a new certificate and its key, signed by an authority or by itself."""
    key = new_key()
    kind = NameOID.ORGANIZATIONAL_UNIT_NAME
    name = x509.Name([x509.NameAttribute(kind, unit) for unit in units])
    now = datetime.now(UTC)
    issuer, signing_key = name, key
    if authority:
        issuer, signing_key = authority[0].subject, authority[1]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=2))
        .sign(signing_key, SHA256())
    )
    return made, key


def pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate in PEM, as the metadata service sends it."""
    return certificate.public_bytes(Encoding.PEM)


def fingerprint(key: rsa.RSAPublicKey) -> str:
    """Return Oracle's id of an API key: MD5 over its public key in DER."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    md5 = Hash(MD5())
    md5.update(der)
    return md5.finalize().hex(":")
