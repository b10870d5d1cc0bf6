"""A provider that asks as one service account, and keeps what it gets apart."""

from __future__ import annotations

from dockcred.credential import Credential
from dockcred.environment import kubelet as names
from dockcred.kubelet import service_account

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.identity import Identity, Provider
    from dockcred.kubelet.service_account import ServiceAccount
    from dockcred.server_url import ServerURL


class BoundProvider:
    """A provider with the account in the key of all that it caches.

    A second account with the first one's role has another key: it reaches the cloud,
    and the cloud says whether it may.
    """

    def __init__(
        self, inner: Provider, account: ServiceAccount, variables: dict[str, str]
    ) -> None:
        """Ask `inner` under these variables."""
        self._inner = inner
        self._account = account
        self._variables = variables
        self.name = inner.name
        self.program = inner.program
        self.cache_parent = inner.cache_parent
        self.cache_off = inner.cache_off
        self.ignore_storage = inner.ignore_storage
        self.tags = inner.tags
        self.variables = (
            *inner.variables,
            service_account.KEY,
            *names.VARIABLES,
        )
        self.secrets = inner.secrets

    def matches(self, server: ServerURL) -> bool:
        """Tell what the provider tells."""
        return self._inner.matches(server)

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Tell what the provider tells."""
        return self._inner.serves_anonymous(server)

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Name none: the account alone says who asks."""
        del environment
        return ()

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Let the account be asked."""
        asked = environment.with_values(self._variables)
        return _BoundIdentity(self._inner.identity(server, asked), self._account)


class _BoundIdentity:
    """An identity whose credential ends with the token that it was minted for."""

    files: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    said = ""

    def __init__(self, inner: Identity, account: ServiceAccount) -> None:
        self._inner = inner
        self._account = account
        self.sources = inner.sources

    def issue(self) -> Credential:
        """Mint, and cut the life to the token's."""
        minted = self._inner.issue()
        self.sources = self._inner.sources
        ends = self._account.expires_at
        if minted.expires_at is not None:
            ends = min(ends, minted.expires_at)
        return Credential(minted.username, minted.secret, minted.issued_at, ends)

    def who(self) -> str:
        """Say nothing: the key says it."""
        return ""
