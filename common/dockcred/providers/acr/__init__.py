"""Azure Container Registry, in every cloud of Azure's.

hosts     which hosts, whose cloud each is in, and the audiences to ask a token for
sources   who can be asked, by which variables
identity  the sources in order, then the exchange
machine   our own requests to Entra and to the machine's endpoints
sdk       every other source, through azure-identity
exchange  the registry's own password for an Entra token
problems  what refusals mean, and which of them are passed over
sdk_problems  the same of what azure-identity raises
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError
from dockcred.identity.provider import LEASE_S, Provider, Source
from dockcred.providers.acr.hosts import custom_suffixes, registry_of
from dockcred.system.environment import azure, current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class ACR(Provider):
    """The provider of `docker-credential-acr-login`."""

    name = "acr"
    program = "docker-credential-acr-login"
    names = azure
    tags = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")
    metadata = ("Azure", "azure:imds")
    decides_by_registry = True
    sources = (
        # The client id is who one is; like an AWS secret key, its proof is not kept.
        Source("azure:client-secret", direct=True),
        # The certificate's file is watched.
        Source("azure:client-certificate"),
        Source("azure:user-password"),
        # Issuer and subject of the token are conditions.
        Source("azure:workload-identity", direct=True),
        Source("azure:imds", lease_s=LEASE_S, direct=True),
        Source("azure:app-service", lease_s=LEASE_S, direct=True),
        Source("azure:service-fabric", lease_s=LEASE_S),
        Source("azure:arc", lease_s=LEASE_S),
        Source("azure:machine-learning", lease_s=LEASE_S),
        Source("azure:cloud-shell", lease_s=LEASE_S),
        # The login's file is watched; PowerShell and azd cannot say who they are, and
        # not every one of their releases writes the same file: minted anew.
        Source("azure:cli"),
        Source("azure:powershell", lease_s=LEASE_S),
        Source("azure:developer-cli", lease_s=LEASE_S),
    )

    def __init__(self, suffixes: tuple[str, ...] | None = None) -> None:
        """Serve these suffixes beside Azure's own; by default the variable's."""
        if suffixes is None:
            text = current().get("DOCKCRED_ACR_SUFFIXES")
            suffixes = custom_suffixes(text) if text else ()
        self._suffixes = suffixes

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is ACR's; plain http carries no password."""
        if server.scheme == "http":
            return False
        return registry_of(server.host, self._suffixes) is not None

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Line up the sources that the variables allow."""
        registry = registry_of(server.host, self._suffixes)
        if registry is None:
            raise CredentialsNotFoundError
        from dockcred.providers.acr.identity import AzureIdentity  # noqa: PLC0415

        return AzureIdentity(registry, environment)

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user of every refresh token."""
        from dockcred.providers.acr.exchange import USERNAME  # noqa: PLC0415 - for `list`

        del server, environment
        return USERNAME

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return tenant, client and object: what the token said, else the variables."""
        from dockcred.providers.acr import sources  # noqa: PLC0415 - for `status`

        del server
        return sources.about(principal, environment)
