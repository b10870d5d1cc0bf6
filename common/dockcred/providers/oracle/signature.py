"""Sign requests to Oracle's cloud: RSA with SHA-256 over some headers.

Source: docs.oracle.com "Request Signatures", version 1, after
draft-cavage-http-signatures-08. This module needs cryptography, so it is imported only
where there is a key to read.
"""

from __future__ import annotations

import base64
import hashlib
from email.utils import formatdate

from dockcred.errors import IssueError, MissingExtraError

try:
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
except ImportError:
    raise MissingExtraError(
        "an Oracle identity needs cryptography, which is not installed",
        "run: pip install 'dockcred[oracle]'",
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

GENERIC = ("date", "(request-target)", "host")
OF_BODY = ("content-length", "content-type", "x-content-sha256")


class Signer:
    """A signer: a private key, and the name by which Oracle knows its public key."""

    def __init__(
        self, key_id: str, key: rsa.RSAPrivateKey, signed: tuple[str, ...] = GENERIC
    ) -> None:
        """Set the fields; `signed` are the headers that are signed, in order."""
        self.key_id = key_id
        self._key = key
        self._signed = signed

    def headers(
        self, method: str, netloc: str, path: str, body: bytes = b""
    ) -> dict[str, str]:
        """Return the headers of a request, including its signature."""
        found = {"date": formatdate(usegmt=True), "content-type": "application/json"}
        signed = self._signed
        if body:
            digest = hashlib.sha256(body).digest()
            found["x-content-sha256"] = base64.b64encode(digest).decode()
            signed += OF_BODY
        values = found | {
            "(request-target)": f"{method.lower()} {path}",
            "host": netloc,
            "content-length": str(len(body)),
        }
        found["authorization"] = self._authorization(signed, values)
        return found

    def _authorization(self, signed: tuple[str, ...], values: Mapping[str, str]) -> str:
        text = "\n".join(f"{name}: {values[name]}" for name in signed)
        made = self._key.sign(text.encode("ascii"), padding.PKCS1v15(), SHA256())
        signature = base64.b64encode(made).decode()
        return (
            f'Signature algorithm="rsa-sha256",headers="{" ".join(signed)}",'
            f'keyId="{self.key_id}",signature="{signature}",version="1"'
        )


def read_key(data: bytes, passphrase: str, where: str) -> rsa.RSAPrivateKey:
    """Parse a private key in PEM; a passphrase that it does not need is ignored.

    Raises IssueError for a key that cannot be used; `where` names the key in its text.
    """
    data = data.strip()
    try:
        try:
            key = load_pem_private_key(data, passphrase.encode() or None)
        except TypeError:
            if not passphrase:
                raise IssueError(
                    f"the key {where} is encrypted, and no passphrase is known",
                    "set pass_phrase in the profile, or OCI_CLI_PASSPHRASE",
                ) from None
            key = load_pem_private_key(data, None)
    except (ValueError, TypeError):
        raise IssueError(
            f"the key {where} cannot be read: it is no private key in PEM, or the "
            "passphrase is another's",
            "see key_file and pass_phrase in Oracle's configuration",
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise IssueError(
            f"the key {where} is no RSA key", "Oracle takes RSA keys: make one"
        )
    return key
