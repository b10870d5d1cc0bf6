"""A Store made of a provider and the cache: the path of one `get`.

The cache key is made from how the identity is *configured*, never from resolved keys.
So a hit sends no request.
"""

from __future__ import annotations

import os
import time

from dockcred import credential as lifetime
from dockcred.errors import (
    CredentialsNotFoundError,
    EndedError,
    MissingIdentityError,
    NotServedError,
    RefusedError,
)
from dockcred.identity import cache as watched
from dockcred.identity.provider import cache_key
from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.credential import Credential, ServerURL
    from dockcred.errors import DockcredError
    from dockcred.identity.cache import Entry
    from dockcred.identity.cache.files import Cache
    from dockcred.identity.cache.ticket import Tickets
    from dockcred.identity.provider import Provider
    from dockcred.system.environment import Environment

_PRIME = 2**32 - 5
"""A prime. A key modulo this number is a checksum that needs no import."""


class IdentityStore:
    """A cloud's registries as a docker credential store."""

    def __init__(
        self,
        provider: Provider,
        cache: Cache,
        environment: Environment,
        program_for: Callable[[ServerURL], str] = lambda _: "another helper",
        open_tickets: Callable[[], Tickets] | None = None,
        lacks_ticket: Callable[[], bool] = lambda: True,
    ) -> None:
        """Hold provider and cache; `program_for` names the helper of another host.

        `open_tickets` loads the writer of the launcher's tickets; it is None if no
        launcher asked. `lacks_ticket` tells, without the writer, if there is no ticket.
        """
        self.provider = provider
        self.cache = cache
        self.environment = environment
        self._program_for = program_for
        self.open_tickets = open_tickets
        self._lacks_ticket = lacks_ticket
        self._hit: tuple[Entry, str, ServerURL, float] | None = None

    def get(self, server: ServerURL) -> Credential:
        """Return the credential from the cache, else mint one.

        Raises CredentialsNotFoundError if the provider does not serve the host, or if
        the pull may go on anonymously; other errors are those of the mint.
        """
        if not self.provider.matches(server):
            raise CredentialsNotFoundError
        if process.meter:
            process.meter.provider = self.provider.name
        before = time.time()
        key = self.key(server)
        name = self._name(server, key)
        entry = self.held(name, key)
        if entry and self.is_leased(entry):
            age = lifetime.age(entry.credential, before)
            if age <= lifetime.AGING:
                self._hit = (entry, name, server, before)
                if process.meter:
                    process.meter.hit()
                if self.environment.get("DOCKCRED_LOG"):
                    from dockcred.system import log  # noqa: PLC0415 - for those who ask

                    log.debug(f"answered from the cache ({entry.source})")
                return entry.credential
        from dockcred.identity.mint import Minter  # noqa: PLC0415 - a miss only

        minter = Minter(self, name, key, server)
        try:
            return minter.mint()
        except (MissingIdentityError, RefusedError, EndedError) as error:
            is_anonymous = self._may_be_anonymous(server, error)
            if minter.vain and self.open_tickets:
                said = "" if is_anonymous else str(error)
                self.open_tickets().keep_silence(minter.vain, said)
            if not is_anonymous:
                raise
            from dockcred.system import log  # noqa: PLC0415 - a miss only

            log.info(f"going on anonymously: {error}")
            raise CredentialsNotFoundError from error

    def store(self, server: ServerURL, credential: Credential) -> str | None:
        """Store nothing and return a message (or None), so `docker login` succeeds.

        Raises NotServedError if the provider does not serve the host.
        """
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
            "its credential is minted from your identity at every need"
        )

    def erase(self, server: ServerURL) -> None:
        """Remove what is cached for the server, for all identities."""
        self.drop(server.host)

    def drop(self, host: str) -> None:
        """Remove a host's entries of all providers, and their tickets.

        Raises DockcredError if something may be left.
        """
        from dockcred.identity.cache import erasing  # noqa: PLC0415 - for `erase` only

        erasing.erase(self.cache, host)

    def username_of(self, server: ServerURL) -> str:
        """Return the user that a `get` would now answer from the cache, or ""."""
        credential = self.fresh(server)
        return credential.username if credential else ""

    def entry(self, server: ServerURL) -> Entry | None:
        """Return the valid entry for this call, even if its lease or life is over."""
        key = self.key(server)
        return self.held(self._name(server, key), key)

    def fresh(self, server: ServerURL) -> Credential | None:
        """Return what a `get` would now answer from the cache, or None."""
        entry = self.entry(server)
        if entry is None or not self.is_leased(entry):
            return None
        age = lifetime.age(entry.credential, time.time())
        return entry.credential if age <= lifetime.AGING else None

    def last_failure(self, server: ServerURL) -> tuple[str, float] | None:
        """Return why the last mint failed, and when (seconds since the epoch)."""
        name = self._name(server, self.key(server))
        lines = self.cache.read_text(f"{name}.failed").split("\n")
        try:
            when = os.stat(f"{self.cache.path}/{name}.failed").st_mtime
        except OSError:
            return None
        return (lines[1], when) if len(lines) > 1 else None

    def list(self) -> dict[str, str]:
        """Return the user for each server that a `get` would answer from the cache."""
        from dockcred.credential import ServerURL  # noqa: PLC0415 - for `list` only

        found = {}
        for host in self.hosts():
            if username := self.username_of(ServerURL.parse(host)):
                found[host] = username
        return found

    def hosts(self) -> set[str]:
        """Return the hosts for which something is cached, for any identity."""
        names = self.cache.names(f"{self.provider.name},")
        return {name.split(",")[1] for name in names}

    def after_answer(self) -> None:
        """Refresh an aging credential in the background.

        Else rewrite the entry after its token file was rotated, or write the ticket
        that the launcher did not find.
        """
        if self._hit is None:
            return
        entry, name, server, before = self._hit
        if lifetime.age(entry.credential, before) == lifetime.AGING:
            self._refresh(entry, name, server)
        elif any(map(watched.is_rotated, entry.conditions)):
            from dockcred.identity.mint import Minter  # noqa: PLC0415 - once in a rotation

            Minter(self, name, entry.key, server).follow_tokens(entry, before)
        elif self.open_tickets and self._lacks_ticket():
            self.open_tickets().keep(name, entry, before)

    def _refresh(self, entry: Entry, name: str, server: ServerURL) -> None:
        from dockcred.identity import mint  # noqa: PLC0415 - once in half a life
        from dockcred.identity.mint import Minter  # noqa: PLC0415

        if self.provider.is_direct(entry.source):
            issuing = Minter(self, name, entry.key, server)
            mint.spawn(
                self.cache,
                name,
                self.environment,
                lambda: issuing.mint(oldest=lifetime.FRESH),
                f"{self.provider.name} {server.raw}",
            )

    def refresh(self, server: ServerURL) -> None:
        """Mint a new credential for the server, in a process that does only this."""
        from dockcred.identity.mint import Minter  # noqa: PLC0415 - in the background
        from dockcred.system.environment import timeout_s  # noqa: PLC0415

        process.harden()
        process.start(timeout_s(self.environment), lambda _: None)
        key = self.key(server)
        Minter(self, self._name(server, key), key, server).mint(oldest=lifetime.FRESH)

    def key(self, server: ServerURL) -> str:
        """Return the key under which this call's credential is cached."""
        return cache_key(self.provider, server, self.environment)

    def _name(self, server: ServerURL, key: str) -> str:
        """Return the entry's file name.

        Two keys with the same checksum only replace each other's entries.
        """
        number = int.from_bytes(key.encode("utf-8", "surrogateescape"), "big")
        return f"{self.provider.name},{server.host},{number % _PRIME:08x}"

    def held(self, name: str, key: str) -> Entry | None:
        """Return the entry if it was written for this key and its conditions hold."""
        entry = self.cache.read(name)
        if entry is None or entry.key != key:
            return None
        for condition in entry.conditions:
            if not watched.is_valid(condition, self.environment):
                return None
        return entry

    @staticmethod
    def is_leased(entry: Entry) -> bool:
        """Return whether the entry may be answered without asking its source."""
        return entry.lease_until is None or time.time() < entry.lease_until

    def _may_be_anonymous(self, server: ServerURL, error: DockcredError) -> bool:
        """Return whether the pull may go on without a credential.

        The `anonymous` setting decides; without it the registry does. If a login has
        ended, only the setting can allow it: the user should renew the login.
        """
        if chosen := self.environment.get("DOCKCRED_ANONYMOUS"):
            return chosen.lower() == "true"
        return not isinstance(error, EndedError) and self.provider.serves_anonymous(
            server
        )
