"""Assertions signed with RSA (JWT, RS256): make keys, and verify."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from dockcred.testing.sandbox.service import Reason, Refusal


def claims(token: str) -> dict[str, Any]:
    """Return the claims of an assertion, not verified, or raise Refusal."""
    try:
        header, payload, _ = token.split(".")
        if json.loads(_decode(header)).get("alg") != "RS256":
            raise Refusal(Reason.BAD_SIGNATURE, "the assertion is not signed RS256")
        found: dict[str, Any] = json.loads(_decode(payload))
    except (ValueError, AttributeError) as error:
        raise Refusal(Reason.MALFORMED, "the assertion is no JWT") from error
    if not isinstance(found, dict):
        raise Refusal(Reason.MALFORMED, "the assertion claims nothing")
    return found


def verify(token: str, key: rsa.RSAPublicKey) -> None:
    """Raise Refusal unless this key signed the assertion."""
    signed, _, signature = token.rpartition(".")
    try:
        key.verify(_decode(signature), signed.encode(), padding.PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature) as error:
        raise Refusal(Reason.BAD_SIGNATURE, "Invalid JWT Signature.") from error


def new_key() -> rsa.RSAPrivateKey:
    """Return a new private key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    """Return a private key in PEM, as the clouds give it to users."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
