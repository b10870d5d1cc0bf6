"""Oracle in the sandbox: a tenancy, its registries, the machine's identity."""

from __future__ import annotations

from pathlib import Path

from dockcred.testing.sandbox.oracle import identities, machine, registry
from dockcred.testing.sandbox.oracle.tenancy import REGION, REGION_KEY, Tenancy
from dockcred.testing.sandbox.service import Minted, Service, Subject

MAX_LIFE_S = 3600


class Oracle:
    """The state that the services share: the tenancy, and its registries' tokens."""

    identities = identities.IDENTITIES
    subject = Subject(
        provider="oracle",
        hosts=(f"{REGION_KEY}.ocir.io", f"ocir.{REGION}.oci.oraclecloud.com"),
        nobody="oracle-nobody",
        somebody="oracle-api-key",
    )
    needs_tls = True

    def __init__(self, expires_s: float) -> None:
        self.life_s = min(expires_s, MAX_LIFE_S)
        self.tenancy = Tenancy()
        self.services: tuple[Service, ...] = (
            registry.Registry(self),
            machine.Metadata(self),
            machine.Auth(self),
            machine.Cluster(self),
        )
        self._minted: dict[str, Minted] = {}

    def service_account_token(self, account: str, now: float) -> str:
        """Return a pod's service account token, as kubelet writes it."""
        return self.tenancy.issuer.issue(
            subject=f"system:serviceaccount:default:{account}",
            audience="api",
            issued_at=now,
            lifetime_s=3600,
        )

    def mint(self, region: str, principal: str, now: float) -> str:
        """Return a new token for a region's registry."""
        token, stands_for = registry.new_token(region, principal, now + self.life_s)
        self._minted[token] = stands_for
        return token

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""
        del tls  # clients use the registries' real names only
        return identities.IDENTITIES[identity](self, home, url)

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password was issued for; None if it is unknown."""
        return self._minted.get(password)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        found = self._minted.get(password)
        return (
            found is not None
            and username == registry.USER
            and found.region == registry.region_of(host.lower().partition(":")[0])
            and now < found.expires_at
        )


CLOUD = Oracle
