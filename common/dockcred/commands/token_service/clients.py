"""Who is connected and how much each asks for: bounds for one client, and for all.

A client is an IPv4 address or an IPv6 network of 64 bits, which is what one of them
can have for nothing. Where all clients come through a proxy, its word counts
(`forwarded`), or there is no bound for one of them.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol

MAX_CONNECTIONS = 2048
SPARE_CONNECTIONS = 64
"""For those who are told that there are too many."""

MAX_PER_CLIENT = 256
BURST_S = 4
"""So many seconds' requests may come at once."""

MAX_REMEMBERED = 10_000
NOBODY = ""
"""A client that is not known: the other end of a proxy that names none."""


Peer = tuple[Any, ...]
"""The other end of a connection: its host, its port, and what IPv6 adds."""


class Waiting(Protocol):
    """A connection whose other end owes us something: a head, a body, its reading."""

    def make_room(self) -> None:
        """End it, and say why where that is possible."""


class Clients:
    """Counts connections and requests; `per_client` is 0 for no bound for one client.

    `forwarded` says that the clients' addresses are the last ones of X-Forwarded-For,
    and the peers' are a proxy's. `clock` is monotonic.
    """

    def __init__(
        self,
        per_client: int = 0,
        *,
        forwarded: bool = False,
        most: int = MAX_CONNECTIONS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_client = per_client
        self._forwarded = forwarded
        self._most = most
        self._clock = clock
        self._open: Counter[str] = Counter()
        self._total = 0
        self._asking: Counter[str] = Counter()
        self._spent: dict[str, tuple[float, float]] = {}
        self._over: set[Peer] = set()
        self._leaving: set[Peer] = set()
        self._waiting: dict[str, dict[Peer, Waiting]] = {}

    def opened(self, peer: Peer, connection: Waiting) -> bool:
        """Count a connection, which owes us something from its first moment on.

        Return False for one that shall be closed at once.
        """
        who = self._peer(peer)
        if self._is_over(self._open[who], SPARE_CONNECTIONS):
            return False
        if self._total >= self._most + SPARE_CONNECTIONS:
            return False
        if self._is_over(self._open[who]):
            self._over.add(peer)
        self._total += 1
        self._open[who] += 1
        self.waits(peer, connection)
        return True

    def closed(self, peer: Peer) -> None:
        """Count a connection no longer."""
        self._total -= 1
        _less(self._open, self._peer(peer))
        self._over.discard(peer)
        self._leaving.discard(peer)
        self.waits_no_longer(peer)

    def too_many(self, peer: Peer) -> bool:
        """Return whether a connection is one more than its client may have."""
        return peer in self._over

    def make_room(self) -> bool:
        """End the connection that has owed us something for longest, if all is full.

        It is one of the client that has most of them. Return whether there is room.
        """
        if self._total - len(self._leaving) <= self._most:
            return True
        biggest = max(self._waiting, key=lambda who: self._open[who], default=None)
        if biggest is None:
            return False
        peer, connection = next(iter(self._waiting[biggest].items()))
        self.waits_no_longer(peer)
        self._leaving.add(peer)
        connection.make_room()
        return True

    def waits(self, peer: Peer, connection: Waiting) -> None:
        """Remember that a connection's other end owes us something.

        It has done so since this was first said, whoever speaks for the connection.
        """
        self._waiting.setdefault(self._peer(peer), {})[peer] = connection

    def waits_no_longer(self, peer: Peer) -> None:
        """Forget that it did, if it did."""
        who = self._peer(peer)
        waiting = self._waiting.get(who, {})
        waiting.pop(peer, None)
        if not waiting:
            self._waiting.pop(who, None)

    def current_principal(self, peer: Peer, forwarded_for: Iterable[str]) -> str:
        """Return the client of a request: its peer, or whom the proxy speaks for."""
        if not self._forwarded:
            return self._peer(peer)
        *_, last = ["", *forwarded_for]
        return _client(last.rpartition(",")[2].strip())

    def begins(self, who: str) -> int:
        """Count a request; return 0, or the seconds after which another may come."""
        if not self._per_client or who == NOBODY:
            return 0
        if self._asking[who] >= self._per_client:
            return BURST_S
        now = self._clock()
        spent, at = self._spent.get(who, (0.0, now))
        spent = max(0.0, spent - (now - at) * self._per_client)
        if spent + 1 > self._per_client * BURST_S:
            return 1
        if who not in self._spent and len(self._spent) >= MAX_REMEMBERED:
            self._forget(now)
        self._spent[who] = spent + 1, now
        self._asking[who] += 1
        return 0

    def ends(self, who: str) -> None:
        """Count a request that had begun no longer."""
        _less(self._asking, who)

    def _forget(self, now: float) -> None:
        """Forget those who have asked for nothing lately, or else all."""
        self._spent = {
            who: (spent, at)
            for who, (spent, at) in self._spent.items()
            if now - at < BURST_S
        }
        if len(self._spent) >= MAX_REMEMBERED:
            self._spent.clear()

    def _peer(self, peer: Peer) -> str:
        return NOBODY if self._forwarded else _client(peer[0])

    def _is_over(self, count: int, spare: int = 0) -> bool:
        bounded = self._per_client and not self._forwarded
        return bool(bounded) and count >= self._per_client + spare


@lru_cache(MAX_REMEMBERED)
def _client(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return NOBODY
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def _less(counted: Counter[str], who: str) -> None:
    counted[who] -= 1
    if counted[who] <= 0:
        del counted[who]
