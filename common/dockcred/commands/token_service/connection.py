"""One connection of HTTP/1.1: strict, with a time limit for each phase.

The plainest requests are parsed in one step (`quick`) and answered here. h11 and
uvicorn handle all others. One connection may have requests of both sorts, one after the
other.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from dockcred.commands.token_service import gate, quick
from dockcred.commands.token_service.clients import Clients, Peer
from dockcred.commands.token_service.quick import PlainRequest

HEAD_S = 10.0
READ_S = 10.0
TURNED_AWAY_S = 2.0
LAST_S = 1.0
"""Seconds that an idle connection may still send a request after we begin to stop.

Such a request is answered with `connection: close`.
"""

_NO_ROOM = gate.too_busy(503, "there are too many connections")
_FAREWELL = gate.farewell(503, "there are too many connections")
_TOO_MANY = gate.too_busy(429, "one address has too many connections")
_CLOSE = (b"connection", b"close")


class BoundedProtocol(H11Protocol):
    """One connection; all connections share `clients` and `front`."""

    clients: Clients
    front: gate.Gate
    _plain: asyncio.Task[None] | None = None
    _kept = b""
    _has_answered = False
    _is_leaving = False
    _head: asyncio.TimerHandle | None = None
    _answer: asyncio.TimerHandle | None = None
    _peer: Peer = ("",)

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request head, unless there are too many connections."""
        super().connection_made(transport)
        # We are told as soon as the peer leaves any part of an answer unread.
        transport.set_write_buffer_limits(high=1, low=0)
        self._peer = transport.get_extra_info("peername") or ("",)
        if self.clients.too_many(self._peer):
            self.app = _TOO_MANY
        elif not self.clients.make_room():
            self.app = _NO_ROOM
        self._wait()
        self._note()

    def data_received(self, data: bytes) -> None:
        """Handle received bytes; a head must be complete HEAD_S after its start."""
        if self._plain is not None:
            # The client did not wait for its answer. Its next request is handled after
            # it.
            self._kept += data
            self.flow.pause_reading()
            return
        if self._begin_plain(data):
            return
        if self._head is None and self._is_between_requests():
            self._wait()
        super().data_received(data)
        if not self._is_between_requests():
            self._stop_waiting()
            if self._is_leaving:
                self.cycle.keep_alive = False
        self._note()

    def _begin_plain(self, data: bytes) -> bool:
        """Begin to answer if the data is one whole plain request; return whether."""
        if not (self._is_between_requests() and self.conn.our_state is h11.IDLE):
            return False
        if self._is_turned_away() or self.conn.trailing_data[0]:
            return False
        asked = quick.read(data)
        if asked is None:
            return False
        self._stop_waiting()
        self._unset_keepalive_if_required()
        self._plain = self.loop.create_task(self._answer_plain(asked))
        self.tasks.add(self._plain)
        self._plain.add_done_callback(self._end_plain)
        self._note()
        return True

    async def _answer_plain(self, asked: PlainRequest) -> None:
        # A client that does not read its answers gets no more of them.
        await self.flow.drain()
        answer = await self.front.plain(asked, self._peer)
        if self.transport.is_closing():
            return
        leaves = self._is_leaving and "connection" not in answer.headers
        more = [*self.server_state.default_headers, *([_CLOSE] if leaves else [])]
        self.transport.write(gate.as_bytes(answer, more))
        if leaves or "connection" in answer.headers:
            self.transport.close()

    def _end_plain(self, task: asyncio.Task[None]) -> None:
        """Continue with the next request."""
        self.tasks.discard(task)
        self._plain = None
        if task.cancelled() or task.exception():
            self.transport.abort()
        self.on_response_complete()
        if self._kept and not self.transport.is_closing():
            kept, self._kept = self._kept, b""
            self.data_received(kept)

    def shutdown(self) -> None:
        """Serve the running request, and new ones for LAST_S seconds; then close.

        A client that sends a request at this moment does not know yet that we stop.
        """
        self._is_leaving = True
        if self._is_between_requests():
            self.loop.call_later(LAST_S, self._leave)
        elif self._plain is None:
            self.cycle.keep_alive = False

    def _leave(self) -> None:
        if self._is_between_requests():
            self.transport.close()

    def on_response_complete(self) -> None:
        """Close the connection if the rest of the request's body is not wanted."""
        if self.conn.their_state is h11.SEND_BODY:
            self.transport.close()
        self._has_answered = True
        super().on_response_complete()
        self._note()

    def pause_writing(self) -> None:
        """Allow the peer READ_S seconds to read its answer."""
        super().pause_writing()
        self._answer = self.loop.call_later(READ_S, self.transport.abort)
        self._note()

    def resume_writing(self) -> None:
        """Stop the timer: the peer has read its answer."""
        super().resume_writing()
        self._stop_writing()
        self._note()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        super().connection_lost(exc)
        self._stop_waiting()
        self._stop_writing()

    def make_room(self) -> None:
        """End this connection, with a 503 if the client can understand one now."""
        has_begun = self._has_answered or (
            self.cycle is not None and self.cycle.response_started
        )
        if self._is_between_requests() and has_begun and self._head is None:
            self.transport.close()  # an idle connection
        elif self.flow.write_paused or (has_begun and not self._is_between_requests()):
            self.transport.abort()
        else:
            self.transport.write(_FAREWELL)
            self.transport.close()
            self.loop.call_later(TURNED_AWAY_S, self.transport.abort)

    def _is_between_requests(self) -> bool:
        if self._plain is not None:
            return False
        return self.cycle is None or self.cycle.response_complete

    def _is_turned_away(self) -> bool:
        return self.app in {_TOO_MANY, _NO_ROOM}

    def _note(self) -> None:
        """Inform `clients` whether this connection waits for its peer."""
        if self.transport.is_closing():
            return
        if (
            self._is_between_requests()
            or (self._plain is None and self.cycle.more_body)
            or self.flow.write_paused
        ):
            self.clients.waits(self._peer, self)
        else:
            self.clients.waits_no_longer(self._peer)

    def _wait(self) -> None:
        seconds = TURNED_AWAY_S if self._is_turned_away() else HEAD_S
        self._head = self.loop.call_later(seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _stop_writing(self) -> None:
        if self._answer is not None:
            self._answer.cancel()
            self._answer = None
