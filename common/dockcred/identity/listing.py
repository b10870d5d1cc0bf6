"""`list`: the registries for which a `get` would be answered, as far as can be known.

Some clients ask for the list first, and `get` only what is in it. What is cached is
known at once. Of the rest, one registry of each cloud is asked: what answers for it
answers for the others of the same identity. The clouds are asked at the same time, each
by a process of its own, so that one that hangs or fails costs the others nothing.
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
        """Who answers for a server."""

        def identity_for(
            self, server: ServerURL
        ) -> tuple[ServerURL, IdentityStore | None]:
            """Return the registry that is meant, and the store of its identity."""


MARGIN_S = 1.0
"""Of the call's time, for what is left to be done once the clouds have been asked; of a
short call it is a quarter."""
_ANY = ServerURL.parse("any.invalid")
_REFUSED = b"?"
_BETWEEN = b"\0"


class _Candidate:
    """A host that may be listed, the registry that it means, and who answers for it."""

    __slots__ = ("host", "identity", "store", "target")

    def __init__(self, host: str, target: ServerURL, store: IdentityStore) -> None:
        self.host = host
        self.target = target
        self.store = store
        self.identity = _identity(store.provider, target, store.environment)


def _identity(provider: Provider, target: ServerURL, environment: Environment) -> str:
    """Return all that selects the identity: the cache's key without a host."""
    return f"{cache_key(provider, _ANY, environment)}\x1f{provider.issuer(target)}"


class Listing:
    """A `list` that is being made; what is left out is told in the log."""

    def __init__(self, routes: Routes, environment: Environment) -> None:
        """Begin; the variables are those of a registry without settings of its own."""
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
        """Add a provider: what was answered, is cached, or is its identity's own."""
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
        """Add hosts that somebody names, the likeliest first."""
        self._named += hosts

    def start(self) -> None:
        """Begin to ask each cloud its question, while the call has time."""
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
        """Return each host that a `get` would be answered for, with its user.

        Waits for the clouds. Hosts in `kept` are known already.
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
        """Return who answers for each host, for those that are answered for."""
        found = (self._candidate(host) for host in dict.fromkeys(hosts))
        return [each for each in found if each]

    def _candidate(self, host: str) -> _Candidate | None:
        """Return who answers for a host; None where nobody does, or nobody can tell."""
        try:
            server = ServerURL.parse(host)
            if server.scheme or server.path:
                return None  # docker names no registry so but its own hub
            target, store = self._routes.identity_for(server)
            return _Candidate(host, target, store) if store else None
        except DockcredError as error:
            log.info(f"{host} is left out: {error}")
            return None


def hosts_in(provider: Provider, cache: Cache) -> list[str]:
    """Return the hosts that were answered once, or of which an entry is cached.

    A lock, or the cause of a failure, is no entry: its name has more than a sum at its
    end. A host that was asked for in vain is nobody's.
    """
    parts = (name.split(",") for name in cache.names(f"{provider.name},"))
    cached = {each[1] for each in parts if each[-1].isalnum()}
    return list(dict.fromkeys((*answered_hosts(cache), *sorted(cached))))


class _Cloud:
    """What may be listed of one provider, and what is known of it.

    find_own  the variables whose identity's own registry only the cloud can tell
    """

    def __init__(
        self,
        provider: Provider,
        candidates: Callable[[Iterable[str]], list[_Candidate]],
    ) -> None:
        self._provider = provider
        self._candidates = candidates
        self._users: dict[str, str] = {}
        # Of each identity that is known to answer: the user that it told.
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
        """Return what is to be asked, for a user and hosts; None if nothing is."""
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
        """Note what the cloud has answered: the user, then hosts; nothing, it failed.

        Only `_REFUSED`, where this one registry refuses the identity.
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
            # A pattern may give the host to another identity than the one that told it.
            self.add(each)

    def users(self) -> dict[str, str]:
        """Return what a `get` would be answered for."""
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
        """Return the user of a host; raise DockcredError where nobody is configured."""
        # Of a host that only config.toml gives to it, it is another provider's object.
        target, provider = candidate.target, candidate.store.provider
        environment = candidate.store.environment
        told = self._answering.get(candidate.identity)
        if told is None:
            provider.identity(target, environment)
        unknown = "unknown" if provider.lists_unasked else ""
        return provider.username(target, environment) or told or unknown


def host_of(key: str) -> str:
    """Return the host in a store's key; nothing for what names none."""
    try:
        return ServerURL.parse(key).host
    except DockcredError:
        return ""


def _in_bytes(question: Callable[[], Iterable[str]]) -> Callable[[], bytes]:
    """Return a question whose answer is bytes; nothing where anything fails."""

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
