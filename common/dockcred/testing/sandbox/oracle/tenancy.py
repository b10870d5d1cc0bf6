"""The keys that Oracle knows in the sandbox: of users, sessions, instances and pods."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.service import Reason, Refusal

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

REALM = "oraclecloud.com"
REGION, REGION_KEY = "eu-frankfurt-1", "fra"
SUBSCRIBED = {REGION_KEY: REGION, "iad": "us-ashburn-1"}
"""The regions that the tenancy is subscribed to, by region key."""
INSTANCE_LIFE_S = 1200


def ocid(kind: str, region: str = "") -> str:
    """Return a new OCID in Oracle's format."""
    return f"ocid1.{kind}.oc1.{region}.aaaa{secrets.token_hex(14)}"


TENANCY = ocid("tenancy")


@dataclass(frozen=True, slots=True)
class Known:
    """The owner of a key; `ends` in epoch seconds, None without expiry."""

    principal: str
    key: rsa.RSAPublicKey
    ends: float | None = None


class Tenancy:
    """One tenancy: its keys by name, its machine, its sessions.

    `instance` is the machine's own OCID, which a test may change.
    """

    def __init__(self) -> None:
        # Needs cryptography, which the extra `sandbox` installs; so does all below.
        from dockcred.testing.sandbox.identity_tokens import Issuer  # noqa: PLC0415

        self.issuer = Issuer("authService.oracle.sandbox.example")
        self.instance = ocid("instance", REGION)
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._authority: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None
        self._leaf: tuple[str, x509.Certificate, rsa.RSAPrivateKey] | None = None

    def find(self, key_id: str, now: float) -> Known:
        """Return the owner of a key by its name; raise Refusal if it is unknown."""
        found = self._known.get(key_id)
        if found is None:
            raise Refusal(Reason.UNKNOWN_KEY, "there is no such key")
        if found.ends is not None and now >= found.ends:
            raise Refusal(Reason.EXPIRED, "the session has ended")
        return found

    def user(self, name: str) -> tuple[dict[str, str], rsa.RSAPrivateKey]:
        """Create a user with an API key; return its profile's fields, and the key."""
        from dockcred.testing.sandbox.oracle import certificates  # noqa: PLC0415

        key, user = certificates.new_key(), ocid(f"user.{name}")
        fingerprint = certificates.fingerprint(key.public_key())
        self._known[f"{TENANCY}/{user}/{fingerprint}"] = Known(user, key.public_key())
        said = {"user": user, "tenancy": TENANCY, "fingerprint": fingerprint}
        return said, key

    def session(
        self, principal: str, key: rsa.RSAPublicKey, now: float, life_s: float
    ) -> str:
        """Issue a token that stands for a session's key."""
        token = self.issuer.issue(
            subject=principal,
            audience="oci",
            issued_at=now,
            lifetime_s=life_s,
            tenant=TENANCY,
            res_tenant=TENANCY,
            jti=secrets.token_hex(8),
        )
        self._known[f"ST${token}"] = Known(principal, key, now + life_s)
        return token

    def revoke(self, principal: str) -> None:
        """Delete all keys of a principal."""
        names = [n for n, known in self._known.items() if known.principal == principal]
        for name in names:
            del self._known[name]

    @property
    def intermediate(self) -> x509.Certificate:
        """Return the certificate of the authority that signs for instances."""
        return self._ca()[0]

    def leaf(self) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
        """Return the certificate and key of the current instance."""
        from dockcred.testing.sandbox.oracle import certificates  # noqa: PLC0415

        authority = self._ca()
        with self._lock:
            if self._leaf is None or self._leaf[0] != self.instance:
                units = (f"opc-instance:{self.instance}", f"opc-tenant:{TENANCY}")
                made = certificates.make(units, authority)
                self._leaf = (self.instance, *made)
            return self._leaf[1:]

    def _ca(self) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
        from dockcred.testing.sandbox.oracle import certificates  # noqa: PLC0415

        with self._lock:
            if self._authority is None:
                self._authority = certificates.make(("PKISVC Identity Intermediate",))
            return self._authority
