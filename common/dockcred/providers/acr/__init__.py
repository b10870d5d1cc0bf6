"""Azure Container Registry, in every cloud of Azure's.

hosts              which hosts, and whose cloud each is in
clouds             where Entra is, and the audiences to ask a token for
sources            who can be asked, by which variables
identity           the sources in order, then the exchange
direct             machine and entra: our own requests
sdk                every other source, through azure-identity
exchange           the registry's own password for an Entra token
logins             the files that a login changes
*_problems         what each side's refusals mean
"""

from __future__ import annotations

from dockcred.errors import CredentialsNotFoundError
from dockcred.providers.acr.hosts import custom_suffixes, registry_of
from dockcred.system.environment import COMMON, current
from dockcred.system.environment import azure as names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Identity
    from dockcred.system.environment import Environment


class ACR:
    """The provider of `docker-credential-acr-login`."""

    name = "acr"
    program = "docker-credential-acr-login"
    variables = (*COMMON, *names.VARIABLES)
    secrets = names.SECRETS
    tags = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID")
    cache_parent = ""
    cache_off = ""
    ignore_storage = ""

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

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Tell that a registry may be open to anonymous pulls; only it knows."""
        return self.matches(server)

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return none: variables choose the identity, logins are watched per source."""
        del environment
        return ()

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Line up the sources that the variables allow."""
        registry = registry_of(server.host, self._suffixes)
        if registry is None:
            raise CredentialsNotFoundError
        from dockcred.providers.acr.identity import AzureIdentity  # noqa: PLC0415

        return AzureIdentity(registry, environment)
