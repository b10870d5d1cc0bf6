"""Azure in the sandbox: its directory, its services, its identities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.azure.app_service import AppService
from dockcred.testing.sandbox.azure.arc import Arc
from dockcred.testing.sandbox.azure.cloud_shell import CloudShell
from dockcred.testing.sandbox.azure.directory import TENANT, Directory
from dockcred.testing.sandbox.azure.entra import Entra
from dockcred.testing.sandbox.azure.identities import IDENTITIES
from dockcred.testing.sandbox.azure.identity_binding import IdentityBinding
from dockcred.testing.sandbox.azure.machine import Machine
from dockcred.testing.sandbox.azure.machine_learning import MachineLearning
from dockcred.testing.sandbox.azure.metadata import Metadata
from dockcred.testing.sandbox.azure.registry import USERNAME, ContainerRegistry
from dockcred.testing.sandbox.azure.resource_manager import ResourceManager
from dockcred.testing.sandbox.azure.service_fabric import ServiceFabric
from dockcred.testing.sandbox.azure.tokens import AccessTokens
from dockcred.testing.sandbox.azure.workplace import Workplace
from dockcred.testing.sandbox.messages import Response
from dockcred.testing.sandbox.service import Minted, Reason, Refusal, Service, Subject

ISSUER = "Azure Container Registry"


class Azure:
    """The state that the Azure services share.

    `directory` is Entra's directory, `machine` has the managed identities, `cluster`
    signs federated tokens. A registry with token authentication trusts
    `registry_certificate` (PEM) and ISSUER; its service is its host name. `thumbprint`
    returns the thumbprint of the certificate of a host name.
    """

    identities = IDENTITIES
    subject = Subject(
        provider="acr",
        hosts=(
            "sandbox.azurecr.io",
            "sandbox.azurecr.cn",
        ),
        nobody="azure-nothing",
        somebody="azure-client-secret",
    )
    # Registries and Entra have no endpoint variables: clients use their host names.
    needs_tls = True

    def __init__(self, expires_s: float, thumbprint: Callable[[str], str]) -> None:
        # Needs PyJWT and cryptography, which the extra `sandbox` installs.
        from dockcred.testing.sandbox.azure.signer import Signer  # noqa: PLC0415

        self.expires_s = expires_s
        self.thumbprint = thumbprint
        self.directory = Directory()
        self.machine = Machine()
        self.cluster = Signer("https://westeurope.oic.prod-aks.azure.com/sandbox/")
        self.entra_signer = Signer(f"https://sts.windows.net/{TENANT}/")
        self.registry_signer = Signer(ISSUER)
        self.tokens = AccessTokens(self.directory, self.entra_signer)
        self.minted_tokens: dict[str, Minted] = {}
        self.registry = ContainerRegistry(self)
        self.app_service = AppService(self)
        self.machine_learning = MachineLearning(self)
        self.arc = Arc(self)
        self.service_fabric = ServiceFabric(self)
        self.services: tuple[Service, ...] = (
            Entra(self),
            IdentityBinding(self),
            self.registry,
            Metadata(self),
            self.app_service,
            self.machine_learning,
            CloudShell(self),
            self.arc,
            self.service_fabric,
            ResourceManager(self),
        )

    @property
    def registry_certificate(self) -> bytes:
        """Return the root certificate to verify access tokens, in PEM."""
        return self.registry_signer.certificate

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""
        del tls
        return IDENTITIES[identity](Workplace(self, home, url))

    def workplace(self, home: Path, url: str) -> Workplace:
        """Return a Workplace, to change an identity after it was set up."""
        return Workplace(self, home, url)

    def machine_token(
        self, parameters: dict[str, str], names: dict[str, str], now: float
    ) -> Response:
        """Return the token of the managed identity of a request, or raise Refusal."""
        resource = parameters.get("resource", "")
        if not resource:
            raise Refusal(Reason.INVALID, "the parameter resource is missing")
        principal = self.machine.chosen(parameters, names)
        # go-autorest and adal add a slash to the resource, and the token has it too.
        if resource.removesuffix("/") not in self.directory.resources:
            raise Refusal(
                Reason.INVALID,
                f"AADSTS500011: The resource principal named {resource} was not found",
            )
        lifetime = self.tokens.lifetime_s
        return wire.answer({
            "access_token": self.tokens.issue(principal, resource, now),
            "client_id": principal.client_id,
            "expires_in": str(lifetime),
            "expires_on": str(int(now + lifetime)),
            "not_before": str(int(now)),
            "resource": resource,
            "token_type": "Bearer",
        })  # fmt: skip

    def minted(self, password: str) -> Minted | None:
        """Return what a registry's refresh token was issued for; None if unknown."""
        return self.minted_tokens.get(password)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        minted = self.minted_tokens.get(password)
        return (
            username == USERNAME
            and minted is not None
            and now < minted.expires_at
            and minted.host == host.lower().partition(":")[0]
        )
