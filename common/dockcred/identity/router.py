"""Choose the identity, or else the store, that answers for a server.

The host chooses the provider. config.toml chooses the identity and the registry behind
an alias. The fallback store answers for hosts that no provider serves.
"""

from __future__ import annotations

from dockcred.credential import Credential, ServerURL
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    MissingIdentityError,
    NotServedError,
)
from dockcred.identity.store import IdentityStore
from dockcred.system import process as launched

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dockcred.identity.cache.files import Cache
    from dockcred.identity.cache.ticket import Tickets
    from dockcred.identity.config import Config
    from dockcred.identity.provider import Provider
    from dockcred.protocol import Store
    from dockcred.system.environment import Environment


BY_NAME = frozenset({"oidc", "secret"})
"""Providers without hosts of their own. They are imported only for a named host."""

_CONVENTIONS = (
    *("DOCKER_AUTH_CONFIG", "CI_REGISTRY", "CI_DEPENDENCY_PROXY_SERVER"),
    "DOCKERHUB_OIDC_CONNECTIONID",
    "CLOUDSMITH_SERVICE_SLUG",
)
"""Variables of other tools that may name a registry."""


class Router:
    """The providers, chosen by host, and a fallback store for other hosts."""

    def __init__(
        self,
        names: Iterable[str],
        environment: Environment,
        config: Callable[[], Config],
        *,
        load: Callable[..., Provider],
        open_cache: Callable[[Provider, Environment], Cache],
        open_fallback: Callable[[], Store] | None = None,
        program_for: Callable[[ServerURL], str],
        named_hosts: Callable[[], Iterable[str]] = tuple,
        rules_out: Callable[[str, str], bool] = lambda *_: False,
    ) -> None:
        """Hold what loads each part on use, without those that `rules_out` excludes."""
        self._names = tuple(names)
        self._environment = environment
        self._open_config = config
        self._opened: Config | None = None
        self._load = load
        self._open_cache = open_cache
        self._open_fallback = open_fallback
        self._program_for = program_for
        self._answered: Store | None = None
        self._named_hosts = named_hosts
        self._rules_out = rules_out
        self.left_out: DockcredError | None = None

    def get(self, server: ServerURL) -> Credential:
        """Return the credential of the host's identity, else of the fallback.

        Nomad treats CredentialsNotFoundError as a failure, an empty credential as none.
        """
        route = self._route(server)
        try:
            return self._get(route, server)
        except CredentialsNotFoundError:
            if route.environment.get("DOCKCRED_ON_MISS") == "empty":
                return Credential("", "")
            raise

    def _get(self, route: _Route, server: ServerURL) -> Credential:
        if route.store is None:
            return self._fallback().get(server)
        self._answered = route.store
        try:
            return route.store.get(route.target)
        except (MissingIdentityError, CredentialsNotFoundError) as error:
            # Without an identity, use a password that was stored by hand.
            try:
                found = self._fallback().get(server)
            except CredentialsNotFoundError:
                raise error from error.__cause__
            if not found.username and not found.secret:
                # on_miss = "empty": the keychain has none. Report the missing identity.
                raise error from error.__cause__
            return found

    def store(self, server: ServerURL, credential: Credential) -> str | None:
        """Store in the fallback if no identity answers, or as `login` says."""
        route = self._route(server)
        login = route.environment.get("DOCKCRED_LOGIN")
        if login == "refuse":
            raise NotServedError(
                f"storing for {server.host} is refused by login = refuse",
                "change the setting, or log in to another registry",
            )
        if self._open_fallback is None or (route.store and login == "identity"):
            return self._own(route, server).store(route.target, credential)
        if route.store is None:
            return self._fallback().store(server, credential)
        if login != "store":
            try:
                route.store.get(route.target)
            except (MissingIdentityError, CredentialsNotFoundError):
                from dockcred.system import log  # noqa: PLC0415 - not for a hit

                log.info(f"no identity answers for {server.host}: it is stored")
            else:
                return route.store.store(route.target, credential)
        return self._fallback().store(server, credential)

    def erase(self, server: ServerURL) -> None:
        """Remove what is cached or stored, for the alias and for the registry."""
        route = self._route(server)
        store = self._own(route, server)
        for name in dict.fromkeys((route.target.host, server.host)):
            store.drop(name)
        if self._open_fallback is not None:
            self._fallback().erase(server)

    def list(self) -> dict[str, str]:
        """Return the fallback's servers, and those for which an identity would answer.

        What fails is left out. If nothing is found, the fallback's failure is raised.
        """
        from dockcred.identity import listing  # noqa: PLC0415 - for `list` only

        config, environment = self._config, self._environment
        if config.defaults:
            from dockcred.identity.config.settings import overlay  # noqa: PLC0415 - a file's cost

            environment = environment.with_values(overlay(config.defaults))
        asked = listing.Listing(self, environment)
        for name in self._names:
            asked.add_provider(name, self._load, self._open_cache)
        asked.add_hosts((*config.hosts(), *self._named_hosts()))
        # Ask the clouds while the keychain is read, since that may wait for a person.
        asked.start()
        found, failure = self._kept()
        found |= asked.users({listing.host_of(key) for key in found})
        if failure and not found:
            raise failure
        return found

    def _kept(self) -> tuple[dict[str, str], DockcredError | None]:
        """Return what the fallback lists, and its error if it failed."""
        if self._open_fallback is None:
            return {}, None
        fallback = self._fallback()
        try:
            found = fallback.list()
        except DockcredError as error:
            from dockcred.system import log  # noqa: PLC0415 - at a failure

            log.warning(f"left out of the list: {error}")
            self.left_out = error
            return {}, error
        self.left_out = getattr(fallback, "left_out", None)
        return dict(found), None

    def identity_for(self, server: ServerURL) -> tuple[ServerURL, IdentityStore | None]:
        """Return the registry behind the name, and its identity's store, if any."""
        return (route := self._route(server)).target, route.store

    def after_answer(self) -> None:
        """Run what the answering store has deferred until after the answer."""
        if self._answered is not None:
            self._answered.after_answer()

    @property
    def _config(self) -> Config:
        """Read the configuration once, however many hosts a `list` routes."""
        self._opened = self._opened or self._open_config()
        return self._opened

    def _route(self, server: ServerURL) -> _Route:
        """Choose who answers, from the host and the files; sends no request."""
        settings = self._config.settings_for(server)
        target, environment = server, self._environment
        if settings:
            from dockcred.identity.config.settings import behind_alias, overlay  # noqa: PLC0415 - a file's cost

            if behind := settings.get("registry"):
                target = behind_alias(server, behind)
            environment = environment.with_values(overlay(settings))
            if "metrics" in settings:
                launched.count_for(settings["metrics"])
        provider = self._provider(target, settings.get("identity", ""))
        is_named = provider is not None and provider.name in BY_NAME
        if not is_named and (meant := self._meant(target, settings)):
            provider, set_by_it = meant
            environment = environment.with_values(set_by_it)
        if provider is None:
            return _Route(target, environment, None)
        store = self._identity_store(provider, environment, server)
        return _Route(target, environment, store)

    def _meant(
        self, target: ServerURL, settings: dict[str, str]
    ) -> tuple[Provider, dict[str, str]] | None:
        """Return the provider that other tools' variables choose, and what it sets."""
        if BY_NAME.isdisjoint(self._names):
            return None  # and read no variable: a ticket must have each one read
        by_host = f"DOCKER_{target.host.replace('-', '_').replace('.', '_')}_PSW"
        if not any(map(self._environment.get, (*_CONVENTIONS, by_host))):
            return None
        from dockcred.identity.config import settings as of  # noqa: PLC0415 - such ones only

        return of.meant(
            (self._load(each) for each in of.BY_VARIABLES if each in self._names),
            (target, self._environment),
            settings.keys() - self._config.defaults.keys(),
            lambda: (*self._named_hosts(), *self._config.hosts()),
        )

    def _provider(self, target: ServerURL, chosen: str) -> Provider | None:
        """Return the host's provider; `chosen`, from config.toml, goes first."""
        if chosen in self._names:
            return self._load(chosen, target.host)
        ours = (name for name in self._names if name not in BY_NAME)
        names = [name for name in ours if not self._rules_out(name, target.host)]
        if "oidc" in self._names and self._environment.get("DOCKCRED_OIDC_HOSTS"):
            names.insert(0, "oidc")
        for name in names:
            if (provider := self._load(name)).matches(target):
                return self._load(chosen, target.host) if chosen else provider
        return None

    def _identity_store(
        self, provider: Provider, environment: Environment, asked: ServerURL
    ) -> IdentityStore:
        cache = self._open_cache(provider, environment)

        def open_tickets() -> Tickets:
            from dockcred.identity.cache import ticket  # noqa: PLC0415 - not for a hit

            return ticket.Tickets(
                cache,
                provider,
                asked.place,
                self._environment,
                self._config.looks,
                provider.config_files(environment),
            )

        def lacks_ticket() -> bool:
            from dockcred.identity.cache.files import ticket_name  # noqa: PLC0415 - as above

            tags = map(self._environment.get, provider.tags)
            return cache.lacks_ticket(ticket_name(launched.short, asked.place, tags))

        # The front sees hosts but no paths, and it cannot count for metrics.
        is_front = launched.short and not (self._config.has_paths or launched.meter)
        return IdentityStore(
            provider,
            cache,
            environment,
            self._program_for,
            open_tickets if is_front else None,
            lacks_ticket,
        )

    def _own(self, route: _Route, server: ServerURL) -> IdentityStore:
        """Return the answering store, else one of ours that can refuse and drop."""
        if route.store:
            return route.store
        first = self._load(self._names[0])
        return self._identity_store(first, route.environment, server)

    def _fallback(self) -> Store:
        if self._open_fallback is None:
            raise CredentialsNotFoundError
        return self._open_fallback()


class _Route:
    """Who answers for a server: `store`, or only the fallback if it is None."""

    __slots__ = ("environment", "store", "target")

    def __init__(
        self, target: ServerURL, environment: Environment, store: IdentityStore | None
    ) -> None:
        self.target = target
        self.environment = environment
        self.store = store
