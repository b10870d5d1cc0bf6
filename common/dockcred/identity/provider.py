"""What a provider is, the key of its cache entries, and how long each source holds.

The key is all that selects an identity, in one line, and holds no secret.
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
            """Return what is part of the cache key by its value."""

        @property
        def SECRETS(self) -> tuple[str, ...]:  # noqa: N802 - as above
            """Return what is part of the key only by being set."""

        @property
        def MEANINGS(self) -> dict[str, str]:  # noqa: N802 - as above
            """Return what our own variables mean, for the manual."""


LEASE_S = 900.0
SEPARATOR = "+"
"""Between the sources of an entry, in the order in which they were asked."""


class Source:
    """One row: how far a source of an identity may be trusted to stay the same.

    lease_s  how long an entry is answered without asking the source; None where its
             files and variables tell every change
    direct   whether it is asked by the direct road, fit for a background refresh

    The launcher's sh answers whichever it can: see identity.cache.ticket.
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
    """Who will be asked for one server's credential; deciding it asks nobody.

    sources    who is asked, by name: a row of Provider.sources, or it is not cached
    files      which an entry holds for as long as they look the same
    tokens     JSON web tokens in files, each with its issuer and subject for as long
    looked_for  files whose coming or going may change who is asked, beside those that
                are opened or are the provider's; None where more than these may
    principal  what the source told of itself while it minted, as `current_principal`
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
        """Return who the source says it is, without minting; "" if it cannot tell."""
        return ""

    def ask_principal(self) -> str:
        """Return who the cloud says it is, where it tells more than the source does."""
        return ""


class Provider:
    """One identity system. A subclass says what differs from the defaults here.

    name            as in wiring.PROVIDERS, and the first word of its cache entries
    program         its helper, which an error names
    names           the module of `system/environment` with its variables
    sources         a row for each source whose credential may be cached, and no other
    tags            variables by which the launcher tells identities' tickets apart
    cache_parent    a peer's variable that names the cache's parent,
    cache_off       one that switches the cache off,
    ignore_storage  one that asks to succeed in silence on `store`; "" for no such peer
    metadata        the cloud whose metadata service is asked last, unasked for, as
                    system.cloud calls it, and the name of that source
    decides_by_registry  whether each registry has its own say whom it lets in, so that
                    one that refuses says nothing of the others
    lists_unasked   whether `list` names what is configured without asking for it
    quotas          calls per second, and at once, that the cloud lets through
    guesses_own     whether `own_servers` are what anybody may have, named only where
                    nothing names others: a client may `get` each of a list
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
        """Return the variables that are part of the cache key by their value."""
        return (*COMMON, *self.names.VARIABLES)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the variables that are part of the key only by being set."""
        return self.names.SECRETS

    def matches(self, server: ServerURL) -> bool:
        """Return whether the whole host is one of ours; asks nobody."""
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
        """Return who serves a host that variables mean, and what they set; else None.

        `named` are the hosts that some file names.
        """
        del server, environment, named
        return None

    def config_files(self, environment: Environment) -> tuple[str, ...]:
        """Return the files that choose the identity; none where variables do."""
        del environment
        return ()

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Decide who will be asked; raise MissingIdentityError if nobody is."""
        raise NotImplementedError

    def own_servers(self, environment: Environment) -> tuple[str, ...]:
        """Return the registries that are the configured identity's own; asks nobody.

        None where only the cloud could tell, or where identities have no registry.
        """
        del environment
        return ()

    def can_ask_for_own(self, environment: Environment) -> bool:
        """Return whether the cloud may be asked for what `own_servers` cannot tell."""
        del environment
        return False

    def ask_for_own(self, environment: Environment) -> tuple[str, ...]:
        """Return the user, then the identity's own registries, as the cloud tells them.

        One request; raises MissingIdentityError or IssueError where it fails.
        """
        del environment
        return ()

    def username(self, server: ServerURL, environment: Environment) -> str:
        """Return the user that a `get` would answer; nothing where only it can tell.

        Asks nobody; raises DockcredError where what is configured is wrong.
        """
        del server, environment
        return ""

    def issuer(self, server: ServerURL) -> str:
        """Return who issues a server's credentials, where several do for a provider.

        The same variables may choose another identity at each: what one answers says
        nothing of another.
        """
        del server
        return ""

    def about(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> dict[str, str]:
        """Return what is known of who answers, by name; asks nobody, tells no secret.

        `principal` is what the source told of itself, "" where it was not asked.
        """
        del server, environment
        return {"principal": principal} if principal else {}

    def own_identities(
        self, server: ServerURL, principal: str, environment: Environment
    ) -> tuple[dict[str, str], ...]:
        """Return by which settings of config.toml the registry's own account answers.

        Only where another identity, of this `principal`, or nobody is asked today, and
        this person's files name one that leads there. Asks nobody.
        """
        del server, principal, environment
        return ()

    def lease_until(self, source: str, start: float) -> float | None:
        """Return the end of the shortest lease that begins at a time; None without one.

        Both times are seconds since the epoch. Raises KeyError for what has no row.
        """
        rows = self._rows(source)
        leases = [row.lease_s for row in rows if row.lease_s is not None]
        return start + min(leases) if leases else None

    def is_direct(self, source: str) -> bool:
        """Return whether an entry's sources are all fit for a background refresh.

        Raises KeyError for what has no row.
        """
        return all(row.direct for row in self._rows(source))

    def is_cacheable(self, identity: Identity) -> bool:
        """Return whether every source has a row, and a lease a boot to be bound to."""
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

    A host alone is meant at each of its ports. Plain http carries a secret to this
    machine only.
    """
    if server.scheme == "http":
        from dockcred.transport.target import is_loopback  # noqa: PLC0415 - in clear only

        if not is_loopback(server.host):
            return False
    return server.host in named or f"{server.host}:{server.port}" in named


def cache_key(provider: Provider, server: ServerURL, environment: Environment) -> str:
    """Return provider, host, machine, variables and the look of files as one line.

    The files are not parsed: any change to one is another key.
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
    """Return how configuration files looked when the key was made, its last parts."""
    parts = key.split("\x1f")[-len(files) :] if files else []
    return dict(zip(files, (part.rpartition("@")[2] for part in parts), strict=True))


def _public(value: str) -> str:
    """Return a value on one line of the key, without the user info of a URL."""
    scheme, separator, rest = value.partition("://")
    authority, slash, path = rest.partition("/")
    if separator and "@" in authority:
        value = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    return ascii(value) if "\n" in value or "\x1f" in value else value
