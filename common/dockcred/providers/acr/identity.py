"""The path from a registry to its credential: ask the sources, then exchange."""

from __future__ import annotations

from dockcred import log, spare_time
from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.acr import clouds, direct, logins, sources
from dockcred.transport import lean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.providers.acr.hosts import Registry
    from dockcred.providers.acr.tokens import AccessToken


class AzureIdentity:
    """The sources that the variables allow, asked in order until one has a token."""

    def __init__(self, registry: Registry, environment: Environment) -> None:
        """Note what is watched; nothing is asked yet."""
        self._registry = registry
        self._environment = environment
        self._road = environment.get("DOCKCRED_ROAD")
        planned = sources.plan(environment)
        if self._road == "direct":
            planned = tuple(s for s in planned if direct.serves(s, environment))
        self._plan = planned
        self.sources: tuple[str, ...] = planned
        files = [path for s in planned for path in logins.files(s, environment)]
        if sources.CLIENT_CERTIFICATE in planned:
            files.append(environment.get("AZURE_CLIENT_CERTIFICATE_PATH"))
        self.files: tuple[str, ...] = tuple(files)
        self.tokens: tuple[str, ...] = ()
        if sources.WORKLOAD_IDENTITY in planned:
            self.tokens = (environment.get("AZURE_FEDERATED_TOKEN_FILE"),)
        self.said = ""

    def issue(self) -> Credential:
        """Get a token, and the registry's password for it."""
        spare_time.put(
            # While somebody else is asked for the token: 40 M instructions.
            lambda: lean.load("ssl"),
            lambda: lean.load("dockcred.providers.acr.exchange"),
            self._greet,
        )
        token = self._token()
        self.said = token.said
        from dockcred.providers.acr import exchange  # noqa: PLC0415 - see above

        return exchange.refresh_token(self._registry, token, self._environment)

    def _greet(self) -> None:
        from dockcred.providers.acr import exchange  # noqa: PLC0415 - see `issue`

        exchange.greet(self._registry, self._environment)

    def who(self) -> str:
        """Ask a managed identity for its token, which the machine has at hand."""
        if not set(self._plan) & set(sources.MANAGED):
            return ""
        token = self._token()
        return token.said if self.sources[0] in sources.MANAGED else ""

    def _token(self) -> AccessToken:
        """Get a token for the first audience that the cloud knows."""
        from dockcred.providers.acr.problems import (  # noqa: PLC0415 - a miss only
            UnknownAudienceError,
        )

        *better, last = clouds.audiences(self._registry, self._environment)
        for audience in better:
            try:
                return self._ask_all(audience)
            except UnknownAudienceError as error:
                log.info(f"asking for another audience: {error.cause}")
        return self._ask_all(last)

    def _ask_all(self, audience: str) -> AccessToken:
        from dockcred.providers.acr.problems import (  # noqa: PLC0415 - a miss only
            AbsentError,
        )

        absent: list[AbsentError] = []
        for source in self._plan:
            try:
                token = self._ask(source, audience)
            except AbsentError as error:
                absent.append(error)
            else:
                self.sources = (source,)
                return token
        chosen = sources.is_chosen(self._environment)
        if chosen and absent:
            raise IssueError(absent[0].cause, absent[0].remedy)
        tried = "; ".join(error.cause for error in absent)
        raise MissingIdentityError(
            "no Azure identity was found" + (f" ({tried})" if tried else ""),
            "log in (az login), assign a managed identity, or set AZURE_CLIENT_ID, "
            "AZURE_TENANT_ID and a secret",
        )

    def _ask(self, source: str, audience: str) -> AccessToken:
        environment = self._environment
        authority = clouds.authority(self._registry, environment)
        if self._road != "sdk" and direct.serves(source, environment):
            return direct.token(source, authority, audience, environment)
        from dockcred.providers.acr import sdk  # noqa: PLC0415 - an extra, and heavy

        return sdk.token(source, authority, audience, environment)
