"""An issuer's keys, cached.

They are fetched at the start, by age, and for a new key id.

A slow or failing issuer affects only its own tokens. At most one fetch runs, in its own
thread. A request whose key is known does not wait for it. Other requests wait at most
WAIT_S seconds, or RETRY_WAIT_S if the last fetch failed. At most MAX_WAITING requests
wait; the others are told to retry. A failure is remembered for RETRY_S seconds, or
PAUSE_S while there are keys.

A caller who invents key ids causes at most one fetch in PAUSE_S seconds. Keys that are
no longer published are valid for at most FRESH_S seconds more. If the issuer cannot be
reached, they are valid for KEEP_S.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from dockcred.commands.token_service import journal
from dockcred.commands.token_service.issuer_documents import PublishedKey
from dockcred.commands.token_service.request import Refusal
from dockcred.commands.token_service.settings import Issuer
from dockcred.errors import DockcredError

REFRESH_S = 300.0
FRESH_S = 600.0
KEEP_S = 3600.0
PAUSE_S = 60.0
RETRY_S = 5.0  # while there is no valid key
WAIT_S = 5.0
RETRY_WAIT_S = 1.0
MAX_WAITING = 256

Fetch = Callable[[Issuer], Awaitable[dict[str, PublishedKey]]]
_NEVER = float("-inf")


class IssuerKeys:
    """The keys of one issuer; `clock` is monotonic."""

    def __init__(
        self, issuer: Issuer, fetch: Fetch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, PublishedKey] = {}
        self._under_way: asyncio.Task[None] | None = None
        self._begun_at = self._ended_at = self._fetched_at = _NEVER
        self._has_failed = False
        self._waiting = 0

    def begin(self) -> None:
        """Start a fetch, if none is running and the last one is not too recent."""
        pause = PAUSE_S if self._count() else RETRY_S
        if self._under_way is None and self._clock() - self._ended_at >= pause:
            self._begun_at = self._clock()
            self._under_way = asyncio.create_task(self._renew())

    def known(self, key_id: str | None) -> PublishedKey | None:
        """Return the key with this id, None if it is unknown; sends no request.

        If the token has no key id and the issuer has only one key, that key is
        returned.
        """
        if not self._count():
            return None
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    async def find(self, key_id: str | None) -> PublishedKey:
        """Return the key with this id as the issuer publishes it now.

        Raises Refusal if there is no such key, or no keys can be fetched.
        """
        found = self.known(key_id)
        if found is None or self._age() > REFRESH_S:
            self.begin()
        # While one request fetches newer keys, the others use the key that they have.
        if found is None or (self._age() > FRESH_S and not self._has_failed):
            await self._wait(WAIT_S if found is None else RETRY_WAIT_S)
            found = self.known(key_id)
        if not self._count():
            raise self._away()
        if found is None and self._under_way:
            raise self._away()  # the fetch that is running may bring this key
        if found is None:
            raise Refusal.unauthorized("no key that the issuer publishes has this id")
        return found

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    def _count(self) -> bool:
        """Return whether the known keys are still valid."""
        return bool(self._keys) and self._age() <= KEEP_S

    async def _wait(self, most_s: float) -> None:
        """Wait for the running fetch: `most_s`, and WAIT_S after its start at most."""
        if self._under_way is None:
            return
        if self._waiting >= MAX_WAITING:
            raise self._away()
        if self._has_failed:
            most_s = min(most_s, RETRY_WAIT_S)
        left = self._begun_at + WAIT_S - self._clock()
        self._waiting += 1
        try:
            await asyncio.wait({self._under_way}, timeout=max(0, min(most_s, left)))
        finally:
            self._waiting -= 1

    def _away(self) -> Refusal:
        return Refusal.unavailable(
            "the keys of the token's issuer cannot be had now", int(RETRY_S)
        )

    async def _renew(self) -> None:
        had_keys, failed = self._count(), True
        try:
            self._keys = await self._fetch(self._issuer)
        except DockcredError as error:
            self._tell_failure(str(error))
        except Exception as error:  # noqa: BLE001 - one issuer fails, not the service
            self._tell_failure(type(error).__name__)
            journal.failure("failed", error)
        else:
            failed = False
            self._fetched_at = self._clock()
            journal.FIGURES.fetched(self._issuer.name, "fetched")
            journal.info("issuer-keys", issuer=self._issuer.name, keys=len(self._keys))
        finally:
            self._under_way, self._has_failed = None, failed
            # No pause follows the first fetch, as the issuer may rotate its keys right
            # after.
            self._ended_at = self._clock() if failed or had_keys else _NEVER

    def _tell_failure(self, reason: str) -> None:
        journal.FIGURES.fetched(self._issuer.name, "failed")
        journal.warning("issuer-keys-failed", issuer=self._issuer.name, reason=reason)
