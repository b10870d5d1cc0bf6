"""The directory of Entra in the sandbox: tenants, applications and users."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5

TENANT = "5a4db0c5-0000-4000-8000-000000000001"
OTHER_TENANT = "5a4db0c5-0000-4000-8000-000000000002"
RESOURCES = frozenset({
    "https://containerregistry.azure.net", "https://management.azure.com",
    "https://containerregistry.azure.cn", "https://management.chinacloudapi.cn",
    "https://containerregistry.azure.us", "https://management.usgovcloudapi.net",
    "https://management.core.windows.net",  # the older name, which az uses
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Principal:
    """An application, a managed identity or a user; ids are derived from the name."""

    name: str
    tenant: str = TENANT
    secret: str = field(default="", repr=False)
    subject: str = ""
    """The subject of the federated tokens that it trusts."""
    certificate: bytes = field(default=b"", repr=False)
    """The certificate, in PEM, whose key authenticates it."""

    @property
    def client_id(self) -> str:
        """Return the application's id."""
        return _id(f"application/{self.name}")

    @property
    def object_id(self) -> str:
        """Return the id that roles are assigned to."""
        return _id(f"object/{self.name}")

    @property
    def resource_id(self) -> str:
        """Return the ARM id of a user-assigned identity."""
        return (
            f"/subscriptions/{_id('subscription')}/resourcegroups/sandbox/providers"
            f"/Microsoft.ManagedIdentity/userAssignedIdentities/{self.name}"
        )


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"https://sandbox.example/{name}"))


class Directory:
    """Applications by client id, users by refresh token, and the resources.

    A test removes a resource to imitate a cloud without it. A tenant's registries deny
    the principals whose object ids are in `denied`.
    """

    def __init__(self) -> None:
        self.tenants = {TENANT, OTHER_TENANT}
        self.resources = set(RESOURCES)
        self.denied: set[str] = set()
        self._applications: dict[str, Principal] = {}
        self._logins: dict[str, Principal] = {}

    def add(self, principal: Principal) -> Principal:
        """Register an application or a managed identity."""
        self._applications[principal.client_id] = principal
        return principal

    def application(self, client_id: str) -> Principal | None:
        """Return the application with this id; None if it is unknown."""
        return self._applications.get(client_id)

    def log_in(self, user: Principal) -> str:
        """Return the refresh token of a new login."""
        token = secrets.token_urlsafe(60)
        self._logins[token] = user
        return token

    def user(self, refresh_token: str) -> Principal | None:
        """Return the user of a refresh token; None if it is unknown."""
        return self._logins.get(refresh_token)
