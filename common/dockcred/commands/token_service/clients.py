"""Count the connections and requests of each client, and limit them.

A client is an IPv4 address, or an IPv6 network of 64 bits, as one person can easily
have that many addresses. If all clients come through a proxy, the proxy's header names
them (`forwarded`). Without that header there is no limit for a single client.
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
"""Connections above the limit, which are told that there are too many."""

MAX_PER_CLIENT = 256
BURST_S = 4
"""Requests of this many seconds may come at once."""

MAX_REMEMBERED = 10_000
NOBODY = ""
"""An unknown client: the peer is a proxy that names no client."""


Peer = tuple[Any, ...]
"""The peer of a connection: its host, its port, and two more fields for IPv6."""


class Waiting(Protocol):
    """A connection that waits for its peer: to send a head or body, or to read."""

    def make_room(self) -> None:
        """End the connection, and say why if that is possible."""


class Clients:
    """Counts connections and requests; `per_client` 0 means no limit for one client.

    With `forwarded`, a client's address is the last one in X-Forwarded-For, and the
    peer is a proxy. `clock` is monotonic.
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
        """Count a connection, which waits for its peer from the start.

        Return False if the connection must be closed at once.
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
        """Stop to count a connection."""
        self._total -= 1
        _less(self._open, self._peer(peer))
        self._over.discard(peer)
        self._leaving.discard(peer)
        self.waits_no_longer(peer)

    def too_many(self, peer: Peer) -> bool:
        """Return whether a connection exceeds its client's limit."""
        return peer in self._over

    def make_room(self) -> bool:
        """If all places are taken, end the connection that has waited longest.

        It is chosen from the client with the most connections. Return whether there is
        room.
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
        """Note that a connection waits for its peer.

        Its place in the order is from the first call, even if another object now
        represents the connection.
        """
        self._waiting.setdefault(self._peer(peer), {})[peer] = connection

    def waits_no_longer(self, peer: Peer) -> None:
        """Forget that the connection waited, if it did."""
        who = self._peer(peer)
        waiting = self._waiting.get(who, {})
        waiting.pop(peer, None)
        if not waiting:
            self._waiting.pop(who, None)

    def current_principal(self, peer: Peer, forwarded_for: Iterable[str]) -> str:
        """Return the client of a request: its peer, or the one that the proxy names."""
        if not self._forwarded:
            return self._peer(peer)
        *_, last = ["", *forwarded_for]
        return _client(last.rpartition(",")[2].strip())

    def begins(self, who: str) -> int:
        """Count a request; return 0, or the seconds after which to try again."""
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
        """Count the end of a request that had begun."""
        _less(self._asking, who)

    def _forget(self, now: float) -> None:
        """Forget clients without a recent request; if that is too few, forget all."""
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
