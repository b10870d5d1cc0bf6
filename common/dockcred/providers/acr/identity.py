"""The identity for an Azure registry: asks the sources in order, by either road."""

from __future__ import annotations

from dockcred.errors import IssueError
from dockcred.identity.provider import Identity
from dockcred.providers.acr import hosts, sources
from dockcred.providers.acr.sources import CLI, DEVELOPER_CLI, POWERSHELL
from dockcred.system import log
from dockcred.transport import idle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.providers.acr.hosts import AcrRegistry
    from dockcred.providers.acr.sources import AccessToken
    from dockcred.system.environment import Environment


def serves(source: str, environment: Environment) -> bool:
    """Return whether our own requests can ask this source.

    A regional authority has endpoints of its own, and so has the tenant `adfs` of a
    disconnected cloud. Both are left to MSAL.
    """
    if source in {sources.IMDS, sources.APP_SERVICE}:
        return True
    if source not in {sources.CLIENT_SECRET, sources.WORKLOAD_IDENTITY}:
        return False
    regional = environment.first("AZURE_REGIONAL_AUTHORITY_NAME", "MSAL_FORCE_REGION")
    return not regional and environment.get("AZURE_TENANT_ID").lower() != "adfs"


def token(
    source: str, authority: str, audience: str, environment: Environment
) -> AccessToken:
    """Return a source's token, by our own requests.

    Raises AbsentError where the source has no identity.
    """
    from dockcred.providers.acr import machine  # noqa: PLC0415 - a miss only

    if source == sources.CLIENT_SECRET:
        return machine.by_secret(authority, audience, environment)
    if source == sources.WORKLOAD_IDENTITY:
        return machine.by_federation(authority, audience, environment)
    if source == sources.APP_SERVICE:
        return machine.app_service(audience, environment)
    return machine.imds(audience, environment)


def login_files(source: str, environment: Environment) -> tuple[str, ...]:
    """Return the files to watch for a login; none for a source that is not a login.

    az's msal_token_cache is not watched: az writes it whenever it renews anybody's
    token. azureProfile.json changes with every login, logout and `az account set`.
    """
    home = environment.home()
    if source == CLI:
        own = environment.path("AZURE_CONFIG_DIR", ".azure")
        return tuple(f"{own}/{name}" for name in ("azureProfile.json", "clouds.config"))
    if source == POWERSHELL:
        return (f"{home}/.Azure/AzureRmContext.json",)
    if source == DEVELOPER_CLI:
        own = environment.path("AZD_CONFIG_DIR", ".azd")
        return tuple(f"{own}/{name}" for name in ("auth.json", "config.json"))
    return ()


class AzureIdentity(Identity):
    """The sources that the variables allow, asked in order until one gives a token."""

    def __init__(self, registry: AcrRegistry, environment: Environment) -> None:
        """Set the sources and the files to watch; no request is sent yet."""
        self._registry = registry
        self._environment = environment
        self._road = environment.get("DOCKCRED_ROAD")
        planned = sources.plan(environment)
        if self._road == "direct":
            planned = tuple(s for s in planned if serves(s, environment))
        self._plan = planned
        self.sources = planned
        files = [path for s in planned for path in login_files(s, environment)]
        if sources.CLIENT_CERTIFICATE in planned:
            files.append(environment.get("AZURE_CLIENT_CERTIFICATE_PATH"))
        self.files = tuple(files)
        self.looked_for = sources.looked_for(environment)
        if sources.WORKLOAD_IDENTITY in planned:
            self.tokens = (environment.get("AZURE_FEDERATED_TOKEN_FILE"),)

    def issue(self) -> Credential:
        """Get an Entra token, and exchange it for the registry's password."""
        idle.defer(
            # This work is done while the source of the token is being waited for. It
            # takes 40 million instructions.
            lambda: idle.load("ssl"),
            lambda: idle.load("dockcred.providers.acr.exchange"),
            self._preconnect,
        )
        token = self._token()
        self.principal = token.principal
        from dockcred.providers.acr import exchange  # noqa: PLC0415 - see above

        return exchange.refresh_token(self._registry, token, self._environment)

    def _preconnect(self) -> None:
        from dockcred.providers.acr import exchange  # noqa: PLC0415 - see `issue`

        exchange.preconnect(self._registry, self._environment)

    def current_principal(self) -> str:
        """Return a managed identity's ids, by its token; "" for other sources."""
        if not set(self._plan) & set(sources.MANAGED):
            return ""
        token = self._token()
        return token.principal if self.sources[0] in sources.MANAGED else ""

    def _token(self) -> AccessToken:
        """Return a token for the first audience that the cloud knows."""
        from dockcred.providers.acr.problems import (  # noqa: PLC0415 - a miss only
            UnknownAudienceError,
        )

        *better, last = hosts.audiences(self._registry, self._environment)
        for audience in better:
            try:
                return self._ask_all(audience, is_last=False)
            except UnknownAudienceError as error:
                log.info(f"asking for another audience: {error.cause}")
        return self._ask_all(last, is_last=True)

    def _ask_all(self, audience: str, *, is_last: bool) -> AccessToken:
        """Return the token of the first source that gives one.

        Raises UnknownAudienceError if Entra does not know the audience and `is_last` is
        false. Then the next audience can be tried.
        """
        from dockcred.providers.acr import problems  # noqa: PLC0415 - a miss only

        failed: list[IssueError | problems.AbsentError] = []
        for source in self._plan:
            try:
                token = self._ask(source, audience)
            except (problems.AbsentError, IssueError) as error:
                unknown = isinstance(error, problems.UnknownAudienceError)
                if unknown and not is_last:
                    raise
                if not problems.is_passed_over(source, error):
                    raise
                log.info(f"{source} is passed over: {error.cause}")
                failed.append(error)
            else:
                self.sources = (source,)
                return token
        chosen = sources.is_chosen(self._environment)
        raise problems.nobody(failed, chosen=chosen)

    def _ask(self, source: str, audience: str) -> AccessToken:
        environment = self._environment
        authority = hosts.authority(self._registry, environment)
        if self._road != "sdk" and serves(source, environment):
            return token(source, authority, audience, environment)
        from dockcred.providers.acr import sdk  # noqa: PLC0415 - an extra, and heavy

        return sdk.token(source, authority, audience, environment)
