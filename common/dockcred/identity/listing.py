"""Make the answer to `list`: the registries for which a `get` would be answered.

Some clients ask for the list first, and `get` only registries in it. A cached registry
is listed at once. For the others, each cloud is asked about one registry: if its
identity answers, it answers for that identity's other registries too. The clouds are
asked at the same time, each by its own process. So one that hangs or fails does not
delay the others.
"""

from __future__ import annotations

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, RefusedError
from dockcred.identity.cache.files import answered_hosts
from dockcred.identity.provider import cache_key
from dockcred.system import log, process
from dockcred.system.environment import current, timeout_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from dockcred.identity.cache.files import Cache
    from dockcred.identity.provider import Provider
    from dockcred.identity.store import IdentityStore
    from dockcred.system.environment import Environment

    class Routes(Protocol):
        """Finds the identity for a server, as router.Router does."""

        def identity_for(
            self, server: ServerURL
        ) -> tuple[ServerURL, IdentityStore | None]:
            """Return the registry behind the name, and its identity's store or None."""


MARGIN_S = 1.0
"""Time kept for the work after the clouds have answered, in seconds.

If the call is short, a quarter of its remaining time is kept instead.
"""
_ANY = ServerURL.parse("any.invalid")
_REFUSED = b"?"
_BETWEEN = b"\0"


class _Candidate:
    """A host that may be listed, the registry behind it, and its identity's store.

    `identity` is a text that is equal for hosts of the same identity.
    """

    __slots__ = ("host", "identity", "store", "target")

    def __init__(self, host: str, target: ServerURL, store: IdentityStore) -> None:
        self.host = host
        self.target = target
        self.store = store
        self.identity = _identity(store.provider, target, store.environment)


def _identity(provider: Provider, target: ServerURL, environment: Environment) -> str:
    """Return all that selects the identity: the cache key without a host."""
    return f"{cache_key(provider, _ANY, environment)}\x1f{provider.issuer(target)}"


class Listing:
    """The making of one `list`. The log tells what is left out."""

    def __init__(self, routes: Routes, environment: Environment) -> None:
        """Begin; `environment` is that of a registry without a config.toml entry."""
        self._routes = routes
        self._environment = environment
        self._clouds: dict[str, _Cloud] = {}
        self._own: list[str] = []
        self._named: list[str] = []
        self._guesses: list[str] = []
        self._answers: Callable[[], list[bytes]] = list
        self._asked: list[_Cloud] = []

    def add_provider(
        self,
        name: str,
        load: Callable[[str], Provider],
        open_cache: Callable[[Provider, Environment], Cache],
    ) -> None:
        """Add a provider's hosts: answered before, cached, or the identity's own."""
        environment = self._environment
        try:
            provider = load(name)
            self._named += hosts_in(provider, open_cache(provider, environment))
            cloud = self._clouds[provider.name] = _Cloud(provider, self._candidates)
            own = provider.own_servers(environment)
            if provider.guesses_own:
                self._guesses += own
            else:
                self._own = [*own, *self._own]
            if provider.can_ask_for_own(environment):
                cloud.find_own = environment
        except DockcredError as error:
            log.info(f"an identity's own registry is left out: {error}")

    def add_hosts(self, hosts: Iterable[str]) -> None:
        """Add hosts that some file names, the likeliest first."""
        self._named += hosts

    def start(self) -> None:
        """Begin to ask the clouds, within the time of the call."""
        named = self._candidates((*self._own, *self._named))
        known = {each.store.provider.name for each in named}
        guesses = self._candidates(self._guesses)
        named += [each for each in guesses if each.store.provider.name not in known]
        for each in named:
            provider = each.store.provider
            cloud = self._clouds.setdefault(
                provider.name, _Cloud(provider, self._candidates)
            )
            cloud.add(each)
        questions = []
        for cloud in self._clouds.values():
            if question := cloud.question():
                questions.append(_in_bytes(question))
                self._asked.append(cloud)
        if questions:
            from dockcred.system import spawn  # noqa: PLC0415 - where somebody is asked

            left_s = min(process.remaining_s(), timeout_s(current()))
            limit_s = left_s - min(MARGIN_S, left_s / 4)
            self._answers = spawn.ask_forks(questions, limit_s)

    def users(self, kept: set[str]) -> dict[str, str]:
        """Return the user for each host whose `get` would be answered.

        Waits for the clouds. Hosts in `kept` are listed already, and are left out.
        """
        for cloud, answer in zip(self._asked, self._answers(), strict=True):
            cloud.learn(answer)
        found: dict[str, str] = {}
        for cloud in self._clouds.values():
            found |= cloud.users()
        return {
            host: user
            for host, user in found.items()
            if host.partition(":")[0] not in kept
        }

    def _candidates(self, hosts: Iterable[str]) -> list[_Candidate]:
        """Return a candidate for each host that has an identity."""
        found = (self._candidate(host) for host in dict.fromkeys(hosts))
        return [each for each in found if each]

    def _candidate(self, host: str) -> _Candidate | None:
        """Return the candidate for a host; None if no identity is known for it."""
        try:
            server = ServerURL.parse(host)
            if server.scheme or server.path:
                return None  # docker uses such a key only for its own hub
            target, store = self._routes.identity_for(server)
            return _Candidate(host, target, store) if store else None
        except DockcredError as error:
            log.info(f"{host} is left out: {error}")
            return None


def hosts_in(provider: Provider, cache: Cache) -> list[str]:
    """Return the hosts that were answered before, and those with a cached entry.

    Only an entry's name ends in a plain checksum: the name of a lock or a failure goes
    on. So a host whose `get` only failed is not listed.
    """
    parts = (name.split(",") for name in cache.names(f"{provider.name},"))
    cached = {each[1] for each in parts if each[-1].isalnum()}
    return list(dict.fromkeys((*answered_hosts(cache), *sorted(cached))))


class _Cloud:
    """The hosts of one provider that may be listed, and what is known of them.

    find_own  the environment of an identity whose own registry only the cloud can tell
    """

    def __init__(
        self,
        provider: Provider,
        candidates: Callable[[Iterable[str]], list[_Candidate]],
    ) -> None:
        self._provider = provider
        self._candidates = candidates
        self._users: dict[str, str] = {}
        # The user for each identity that is known to answer.
        self._answering: dict[str, str] = {}
        self._failing: set[str] = set()
        self._open: list[_Candidate] = []
        self._asked: _Candidate | None = None
        self._asked_as = ""
        self.find_own: Environment | None = None

    def add(self, candidate: _Candidate) -> None:
        """Add a host, with its user where its answer is cached."""
        if user := candidate.store.username_of(candidate.target):
            self._users[candidate.host] = user
            self._answering.setdefault(candidate.identity, user)
        else:
            self._open.append(candidate)

    def question(self) -> Callable[[], Iterable[str]] | None:
        """Return a function that asks the cloud, or None if it need not be asked.

        The function returns a user, then any hosts of the identity's own.
        """
        if environment := self.find_own:
            self._asked_as = _identity(self._provider, _ANY, environment)
            if self._asked_as not in self._answering:
                return lambda: self._provider.ask_for_own(environment)
        for each in self._open:
            is_asked = not each.store.provider.lists_unasked
            if is_asked and each.identity not in self._answering:
                self._asked, self._asked_as = each, each.identity
                asked = each
                return lambda: (asked.store.get(asked.target).username,)
        return None

    def learn(self, answer: bytes) -> None:
        """Remember the cloud's answer: the user, then hosts; b"" if it failed.

        The answer is `_REFUSED` if the registry that was asked refuses the identity.
        """
        user, *hosts = answer.decode("utf-8", "surrogateescape").split("\0")
        refused = answer == _REFUSED
        if self._asked and (refused or not user):
            self._open.remove(self._asked)
        if user and not (refused and not self._provider.decides_by_registry):
            self._answering[self._asked_as] = "" if refused else user
        else:
            self._failing.add(self._asked_as)
        known = {each.host for each in self._open} | self._users.keys()
        for each in self._candidates(host for host in hosts if host not in known):
            # A pattern in config.toml may give the host to another identity.
            self.add(each)

    def users(self) -> dict[str, str]:
        """Return the user for each host whose `get` would be answered."""
        for each in self._open:
            if each.identity in self._failing:
                continue
            try:
                user = self._user(each)
            except DockcredError as error:
                log.info(f"{each.host} is left out: {error}")
                continue
            if user:
                self._users[each.host] = user
        return self._users

    def _user(self, candidate: _Candidate) -> str:
        """Return the user of a host; raise DockcredError if it has no identity."""
        # This may be another object than self._provider: the router makes one for a
        # host that only config.toml gives to the provider.
        target, provider = candidate.target, candidate.store.provider
        environment = candidate.store.environment
        told = self._answering.get(candidate.identity)
        if told is None:
            provider.identity(target, environment)
        unknown = "unknown" if provider.lists_unasked else ""
        return provider.username(target, environment) or told or unknown


def host_of(key: str) -> str:
    """Return the host in a store's key, or "" if it has none."""
    try:
        return ServerURL.parse(key).host
    except DockcredError:
        return ""


def _in_bytes(question: Callable[[], Iterable[str]]) -> Callable[[], bytes]:
    """Return a function that asks a question and returns bytes; b"" on any failure."""

    def ask() -> bytes:
        try:
            return _BETWEEN.join(
                text.encode("utf-8", "surrogateescape") for text in question()
            )
        except RefusedError as error:
            log.info(f"left out of the list: {error}")
            return _REFUSED
        except DockcredError as error:
            log.info(f"left out of the list: {error}")
        except Exception as error:  # noqa: BLE001 - one cloud never spoils the rest
            log.warning(f"left out of the list: {type(error).__name__}")
        return b""

    return ask
