"""A miss: one mint for all who ask, a lease renewed, a credential kept.

What may be kept is decided here: only if nothing that selects the identity changed
while it was asked, and only where every source has a row that says how long.
"""

from __future__ import annotations

import time

from dockcred import lifetime, log, spare_time
from dockcred.cache import watched
from dockcred.cache.entry import Entry
from dockcred.cache.record import Record
from dockcred.cache.single_flight import Flight
from dockcred.errors import DockcredError, IssueError, WireError
from dockcred.identity import is_cacheable, lease_until

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.credential import Credential
    from dockcred.identity import Identity
    from dockcred.identity_store import IdentityStore
    from dockcred.server_url import ServerURL


class Issuing:
    """One entry of a store, on its way to be minted."""

    def __init__(
        self, store: IdentityStore, name: str, key: str, server: ServerURL
    ) -> None:
        self._store = store
        self._cache = store.cache
        self._name = name
        self._key = key
        self._server = server

    def mint(self, *, oldest: int = lifetime.AGING) -> Credential:
        """Mint once for all who ask at the same time.

        Whoever comes second finds an entry; `oldest` is the age at which it will do.
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
            flight.leave_failure(error)
            raise
        finally:
            flight.land()

    def _issue(self, entry: Entry | None) -> Credential:
        """Record what is consulted from the choice of an identity to its answer."""
        record = Record(self._store.environment, (self._cache.path,))
        try:
            return self._decide(entry, record)
        finally:
            record.close()

    def _decide(self, entry: Entry | None, record: Record) -> Credential:
        """Renew the lease of a held entry, or mint and keep; else fall back on it."""
        provider, environment = self._store.provider, record.environment
        chosen_by = provider.config_files(environment)
        watched.settle(chosen_by)
        identity = provider.identity(self._server, environment)
        watched.settle((*identity.files, *identity.tokens))
        before = time.time()
        now = watched.conditions(identity.files, identity.tokens)
        if entry and not self._store.is_leased(entry):
            if self._renew(entry, identity):
                return entry.credential
            entry = None
        spare_time.clear()
        spare_time.put(self._cache.prune)
        if self._store.open_tickets:
            spare_time.put(self._store.open_tickets)  # loads its module
        try:
            credential = identity.issue()
        except IssueError as error:
            if entry and lifetime.age(entry.credential, time.time()) <= lifetime.LAST:
                log.warning(f"answered the last credential: {error}")
                return entry.credential
            raise
        unchanged = (
            self._store.key(self._server) == self._key
            and watched.conditions(identity.files, identity.tokens) == now
            and record.still_holds()
        )
        if unchanged and is_cacheable(identity) and credential.expires_at is not None:
            source = "+".join(identity.sources)
            lease = lease_until(source, before)
            said = identity.said
            now += record.conditions(
                (*provider.variables, *provider.secrets),
                (*chosen_by, *identity.files, *identity.tokens),
            )
            self._keep(Entry(self._key, credential, source, now, lease, said), before)
            spare_time.spend(lambda: False)
        return credential

    def _renew(self, entry: Entry, identity: Identity) -> bool:
        """Ask the source who it is; extend the lease if it is still the same."""
        before = time.time()
        if lifetime.age(entry.credential, before) > lifetime.AGING:
            return False
        try:
            who = identity.who()
        except IssueError as error:
            log.info(f"the lease is over and the source does not answer: {error}")
            return False
        if not who or who != entry.who:
            return False
        entry.lease_until = lease_until(entry.source, before)
        self._keep(entry, before)
        return True

    def follow_tokens(self, entry: Entry, asked_at: float) -> None:
        """Keep an entry as it is, with how its rotated token files look now.

        Without that each further hit would parse them. Left alone if one has passed
        to another subject since, or if another process has minted.
        """
        watched.settle(watched.tokens_of(entry.conditions))
        now = tuple(map(watched.seen_again, entry.conditions))
        held = self._cache.read(self._name)
        if all(now) and held and held.credential.secret == entry.credential.secret:
            entry.conditions = now
            self._keep(entry, asked_at)

    def _keep(self, entry: Entry, asked_at: float) -> None:
        """Write the entry, and its ticket for the launcher."""
        if not self._cache.write(self._name, entry):
            return
        if self._store.open_tickets:
            self._store.open_tickets().keep(self._name, entry, asked_at)
