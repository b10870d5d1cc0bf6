"""An issuer's keys, kept: fetched when first needed, when old, and when one is unknown.

Whoever makes up key ids makes us ask the issuer once a minute, not more. Keys that
are no longer published stop to count after ten minutes; where the issuer cannot be
reached, after an hour.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from dockcred.errors import DockcredError
from dockcred.token_service import journal, metrics
from dockcred.token_service.issuer_documents import PublishedKey
from dockcred.token_service.refusal import Refusal
from dockcred.token_service.settings import Issuer

FRESH_S = 600.0
KEEP_S = 3600.0
PAUSE_S = 60.0
RETRY_S = 5.0  # while there is no key at all

Fetch = Callable[[Issuer], Awaitable[dict[str, PublishedKey]]]


class IssuerKeys:
    """The keys of one issuer; `clock` is monotonic."""

    def __init__(
        self, issuer: Issuer, fetch: Fetch, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._keys: dict[str, PublishedKey] = {}
        self._fetched_at = self._asked_at = float("-inf")

    async def find(self, key_id: str | None) -> PublishedKey:
        """Answer the key with this id; raise Refusal where there is none.

        A token without an id is taken for the only key's, if there is but one.
        """
        found = self._known(key_id)
        # Others go on with the key that they have while one asks for newer ones.
        if found is None or (self._age() > FRESH_S and not self._lock.locked()):
            await self._ask_if_due()
            found = self._known(key_id)
        if self._age() > KEEP_S:
            raise Refusal.unavailable(
                "the keys of the token's issuer cannot be had now", int(RETRY_S)
            )
        if found is None:
            raise Refusal.unauthorized("no key that the issuer publishes has this id")
        return found

    def _known(self, key_id: str | None) -> PublishedKey | None:
        if key_id is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(key_id)

    def _age(self) -> float:
        return self._clock() - self._fetched_at

    async def _ask_if_due(self) -> None:
        fetched_at = self._fetched_at
        async with self._lock:
            if self._fetched_at != fetched_at:
                return  # another has, while this one waited
            pause = PAUSE_S if self._keys else RETRY_S
            if self._clock() - self._asked_at < pause:
                return
            asked_before = bool(self._keys)
            self._asked_at = self._clock()
            try:
                self._keys = await self._fetch(self._issuer)
            except DockcredError as error:
                metrics.ISSUER_FETCHES.labels(self._issuer.name, "failed").inc()
                journal.warning(
                    "issuer-keys-failed", issuer=self._issuer.name, reason=str(error)
                )
                return
            self._fetched_at = self._clock()
            if not asked_before:
                # The first time is not for an unknown key: a rotation may follow it.
                self._asked_at = float("-inf")
            metrics.ISSUER_FETCHES.labels(self._issuer.name, "fetched").inc()
            journal.info("issuer-keys", issuer=self._issuer.name, keys=len(self._keys))
