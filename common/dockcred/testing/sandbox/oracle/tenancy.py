"""Who Oracle knows in the sandbox: users' keys, sessions, instances, pods."""

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
"""The regions to which the tenancy is subscribed, by key."""
INSTANCE_LIFE_S = 1200


def ocid(kind: str, region: str = "") -> str:
    """Return a new identifier, as Oracle writes them."""
    return f"ocid1.{kind}.oc1.{region}.aaaa{secrets.token_hex(14)}"


TENANCY = ocid("tenancy")


@dataclass(frozen=True, slots=True)
class Known:
    """Whose a key is, and until when; `ends` in epoch seconds, None for no end."""

    principal: str
    key: rsa.RSAPublicKey
    ends: float | None = None


class Tenancy:
    """One tenancy: its keys by their names, its machine, its registries' tokens.

    `instance` is the machine's own OCID, which a test may change.
    """

    def __init__(self) -> None:
        # Needs cryptography, which the extra `sandbox` brings, as all below does.
        from dockcred.testing.sandbox.identity_tokens import Issuer  # noqa: PLC0415

        self.issuer = Issuer("authService.oracle.sandbox.example")
        self.instance = ocid("instance", REGION)
        self._known: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._authority: tuple[x509.Certificate, rsa.RSAPrivateKey] | None = None
        self._leaf: tuple[str, x509.Certificate, rsa.RSAPrivateKey] | None = None

    def find(self, key_id: str, now: float) -> Known:
        """Return whose a key is by its name; raise Refusal where it is nobody's."""
        found = self._known.get(key_id)
        if found is None:
            raise Refusal(Reason.UNKNOWN_KEY, "there is no such key")
        if found.ends is not None and now >= found.ends:
            raise Refusal(Reason.EXPIRED, "the session has ended")
        return found

    def user(self, name: str) -> tuple[dict[str, str], rsa.RSAPrivateKey]:
        """Make a user with an API key; return what its profile says, and the key."""
        from dockcred.testing.sandbox.oracle import certificates  # noqa: PLC0415

        key, user = certificates.new_key(), ocid(f"user.{name}")
        fingerprint = certificates.fingerprint(key.public_key())
        self._known[f"{TENANCY}/{user}/{fingerprint}"] = Known(user, key.public_key())
        said = {"user": user, "tenancy": TENANCY, "fingerprint": fingerprint}
        return said, key

    def session(
        self, principal: str, key: rsa.RSAPublicKey, now: float, life_s: float
    ) -> str:
        """Return a token that names a session's key."""
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
        """Delete all keys of somebody."""
        names = [n for n, known in self._known.items() if known.principal == principal]
        for name in names:
            del self._known[name]

    @property
    def intermediate(self) -> x509.Certificate:
        """Return the certificate of the authority that signs for instances."""
        return self._ca()[0]

    def leaf(self) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
        """Return the instance's own certificate and key, made anew for another one."""
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
