"""Handle a miss: mint once for all callers, or renew a lease; then cache the result.

A credential is cached only if nothing that selects the identity changed during the
mint, and only if every source has a row in Provider.sources, which says for how long.
A process in the background replaces an aging credential, and no caller waits for it.
"""

from __future__ import annotations

import os
import time

from dockcred import credential as lifetime
from dockcred import system
from dockcred.errors import (
    DockcredError,
    IssueError,
    MissingIdentityError,
    ThrottledError,
    WireError,
)
from dockcred.identity import cache as watched
from dockcred.identity.cache import Entry, files, lock
from dockcred.identity.cache.lock import Flight
from dockcred.identity.cache.record import Record
from dockcred.identity.provider import SEPARATOR, looks_in
from dockcred.system import log, process
from dockcred.system.environment import timeout_s
from dockcred.transport import idle

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from dockcred.credential import Credential, ServerURL
    from dockcred.identity.cache.files import Cache
    from dockcred.identity.cache.silence import Vain
    from dockcred.identity.cache.ticket import Tickets
    from dockcred.identity.provider import Identity, Provider
    from dockcred.identity.turn_keeper import TurnKeeper
    from dockcred.system.environment import Environment

    class Holder(Protocol):
        """The store that needs a credential: it has the cache and the keys."""

        provider: Provider
        cache: Cache
        environment: Environment
        open_tickets: Callable[[], Tickets] | None

        def key(self, server: ServerURL) -> str:
            """Return the key under which the server's credential is cached."""

        def held(self, name: str, key: str) -> Entry | None:
            """Return the entry if it was written for this key and is still valid."""

        def is_leased(self, entry: Entry) -> bool:
            """Return whether the entry may be answered without asking its source."""


class Minter:
    """The mint of one cache entry; `vain` is for its note (see cache.silence)."""

    def __init__(self, store: Holder, name: str, key: str, server: ServerURL) -> None:
        self._store = store
        self._cache = store.cache
        self._name = name
        self._key = key
        self._server = server
        self.vain: Vain | None = None
        self._turns: TurnKeeper | None = None

    def mint(self, *, oldest: int = lifetime.AGING) -> Credential:
        """Return a credential, minted once for all that ask at the same time.

        A later caller takes an entry whose age (see credential) is `oldest` or less.
        """
        flight = Flight(self._cache, self._name)
        try:
            entry = self._store.held(self._name, self._key)
            if entry and self._store.is_leased(entry):
                age = lifetime.age(entry.credential, time.time())
                if age <= oldest:
                    return entry.credential
            if failure := flight.failure():
                raise failure
            return self._issue(entry)
        except WireError:
            raise
        except DockcredError as error:
            flight.record_failure(error)
            raise
        finally:
            flight.release()

    def _issue(self, entry: Entry | None) -> Credential:
        """Choose an identity and ask it, and record all that is read meanwhile."""
        while True:  # start again after a throttle: the identity may have changed
            record = Record(self._store.environment, (self._cache.path,))
            try:
                return self._decide(entry, record)
            except ThrottledError as error:
                self._keeper().wait(error)
            finally:
                record.close()

    def _decide(self, entry: Entry | None, record: Record) -> Credential:
        """Renew the entry's lease, or mint and cache; on failure use the old entry."""
        provider, environment = self._store.provider, record.environment
        chosen_by = provider.config_files(environment)
        watched.wait_for_mtime_tick(chosen_by)
        identity = provider.identity(self._server, environment)
        watched.wait_for_mtime_tick((*identity.files, *identity.tokens))
        before = time.time()
        now = watched.conditions(identity.files, identity.tokens)
        # An entry means that the service answered once: then no note is written.
        is_new = not entry and identity.sources == (provider.metadata[1],)
        if entry and not self._store.is_leased(entry):
            if self._renew(entry, identity):
                return entry.credential
            entry = None
        idle.clear()
        idle.defer(self._cache.prune)
        if self._store.open_tickets:
            idle.defer(self._store.open_tickets)  # loads its module
        try:
            credential = self._issue_in_turn(identity)
        except IssueError as error:
            if entry and lifetime.age(entry.credential, time.time()) <= lifetime.LAST:
                if process.meter:
                    process.meter.failed(error)
                log.warning(f"answered the last credential: {error}")
                return entry.credential
            raise
        except MissingIdentityError:
            if is_new and self._store.open_tickets:
                from dockcred.identity.cache import silence  # noqa: PLC0415 - a miss only

                looks = looks_in(self._key, chosen_by) | record.looks
                self.vain = silence.find(identity, provider, environment, looks)
            raise
        self._remember()
        unchanged = (
            self._store.key(self._server) == self._key
            and watched.conditions(identity.files, identity.tokens) == now
        )
        kept = provider.is_cacheable(identity) and credential.expires_at is not None
        if unchanged and kept:
            source = SEPARATOR.join(identity.sources)
            lease = provider.lease_until(source, before)
            said = identity.principal
            now += record.conditions(
                (*provider.variables, *provider.secrets),
                (*chosen_by, *identity.files, *identity.tokens),
            )
            self._keep(Entry(self._key, credential, source, now, lease, said), before)
            idle.run(lambda: False)
        return credential

    def _issue_in_turn(self, identity: Identity) -> Credential:
        """Mint once; raise ThrottledError if this node's turn is still to come."""
        if self._turns or files.has_turn(self._cache, self._name):
            self._keeper().check()
        try:
            credential = lock.timed(identity.issue)
        except ThrottledError as error:
            self._keeper().put_off(error)
            raise
        if self._turns:
            self._turns.end()
        return credential

    def _keeper(self) -> TurnKeeper:
        if self._turns is None:
            from dockcred.identity import turn_keeper  # noqa: PLC0415 - a throttle only

            told = turn_keeper.told(self._store.environment, self._store.provider)
            self._turns = turn_keeper.TurnKeeper(
                self._cache, self._name, self._key, told
            )
        return self._turns

    def _renew(self, entry: Entry, identity: Identity) -> bool:
        """Extend the lease and return True if the source has the same principal."""
        before = time.time()
        if lifetime.age(entry.credential, before) > lifetime.AGING:
            return False
        try:
            who = identity.current_principal()
        except IssueError as error:
            log.info(f"the lease is over and the source does not answer: {error}")
            return False
        if not who or who != entry.principal:
            return False
        entry.lease_until = self._store.provider.lease_until(entry.source, before)
        self._keep(entry, before)
        return True

    def follow_tokens(self, entry: Entry, asked_at: float) -> None:
        """Rewrite an entry with the new looks of its rotated token files.

        Else each further hit would parse these files. Nothing is written if a token
        now has another subject, or if another process has minted.
        """
        watched.wait_for_mtime_tick(watched.tokens_of(entry.conditions))
        now = tuple(map(watched.refreshed, entry.conditions))
        held = self._cache.read(self._name)
        if all(now) and held and held.credential.secret == entry.credential.secret:
            entry.conditions = now
            self._keep(entry, asked_at)

    def _remember(self) -> None:
        """Record the host as answered, for `list`, unless that is done already."""
        name = f"{files.ANSWERED}{self._server.host}"
        if self._cache.path and os.path.lexists(f"{self._cache.path}/{name}"):
            return
        hosts = files.answered_hosts(self._cache)
        if len(hosts) >= files.MOST_HOSTS:
            self._cache.remove(f"{files.ANSWERED}{hosts[-1]}")
        self._cache.write_text(name, "", time.time() + files.REMEMBERED_S)

    def _keep(self, entry: Entry, asked_at: float) -> None:
        """Write the entry, and its ticket for the launcher."""
        if not self._cache.write(self._name, entry):
            return
        if self._store.open_tickets:
            self._store.open_tickets().keep(self._name, entry, asked_at)


ATTEMPT_EVERY_S = 60.0
_AGAIN = "from dockcred import wiring; wiring.refresh(sys.stdin.buffer.read())"


def spawn(
    cache: Cache,
    name: str,
    environment: Environment,
    mint: Callable[[], object],
    again: str,
) -> None:
    """Mint in the background, unless that is switched off or was tried just now.

    It is off if CI is set: the end of a job kills what is left, or waits for it.
    Without fork, `again` tells a new process what to mint.
    """
    if environment.get("DOCKCRED_REFRESH").lower() == "off" or environment.get("CI"):
        return
    if _was_tried(cache, name) or not _claim(cache, name):
        return
    if system.start_again is not None:
        system.start_again(_AGAIN, environment.set_values(), again.encode())
        return
    if (child := os.fork()) != 0:
        os.waitpid(child, 0)  # init reaps the child's own child
        return
    try:
        _detach()
        if os.fork() == 0:
            process.start(timeout_s(environment), lambda _: None)
            mint()
    except (OSError, DockcredError) as error:
        # The next `get` that needs the credential meets and reports the cause.
        if process.meter:
            process.meter.failed(error)
    finally:
        if process.meter:
            process.meter.write()
        os._exit(0)


def _was_tried(cache: Cache, name: str) -> bool:
    try:
        tried_at = os.stat(f"{cache.path}/{name}.tried").st_mtime
    except OSError:
        return False
    return 0 <= time.time() - tried_at < ATTEMPT_EVERY_S


def _claim(cache: Cache, name: str) -> bool:
    """Record the attempt before it starts; return whether this caller may attempt it.

    A second check under a lock lets only one of many callers through. If the record
    cannot be written, there is no attempt.
    """
    flight = Flight(cache, f"{name}.tried")
    try:
        return not _was_tried(cache, name) and cache.write_text(
            f"{name}.tried", "", time.time()
        )
    finally:
        flight.release()


def _detach() -> None:
    os.setsid()
    os.chdir("/")
    for descriptor in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), descriptor)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
