"""The server, and its patience with slow clients."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from dockcred.commands.token_service import gate, journal
from dockcred.commands.token_service.app import Application
from dockcred.commands.token_service.clients import MAX_CONNECTIONS, Clients, Peer
from dockcred.commands.token_service.gate import Gate
from dockcred.commands.token_service.listen import Listen
from dockcred.commands.token_service.request import MAX_HEAD_BYTES
from dockcred.errors import InvalidInputError

HEAD_S = 10.0
READ_S = 10.0
TURNED_AWAY_S = 2.0
T = TypeVar("T")
_NO_ROOM = gate.too_busy(503, "there are too many connections")
_FAREWELL = gate.farewell(503, "there are too many connections")
_TOO_MANY = gate.too_busy(429, "one address has too many connections")


async def run_in_own_thread(work: Callable[[], T]) -> T:
    """Return what a call that may block returns, or raise what it raises.

    Not by `asyncio.to_thread`: its threads are few and shared, so that one neighbour's
    slow calls take them all, and the end of the program waits for each of them. The
    thread runs on when whoever waits here is cancelled; its end is not waited for.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()

    def settle(how: Callable[[Any], None], what: Any) -> None:
        if not ended.done():
            how(what)

    def tell(how: Callable[[Any], None], what: Any) -> None:
        # RuntimeError: the loop is closed, and nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, how, what)

    def body() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            tell(ended.set_exception, error)
        else:
            tell(ended.set_result, result)

    threading.Thread(target=body, daemon=True).start()
    return await ended


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
        """Set whether the other end owes us something."""
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


HANDSHAKE_S = 10.0
FAREWELL_S = 5.0
KEEP_ALIVE_S = 5
GRACE_S = 10
WANTED_FILES = 8192
OTHER_FILES = 256
"""What is left for keys, issuers, the provider, and those who are turned away."""

TLS_1_2_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Forward secrecy and AEAD, whatever the installed uvicorn would choose."""


def run(application: Application, listen: Listen) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what has begun, for GRACE_S."""
    files = _allow_many_files()
    most = min(MAX_CONNECTIONS, max(files - OTHER_FILES, files // 2))
    clients = listen.clients(most)
    with listen.open(clients) as sock:
        try:
            server = uvicorn.Server(_config(application, listen, clients))
            server.config.load()
        except (OSError, ssl.SSLError) as error:
            raise InvalidInputError(
                f"the TLS certificate or its key cannot be read: {error}",
                "give PEM files that belong together",
            ) from None
        with (
            contextlib.suppress(KeyboardInterrupt),
            asyncio.Runner(loop_factory=_Loop) as runner,
        ):
            runner.run(_serve(server, sock, application))
    journal.info("stopped")


class _Loop(asyncio.SelectorEventLoop):
    """asyncio's own, which else gives TLS's agreement a minute, and its end half."""

    async def create_server(self, *arguments: Any, **options: Any) -> asyncio.Server:
        """See asyncio."""
        if options.get("ssl"):
            options["ssl_handshake_timeout"] = HANDSHAKE_S
            options["ssl_shutdown_timeout"] = FAREWELL_S
        return await super().create_server(*arguments, **options)


async def _serve(
    server: uvicorn.Server, sock: socket.socket, application: Application
) -> None:
    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn has handlers of its own while it serves; a signal that ended it is raised
    # once more for those before. Ours: a stop that was asked for is a success.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    host, port = sock.getsockname()[:2]
    journal.info("listening", host=host, port=port)
    application.begin()
    await server.serve(sockets=[sock])


def _config(
    application: Application, listen: Listen, clients: Clients
) -> uvicorn.Config:
    return uvicorn.Config(
        Gate(application.routes(), clients),
        http=type("Protocol", (BoundedProtocol,), {"clients": clients}),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=listen.certificate or None,
        ssl_keyfile=listen.key or None,
        ssl_ciphers=TLS_1_2_CIPHERS,
    )


def _allow_many_files() -> int:
    """Raise our own limit, for each connection is a file; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)
