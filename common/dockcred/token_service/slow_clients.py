"""A bound on each phase of a connection, and an end for the slowest where all is full.

uvicorn bounds the pause between two requests, and nothing else. Here a head has HEAD_S
(a body BODY_S, see `request`), and the other end READ_S to take an answer. Whoever owes
us a head, a body or the reading of an answer is one of those who are ended, the longest
first, where there are more connections than we may have.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from dockcred.token_service import gate
from dockcred.token_service.clients import Clients, Peer

HEAD_S = 10.0
READ_S = 10.0
TURNED_AWAY_S = 2.0
_NO_ROOM = gate.too_busy(503, "there are too many connections")
_FAREWELL = gate.farewell(503, "there are too many connections")
_TOO_MANY = gate.too_busy(429, "one address has too many connections")


class BoundedProtocol(H11Protocol):
    """HTTP/1.1 by h11, strict, with a bound on each phase; `clients` is one for all."""

    clients: Clients
    _head: asyncio.TimerHandle | None = None
    _answer: asyncio.TimerHandle | None = None
    _peer: Peer = ("",)

    def connection_made(self, transport: Any) -> None:
        """Wait for the first head, unless too many do so already."""
        super().connection_made(transport)
        # We are told as soon as anything of an answer is not taken.
        transport.set_write_buffer_limits(high=1, low=0)
        self._peer = transport.get_extra_info("peername") or ("",)
        if self.clients.too_many(self._peer):
            self.app = _TOO_MANY
        elif not self.clients.make_room():
            self.app = _NO_ROOM
        self._wait()
        self._note()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head from its first byte on."""
        if self._head is None and self._is_between_requests():
            self._wait()
        super().data_received(data)
        if not self._is_between_requests():
            self._stop_waiting()
        self._note()

    def on_response_complete(self) -> None:
        """Leave, where the rest of a request is not wanted any more."""
        if self.conn.their_state is h11.SEND_BODY:
            self.transport.close()
        super().on_response_complete()
        self._note()

    def pause_writing(self) -> None:
        """Wait for the other end to take its answer."""
        super().pause_writing()
        self._answer = self.loop.call_later(READ_S, self.transport.abort)
        self._note()

    def resume_writing(self) -> None:
        """Wait no longer: it has taken it."""
        super().resume_writing()
        self._stop_writing()
        self._note()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        super().connection_lost(exc)
        self._stop_waiting()
        self._stop_writing()

    def make_room(self) -> None:
        """End this connection, with a word of why where that can be understood."""
        has_begun = self.cycle is not None and self.cycle.response_started
        if self._is_between_requests() and has_begun and self._head is None:
            self.transport.close()  # between two requests
        elif self.flow.write_paused or (has_begun and not self._is_between_requests()):
            self.transport.abort()
        else:
            self.transport.write(_FAREWELL)
            self.transport.close()
            self.loop.call_later(TURNED_AWAY_S, self.transport.abort)

    def _is_between_requests(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _note(self) -> None:
        """Say whether the other end owes us something."""
        if self.transport.is_closing():
            return
        if (
            self._is_between_requests()
            or self.cycle.more_body
            or self.flow.write_paused
        ):
            self.clients.waits(self._peer, self)
        else:
            self.clients.waits_no_longer(self._peer)

    def _wait(self) -> None:
        turned_away = self.app in {_TOO_MANY, _NO_ROOM}
        seconds = TURNED_AWAY_S if turned_away else HEAD_S
        self._head = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _stop_writing(self) -> None:
        if self._answer is not None:
            self._answer.cancel()
            self._answer = None
