"""The base of providers, the key of their cache entries, and the leases of sources.

The key is one line with all that selects an identity. It holds no secret.
"""

from __future__ import annotations

from dockcred.identity import cache
from dockcred.system.environment import COMMON
from dockcred.system.machine import UNKNOWN_BOOT, machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from dockcred.credential import Credential, ServerURL
    from dockcred.system.environment import Environment

    class Names(Protocol):
        """A module of `system/environment`: a cloud's variables."""

        @property
        def VARIABLES(self) -> tuple[str, ...]:  # noqa: N802 - a module's constant
            """Return the variables whose values are part of the cache key."""

        @property
        def SECRETS(self) -> tuple[str, ...]:  # noqa: N802 - as above
            """Return the variables of which the key tells only whether they are set."""

        @property
        def MEANINGS(self) -> dict[str, str]:  # noqa: N802 - as above
            """Return the meaning of each of our own variables, for the manual."""


LEASE_S = 900.0
SEPARATOR = "+"
"""Joins the names of an entry's sources, in the order in which they were asked."""


class Source:
    """One row of Provider.sources: how long a source can be trusted to stay the same.

    lease_s  the seconds for which an entry is answered without asking the source; None
             if its files and variables show every change
    direct   whether our own code asks it, without an SDK (the direct road); only such
             a source is refreshed in the background
    """

    __slots__ = ("direct", "lease_s", "name")

    def __init__(
        self,
        name: str,
        *,
        lease_s: float | None = None,
        direct: bool = False,
    ) -> None:
        self.name = name
        self.lease_s = lease_s
        self.direct = direct


class Identity:
    """The identity chosen for one server. Choosing it sends no request.

    sources    names of the sources to ask; without a row in Provider.sources for each,
               nothing is cached
    files      an entry is valid only while these files look the same
    tokens     files with a JWT; an entry is valid while issuer and subject are the same
    looked_for  other files that change the identity by appearing or disappearing; None
                if something else may change it too
    principal  the identity's name as told at the mint; see `current_principal`
    """

    principal = ""
    sources: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    looked_for: tuple[str, ...] | None = None

    def issue(self) -> Credential:
        """Mint a credential; raise MissingIdentityError or IssueError."""
        raise NotImplementedError

    def current_principal(self) -> str:
        """Return the identity's name from the source, without a mint; "" if unknown."""
        return ""

    def ask_principal(self) -> str:
        """Return the identity's name from the cloud, if that tells more, else ""."""
        return ""


class Provider:
    """One identity system. A subclass sets what differs from the defaults here.

    name            as in wiring.PROVIDERS; cache entries' names begin with it
    program         the name of its helper, for error messages
    names           the module of `system/environment` with its variables
    sources         a row for each source whose credential may be cached
    tags            variables whose values are in the names of the launcher's tickets
    cache_parent    a variable of the cloud's own helper that names the cache's parent,
    cache_off       one that switches the cache off,
    ignore_storage  one that makes `store` succeed silently; "" if it has none
    metadata        the cloud whose metadata service is tried last (a name from
                    system.cloud), and the name of that source
    decides_by_registry  whether each registry itself decides whom it lets in, so that
                    one refusal does not apply to the others
    lists_unasked   whether `list` names what is configured without asking for it
    quotas          pairs of the cloud's limits: calls per second, and calls at once
    guesses_own     whether `own_servers` only guesses: `list` names them only if no
                    other registry is known, since a client may `get` each listed one
    """

    name = ""
    program = ""
    names: Names
    sources: tuple[Source, ...] = ()
    tags: tuple[str, ...] = ()
    cache_parent = ""
    cache_off = ""
    ignore_storage = ""
    metadata = ("", "")
    decides_by_registry = False
    lists_unasked = False
    guesses_own = False
    quotas: tuple[tuple[float, int], ...] = ()

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the variables whose values are part of the cache key."""
        return (*COMMON, *self.names.VARIABLES)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the variables of which the key tells only whether they are set."""
        return self.names.SECRETS

    def matches(self, server: ServerURL) -> bool:
        """Return whether this provider serves the host; sends no request."""
        raise NotImplementedError

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Return whether the registry may answer pulls without a credential."""
        return self.matches(server)

    def by_variables(
        self,
        server: ServerURL,
        environment: Environment,
        named: Callable[[], Iterable[str]],
    ) -> tuple[Provider, dict[str, str]] | None:
        """Return the provider that variables choose for a host, and what it sets.

        None if they choose none. `named` returns the hosts that some file names.
        """
        del server, environment, named
        return None

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the files that choose the identity; none if only variables do."""
        del environment
        return ()

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity to ask; raise MissingIdentityError if there is none."""
        raise NotImplementedError

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the registries that the configured identity owns; sends no request.

        Empty if only the cloud could tell, or if identities own no registry.
        """
        del environment
        return ()

    def can_ask_for_own(self, environment: Environment) -> bool:
        """Return whether `ask_for_own` may ask the cloud for the identity's own."""
        del environment
        return False

    def ask_for_own(self, environment: Environment) -> tuple[str, ...]:
        """Return the user, then the identity's own registries, from the cloud.

        Sends one request; raises MissingIdentityError or IssueError if it fails.
        """
        del environment
        return ()

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user that a `get` would answer; "" if only a `get` can tell.

        Sends no request; raises DockcredError if the configuration is wrong.
        """
        del server, environment
        return ""

    def issuer(self, server: ServerURL) -> str:
        """Return the issuer of a server's credentials, if the provider has several.

        The same variables may choose another identity at each issuer, so an answer
        from one issuer does not apply to another.
        """
        del server
        return ""

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return the known facts about an identity by name; no request, no secret.

        `principal` is the name that the source told, "" if it was not asked.
        """
        del server, environment
        return {"principal": principal} if principal else {}

    def own_identities(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> tuple[dict[str, str], ...]:
        """Return settings for config.toml that choose the registry's own account.

        Only if another identity (`principal`), or none (""), is asked today, and this
        person's files name an identity of that account. Sends no request.
        """
        del server, principal, environment
        return ()

    def lease_until(self, source: str, start: float) -> float | None:
        """Return the end of the shortest lease that begins at `start`, or None.

        Both times are seconds since the epoch. Raises KeyError for an unknown source.
        """
        rows = self._rows(source)
        leases = [row.lease_s for row in rows if row.lease_s is not None]
        return start + min(leases) if leases else None

    def is_direct(self, source: str) -> bool:
        """Return whether all of an entry's sources may be refreshed in the background.

        Raises KeyError for an unknown source.
        """
        return all(row.direct for row in self._rows(source))

    def is_cacheable(self, identity: Identity) -> bool:
        """Return whether every source has a row, and the boot is known for a lease."""
        if not {row.name for row in self.sources}.issuperset(identity.sources):
            return False
        bound = not machine().startswith(UNKNOWN_BOOT)
        rows = self._rows(SEPARATOR.join(identity.sources))
        return bound or all(row.lease_s is None for row in rows)

    def _rows(self, source: str) -> list[Source]:
        """Return the rows of an entry's source, such as `aws:sso+aws:assume-role`."""
        found = {row.name: row for row in self.sources}
        return [found[name] for name in source.split(SEPARATOR)]


def is_one_of(server: ServerURL, named: tuple[str, ...]) -> bool:
    """Return whether a server is one of those named, as `host` or `host:port`.

    A host alone stands for each of its ports. A server with plain http must be on this
    machine, because the secret would be sent unencrypted.
    """
    if server.scheme == "http":
        from dockcred.transport.target import is_loopback  # noqa: PLC0415 - in clear only

        if not is_loopback(server.host):
            return False
    return server.host in named or f"{server.host}:{server.port}" in named


def cache_key(provider: Provider, server: ServerURL, environment: Environment) -> str:
    """Return provider, host, machine, variables and looks of files as one line.

    The files are not parsed: any change to one gives another key.
    """
    get = environment.get
    parts = [provider.name, server.place, machine()]
    values = ((name, get(name)) for name in provider.variables)
    parts += [f"{name}={_public(value) if value else ''}" for name, value in values]
    parts += [f"{name}?{bool(get(name))}" for name in provider.secrets]
    files = provider.config_files(environment)
    parts += [f"{path}@{cache.stat_signature(path)}" for path in files]
    return "\x1f".join(parts)


def looks_in(key: str, files: tuple[str, ...]) -> dict[str, str]:
    """Return the looks of the configuration files from the last parts of a key."""
    parts = key.split("\x1f")[-len(files) :] if files else []
    return dict(zip(files, (part.rpartition("@")[2] for part in parts), strict=True))


def _public(value: str) -> str:
    """Return a value for the key: on one line, and without a URL's user info."""
    scheme, separator, rest = value.partition("://")
    authority, slash, path = rest.partition("/")
    if separator and "@" in authority:
        value = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    return ascii(value) if "\n" in value or "\x1f" in value else value
