"""Azure Container Registry, in each of Azure's clouds.

hosts     which hosts are ACR's, the cloud of each, and the audiences of its tokens
sources   which sources of an identity the variables allow
identity  asks the sources in order, then exchanges the token
machine   our own requests to Entra and to the machine's endpoints
sdk       every other source, through azure-identity
exchange  exchanges an Entra token for the registry's own password
problems  what refusals mean, and after which of them the next source is asked
sdk_problems  the same for the errors of azure-identity
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
        # No lease: the client id tells the identity. The value of its secret, like that
        # of an AWS secret key, is not part of the cache key.
        Source("azure:client-secret", direct=True),
        # No lease: the entry watches the certificate's file.
        Source("azure:client-certificate"),
        Source("azure:user-password"),
        # No lease: issuer and subject of the token are conditions of the entry.
        Source("azure:workload-identity", direct=True),
        Source("azure:imds", lease_s=LEASE_S, direct=True),
        Source("azure:app-service", lease_s=LEASE_S, direct=True),
        Source("azure:service-fabric", lease_s=LEASE_S),
        Source("azure:arc", lease_s=LEASE_S),
        Source("azure:machine-learning", lease_s=LEASE_S),
        Source("azure:cloud-shell", lease_s=LEASE_S),
        # No lease for az: the entry watches the login's file. PowerShell and azd cannot
        # say who they are, and not each of their releases writes the same file. So a
        # new credential is minted when the lease ends.
        Source("azure:cli"),
        Source("azure:powershell", lease_s=LEASE_S),
        Source("azure:developer-cli", lease_s=LEASE_S),
    )

    def __init__(self, suffixes: tuple[str, ...] | None = None) -> None:
        """Serve these host suffixes too; by default those in DOCKCRED_ACR_SUFFIXES."""
        if suffixes is None:
            text = current().get("DOCKCRED_ACR_SUFFIXES")
            suffixes = custom_suffixes(text) if text else ()
        self._suffixes = suffixes

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is ACR's; False for unencrypted http."""
        if server.scheme == "http":
            return False
        return registry_of(server.host, self._suffixes) is not None

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return an identity that asks the sources which the variables allow."""
        registry = registry_of(server.host, self._suffixes)
        if registry is None:
            raise CredentialsNotFoundError
        from dockcred.providers.acr.identity import AzureIdentity  # noqa: PLC0415

        return AzureIdentity(registry, environment)

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user name that goes with every refresh token."""
        from dockcred.providers.acr.exchange import USERNAME  # noqa: PLC0415 - for `list`

        del server, environment
        return USERNAME

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return ids of tenant, client and object: the token's, else the variables'."""
        from dockcred.providers.acr import sources  # noqa: PLC0415 - for `status`

        del server
        return sources.about(principal, environment)
