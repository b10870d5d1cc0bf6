"""A provider and the cache, together a Store: the path of one `get`.

The cache is keyed by how the identity is *configured*, never by keys that were
resolved, so a hit asks nobody.
"""

from __future__ import annotations

import binascii
import os
import time

from dockcred import lifetime, log
from dockcred.cache import watched
from dockcred.cache.entry import Entry
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    IssueError,
    MissingIdentityError,
    NotServedError,
    RefusedError,
    WireError,
)
from dockcred.fingerprint import fingerprint
from dockcred.identity import is_cacheable, lease_until, rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.cache.files import Cache
    from dockcred.credential import Credential
    from dockcred.environment import Environment
    from dockcred.identity import Identity, Provider
    from dockcred.server_url import ServerURL


class IdentityStore:
    """A cloud's registries as a docker credential store."""

    def __init__(
        self,
        provider: Provider,
        cache: Cache,
        environment: Environment,
        program_for: Callable[[ServerURL], str] = lambda _: "another helper",
        keep_ticket: Callable[[Entry, float], None] | None = None,
    ) -> None:
        """Join the two; `program_for` names the helper of a host that is not ours.

        `keep_ticket` writes the launcher's copy of an entry whose identity was read
        after a time.
        """
        self.provider = provider
        self.cache = cache
        self.environment = environment
        self._program_for = program_for
        self._keep_ticket = keep_ticket
        self._aging: tuple[str, str, ServerURL] | None = None

    def get(self, server: ServerURL) -> Credential:
        """Answer from the cache, else mint; CredentialsNotFoundError if not ours."""
        if not self.provider.matches(server):
            raise CredentialsNotFoundError
        key = self.key(server)
        name = self._name(server, key)
        entry = self._held(name, key)
        if entry and self._is_leased(entry):
            age = lifetime.age(entry.credential, time.time())
            if age == lifetime.AGING:
                self._aging = (name, key, server)
            if age <= lifetime.AGING:
                log.debug(f"answered from the cache ({entry.source})")
                return entry.credential
        try:
            return self._mint(name, key, server)
        except (MissingIdentityError, RefusedError) as error:
            if not self._may_be_anonymous(server):
                raise
            log.info(f"going on anonymously: {error}")
            raise CredentialsNotFoundError from error

    def store(self, server: ServerURL, credential: Credential) -> str | None:
        """Succeed without storing, so that `docker login` does not fail."""
        del credential
        quiet = self.provider.ignore_storage
        if quiet and self.environment.get(quiet).lower() == "true":
            return None
        if not self.provider.matches(server):
            raise NotServedError(
                f"{server.host} is not served by {self.provider.program}",
                f"use {self._program_for(server)} for it",
            )
        return (
            f"nothing was stored for {server.host}: "
            "its credential is minted from your cloud identity at every need"
        )

    def erase(self, server: ServerURL) -> None:
        """Drop what is cached for the server, whoever's it is."""
        for name in list(self.cache.names()):
            owner, _, rest = name.removeprefix("front,").partition(",")
            ours = owner == self.provider.name or name.startswith("front,")
            if ours and rest.startswith(f"{server.host},"):
                self.cache.remove(name)

    def username_of(self, server: ServerURL) -> str:
        """Answer the user whom a `get` would now answer from the cache, or nothing."""
        credential = self.fresh(server)
        return credential.username if credential else ""

    def entry(self, server: ServerURL) -> Entry | None:
        """Answer what is cached for this call, whether or not it would be answered."""
        key = self.key(server)
        return self._held(self._name(server, key), key)

    def fresh(self, server: ServerURL) -> Credential | None:
        """Answer the credential that a `get` would now answer from the cache."""
        entry = self.entry(server)
        if entry is None or not self._is_leased(entry):
            return None
        age = lifetime.age(entry.credential, time.time())
        return entry.credential if age <= lifetime.AGING else None

    def last_failure(self, server: ServerURL) -> tuple[str, float] | None:
        """Answer why the last mint failed, and when in seconds since the epoch."""
        name = self._name(server, self.key(server))
        lines = self.cache.read_text(f"{name}.failed").split("\n")
        try:
            when = os.stat(f"{self.cache.path}/{name}.failed").st_mtime
        except OSError:
            return None
        return (lines[1], when) if len(lines) > 1 else None

    def list(self) -> dict[str, str]:
        """Answer the servers that a `get` would now answer from the cache."""
        from dockcred.server_url import ServerURL  # noqa: PLC0415 - for `list` only

        found = {}
        for host in self.hosts():
            if username := self.username_of(ServerURL.parse(host)):
                found[host] = username
        return found

    def hosts(self) -> set[str]:
        """Answer the hosts of which something is cached, whoever's it is."""
        names = self.cache.names(f"{self.provider.name},")
        return {name.split(",")[1] for name in names}

    def after_answer(self) -> None:
        """Refresh an aging credential in a process that nobody waits for."""
        if self._aging is None:
            return
        from dockcred import refresh  # noqa: PLC0415 - once in half a life

        name, key, server = self._aging
        entry = self.cache.read(name)
        if entry and all(row.direct for row in rows(entry.source)):
            refresh.spawn(
                self.cache,
                name,
                self.environment,
                lambda: self._mint(name, key, server, oldest=lifetime.FRESH),
            )

    def key(self, server: ServerURL) -> str:
        """Answer the key under which this call's credential is cached."""
        return fingerprint(self.provider, server, self.environment)

    def _name(self, server: ServerURL, key: str) -> str:
        """Name the entry's file; two keys of one sum evict each other, no more."""
        checksum = binascii.crc32(key.encode("utf-8", "surrogateescape"))
        return f"{self.provider.name},{server.host},{checksum:08x}"

    def _held(self, name: str, key: str) -> Entry | None:
        """Answer the entry if it was written for this key and its conditions hold."""
        entry = self.cache.read(name)
        if entry is None or entry.key != key:
            return None
        return entry if all(map(watched.still_holds, entry.conditions)) else None

    @staticmethod
    def _is_leased(entry: Entry) -> bool:
        return entry.lease_until is None or time.time() < entry.lease_until

    def _may_be_anonymous(self, server: ServerURL) -> bool:
        """Tell it by the `anonymous` setting, else by what the registry offers."""
        if chosen := self.environment.get("DOCKCRED_ANONYMOUS"):
            return chosen.lower() == "true"
        return self.provider.serves_anonymous(server)

    def _mint(
        self,
        name: str,
        key: str,
        server: ServerURL,
        *,
        oldest: int = lifetime.AGING,
    ) -> Credential:
        """Mint once for all who ask at the same time.

        Whoever comes second finds an entry; `oldest` is the age at which it will do.
        """
        from dockcred.cache.single_flight import Flight  # noqa: PLC0415 - a miss only

        flight = Flight(self.cache, name)
        try:
            entry = self._held(name, key)
            if entry and self._is_leased(entry):
                age = lifetime.age(entry.credential, time.time())
                if age <= oldest:
                    return entry.credential
            if failure := flight.failure():
                raise failure
            return self._issue(name, key, server, entry)
        except WireError:
            raise
        except DockcredError as error:
            flight.leave_failure(error)
            raise
        finally:
            flight.land()

    def _issue(
        self, name: str, key: str, server: ServerURL, entry: Entry | None
    ) -> Credential:
        """Renew the lease of a held entry, or mint and keep; else fall back on it."""
        files = self.provider.config_files(self.environment)
        watched.settle(files)
        identity = self.provider.identity(server, self.environment)
        watched.settle((*identity.files, *identity.tokens))
        before = time.time()
        now = watched.conditions(identity.files, identity.tokens)
        if entry and not self._is_leased(entry):
            if self._renew(name, entry, identity):
                return entry.credential
            entry = None
        try:
            credential = identity.issue()
        except IssueError as error:
            if entry and lifetime.age(entry.credential, time.time()) <= lifetime.LAST:
                log.warning(f"answered the last credential: {error}")
                return entry.credential
            raise
        unchanged = (
            self.key(server) == key
            and watched.conditions(identity.files, identity.tokens) == now
        )
        if unchanged and is_cacheable(identity) and credential.expires_at is not None:
            source = "+".join(identity.sources)
            lease = lease_until(source, before)
            entry = Entry(key, credential, source, now, lease, identity.said)
            self._keep(name, entry, before)
        return credential

    def _renew(self, name: str, entry: Entry, identity: Identity) -> bool:
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
        self._keep(name, entry, before)
        return True

    def _keep(self, name: str, entry: Entry, asked_at: float) -> None:
        """Write the entry, and its ticket where the launcher may answer it."""
        if not self.cache.write(name, entry):
            return
        if self._keep_ticket and all(row.front for row in rows(entry.source)):
            self._keep_ticket(entry, asked_at)
        self.cache.prune()
