"""A cloud takes the token: its own provider asks as whom the token names."""

from __future__ import annotations

from dockcred import web_identity
from dockcred.errors import InvalidInputError
from dockcred.providers.oidc.exchanges import refuse_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.identity import Provider
    from dockcred.providers.oidc.id_token import IDToken
    from dockcred.server_url import ServerURL

_PROVIDERS = {"aws": "ecr", "azure": "acr", "google": "google"}
_SESSION = "AWS_ROLE_SESSION_NAME"


class Cloud:
    """One registry of a cloud's, asked for by the cloud's own provider."""

    def __init__(
        self,
        kind: str,
        server: ServerURL,
        environment: Environment,
        load: Callable[[str], Provider],
    ) -> None:
        """Check that the registry is the cloud's, and that it is told who one is."""
        self._kind = kind
        self._server = server
        self._environment = environment
        self._provider = load(_PROVIDERS[kind])
        if not self._provider.matches(server):
            raise refuse_host(server, kind, f"the hosts of {self._provider.program}")
        self._named = {"aws": self._aws, "azure": self._azure, "google": self._google}[
            kind
        ]()
        self.sources: tuple[str, ...] = (f"oidc:to-{kind}",)

    def credential(self, token: IDToken) -> Credential:
        """Let the provider ask under the variables that name the token's bearer."""
        value, named = token.value, self._named
        if self._kind == "aws":
            variables = web_identity.aws(value, named[0], named[1] or token.subject)
        elif self._kind == "azure":
            variables = web_identity.azure(value, *named)
        else:
            origin = "the service account to impersonate"
            variables = web_identity.google(value, *named, origin)
        asked = self._environment.with_values(variables)
        return self._provider.identity(self._server, asked).issue()

    def _aws(self) -> tuple[str, str]:
        role = self._environment.first("DOCKCRED_AWS_ROLE_ARN", "AWS_ROLE_ARN")
        _need(role, "the role's ARN: AWS_ROLE_ARN", "role_arn")
        return role, self._environment.get(_SESSION)

    def _azure(self) -> tuple[str, str]:
        client = self._environment.get("AZURE_CLIENT_ID")
        tenant = self._environment.get("AZURE_TENANT_ID")
        _need(client, "the application: AZURE_CLIENT_ID", "client_id")
        _need(tenant, "the tenant: AZURE_TENANT_ID", "tenant_id")
        return client, tenant

    def _google(self) -> tuple[str, str]:
        pool = self._environment.get("DOCKCRED_GOOGLE_AUDIENCE")
        name = "workload_identity_provider"
        _need(pool, "the pool's provider: DOCKCRED_GOOGLE_AUDIENCE", name)
        return pool, self._environment.first(
            "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", "DOCKCRED_GOOGLE_SERVICE_ACCOUNT"
        )


def _need(value: str, what: str, setting: str) -> None:
    if not value:
        raise InvalidInputError(
            f"the exchange needs {what} is not set",
            f"set it, or {setting} at the registry in config.toml",
        )
