"""A source and an exchange: together the identity that is asked for one registry."""

from __future__ import annotations

from dockcred.providers.oidc import exchanges, id_token, sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.identity import Provider
    from dockcred.server_url import ServerURL


class JobIdentity:
    """A job's own token, handed on or exchanged.

    A token that is handed on is never kept: `oidc:plain` has no row.
    """

    files: tuple[str, ...] = ()

    def __init__(
        self,
        server: ServerURL,
        environment: Environment,
        load: Callable[[str], Provider],
    ) -> None:
        """Choose both; nobody is asked before it is known for whom the token is."""
        self._exchange = exchanges.choose(server, environment, load)
        self._source = sources.choose(environment)
        id_token.audience(environment)
        self.tokens = self._source.tokens
        self.sources: tuple[str, ...] = (self._source.name, *self._exchange.sources)
        self.said = ""

    def issue(self) -> Credential:
        """Get the token, and what the registry takes for it."""
        said = self._source.who()
        token = self._source.token()
        credential = self._exchange.credential(token)
        self.said = said or token.subject
        return credential

    def who(self) -> str:
        """Ask the source who it is; only a machine can tell."""
        return self._source.who()
