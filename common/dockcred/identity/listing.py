"""`list`: the registries for which a `get` would be answered, as far as can be known.

Some clients ask for the list first, and `get` only what is in it. What is cached is
known at once. Of the rest, one registry of each cloud is asked: what answers for it
answers for the others of the same identity. The clouds are asked at the same time, each
by a process of its own, so that one that hangs or fails costs the others nothing.
"""

from __future__ import annotations

import os
import select
import time

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, RefusedError
from dockcred.identity.mint import answered_hosts
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
"""Of the call's time, for what is left to be done once the clouds have been asked."""
_ANY = ServerURL.parse("any.invalid")
_REFUSED = "?"
_MAX_BYTES = 65536


class _Candidate:
    """A host that may be listed, the registry that it means, and who answers for it."""

    __slots__ = ("host", "identity", "store", "target")

    def __init__(self, host: str, target: ServerURL, store: IdentityStore) -> None:
        self.host = host
        self.target = target
        self.store = store
        # The key without a host of its own: all that selects the identity.
        self.identity = store.key(_ANY)


def hosts_in(provider: Provider, cache: Cache) -> list[str]:
    """Return the hosts that were answered once, or of which something is cached."""
    cached = {name.split(",")[1] for name in cache.names(f"{provider.name},")}
    return list(dict.fromkeys((*answered_hosts(cache), *sorted(cached))))


def users(
    hosts: Iterable[str],
    routes: Routes,
    owners: Iterable[tuple[Provider, Environment]],
    kept: set[str],
) -> dict[str, str]:
    """Return each host that a `get` would be answered for, with its user.

    `hosts` are those that somebody names, the likeliest first; `owners` the clouds and
    the variables by which each finds the registry of its own identity. Whose hosts are
    in `kept` is known already.
    """
    clouds: dict[str, _Cloud] = {}
    guesses: list[str] = []
    for provider, environment in owners:
        cloud = clouds.setdefault(provider.name, _Cloud(provider))
        own, tells_more = _own(provider, environment)
        if provider.guesses_own:
            guesses += own
        else:
            hosts = (*own, *hosts)
        if tells_more:
            cloud.find_own = environment
    named = _candidates(hosts, routes, kept)
    known = {each.store.provider.name for each in named}
    for each in (*named, *_candidates(guesses, routes, kept)):
        provider = each.store.provider
        if each in named or provider.name not in known:
            clouds.setdefault(provider.name, _Cloud(provider)).add(each)
    _ask_all(list(clouds.values()))
    found: dict[str, str] = {}
    for cloud in clouds.values():
        found |= cloud.users()
    return {host: user for host, user in found.items() if not _is_kept(host, kept)}


def _candidates(
    hosts: Iterable[str], routes: Routes, kept: set[str]
) -> list[_Candidate]:
    """Return who answers for each host, for those that are answered for."""
    found = (
        _candidate(host, routes)
        for host in dict.fromkeys(hosts)
        if not _is_kept(host, kept)
    )
    return [each for each in found if each]


def _is_kept(host: str, kept: set[str]) -> bool:
    return host.partition(":")[0] in kept


def _own(provider: Provider, environment: Environment) -> tuple[tuple[str, ...], bool]:
    """Return the registries that the configuration names, and if more can be asked."""
    try:
        own = provider.own_servers(environment)
        return own, provider.can_ask_for_own(environment)
    except DockcredError as error:
        log.info(f"{provider.name} has no registry of its own: {error}")
        return (), False


def _candidate(host: str, routes: Routes) -> _Candidate | None:
    """Return who answers for a host; None where nobody does, or nobody can tell."""
    try:
        server = ServerURL.parse(host)
        if server.scheme or server.path:
            return None  # docker names no registry so but its own hub
        target, store = routes.identity_for(server)
        return _Candidate(host, target, store) if store else None
    except DockcredError as error:
        log.info(f"{host} is left out: {error}")
        return None


class _Cloud:
    """What may be listed of one provider, and what is known of it.

    find_own  the variables whose identity's own registry only the cloud can tell
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._known: dict[str, str] = {}
        self._user_of: dict[str, str] = {}
        self._open: list[_Candidate] = []
        self._asked: _Candidate | None = None
        self._left_out: set[str] = set()
        self.find_own: Environment | None = None

    def add(self, candidate: _Candidate) -> None:
        """Add a host, with its user where its answer is cached."""
        if user := candidate.store.username_of(candidate.target):
            self._known[candidate.host] = user
            self._user_of.setdefault(candidate.identity, user)
        else:
            self._open.append(candidate)

    def question(self) -> Callable[[], Iterable[str]] | None:
        """Return what is to be asked, for a user and hosts; None if nothing is.

        The user comes first, `_REFUSED` where this one registry refuses the identity.
        """
        unknown = [each for each in self._open if each.identity not in self._user_of]
        if self.find_own is not None and not self._user_of:
            environment = self.find_own
            return lambda: self._provider.ask_for_own(environment)
        if not unknown:
            return None
        self._asked = asked = unknown[0]

        def ask() -> Iterable[str]:
            try:
                return (asked.store.get(asked.target).username,)
            except RefusedError as error:
                log.info(f"{asked.host} is left out: {error}")
                return (_REFUSED,)

        return ask

    def learn(self, answer: list[str]) -> None:
        """Set what the cloud has answered, nothing where it has not."""
        asked, user = self._asked, answer[0] if answer else ""
        if asked is None:
            if self.find_own is None:
                return
            identity = cache_key(self._provider, _ANY, self.find_own)
            if user:
                self._known |= dict.fromkeys(answer[1:], user)
                self._user_of[identity] = user
            else:
                self._leave_out(identity)
            return
        self._left_out.add(asked.host)
        if user == _REFUSED:
            user = ""
            if self._provider.decides_by_registry:
                user = self._provider.username(asked.store.environment)
        elif user:
            self._left_out.remove(asked.host)
        if user:
            self._user_of[asked.identity] = user
        else:
            self._leave_out(asked.identity)

    def _leave_out(self, identity: str) -> None:
        """Leave all hosts of an identity out that nobody answers for."""
        self._left_out |= {
            each.host for each in self._open if each.identity == identity
        }

    def users(self) -> dict[str, str]:
        """Return what a `get` would be answered for."""
        found = dict(self._known)
        for each in self._open:
            if each.host in self._left_out:
                continue
            user = self._user_of.get(each.identity) or self._unasked(each)
            if user:
                found[each.host] = user
        return found

    def _unasked(self, candidate: _Candidate) -> str:
        """Return the user of an identity that was not asked, if it is configured."""
        environment = candidate.store.environment
        try:
            self._provider.identity(candidate.target, environment)
        except DockcredError as error:
            log.info(f"{candidate.host} is left out: {error}")
            return ""
        return self._provider.username(environment)


def _ask_all(clouds: list[_Cloud]) -> None:
    """Ask each cloud its question, all at once, while the call has time."""
    questions = [(cloud, ask) for cloud in clouds if (ask := cloud.question())]
    limit_s = max(0.1, min(process.remaining_s(), timeout_s(current())) - MARGIN_S)
    if not hasattr(os, "fork"):
        for cloud, ask in questions:
            cloud.learn(_answer(ask))
        return
    running = {_start(ask, limit_s): cloud for cloud, ask in questions}
    answers: dict[int, bytes] = dict.fromkeys(running, b"")
    ends_at = time.monotonic() + limit_s + MARGIN_S / 4
    waiting = set(running)
    while waiting and (left_s := ends_at - time.monotonic()) > 0:
        for descriptor in select.select(list(waiting), [], [], left_s)[0]:
            if chunk := os.read(descriptor, _MAX_BYTES):
                answers[descriptor] += chunk
            else:
                waiting.remove(descriptor)
    if waiting:
        process.end_children()
    for descriptor, cloud in running.items():
        os.close(descriptor)
        said = "" if descriptor in waiting else answers[descriptor].decode()
        cloud.learn(said.split("\n") if said else [])


def _start(ask: Callable[[], Iterable[str]], limit_s: float) -> int:
    """Start a process that asks; return the descriptor to read its answer from."""
    reading, writing = os.pipe()
    if os.fork() != 0:
        os.close(writing)
        return reading
    try:
        os.close(reading)
        process.start(limit_s, lambda _: None)
        said = "\n".join(_answer(ask)).encode()
        while said:
            said = said[os.write(writing, said) :]
    finally:
        # Nothing of this process's may be done a second time, nor a traceback written.
        os._exit(0)


def _answer(ask: Callable[[], Iterable[str]]) -> list[str]:
    """Return what is answered; nothing where it fails, whatever fails."""
    try:
        return list(ask())
    except DockcredError as error:
        log.info(f"left out of the list: {error}")
    except Exception as error:  # noqa: BLE001 - one cloud never spoils the rest
        log.warning(f"left out of the list: {type(error).__name__}")
    return []
