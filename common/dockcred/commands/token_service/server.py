"""The server: one process, or one of several workers that share a port."""

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

import uvicorn

from dockcred.commands.token_service import journal, workers
from dockcred.commands.token_service.app import Application
from dockcred.commands.token_service.clients import MAX_CONNECTIONS, Clients
from dockcred.commands.token_service.connection import BoundedProtocol
from dockcred.commands.token_service.gate import Gate
from dockcred.commands.token_service.listen import Listen
from dockcred.commands.token_service.request import MAX_HEAD_BYTES
from dockcred.errors import InvalidInputError

T = TypeVar("T")


async def run_in_own_thread(work: Callable[[], T]) -> T:
    """Return the result of a call that may block, or raise its error.

    `asyncio.to_thread` does not fit. Its threads are few and shared, so one service's
    slow calls can take them all, and the program waits for each at its end. If the
    caller is cancelled, this thread runs on; the program does not wait for it.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()

    def settle(how: Callable[[Any], None], what: Any) -> None:
        if not ended.done():
            how(what)

    def tell(how: Callable[[Any], None], what: Any) -> None:
        # RuntimeError: the loop is closed, and nobody waits any longer.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, how, what)

    def body() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - raised again at `await`
            tell(ended.set_exception, error)
        else:
            tell(ended.set_result, result)

    threading.Thread(target=body, daemon=True).start()
    return await ended


HANDSHAKE_S = 10.0
FAREWELL_S = 5.0
KEEP_ALIVE_S = 5
GRACE_S = 10
WANTED_FILES = 8192
OTHER_FILES = 256
"""File descriptors for keys, issuers, the provider, and refused connections."""

TLS_1_2_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Only ciphers with forward secrecy and AEAD, whatever uvicorn's default is."""


def run(application: Application, listen: Listen, many: int = 1) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish running requests, for GRACE_S.

    With `many` above 1, this process only manages the workers. Raises InvalidInputError
    if the service cannot start, and DockcredError if a worker did not stop in time.
    """
    files = _allow_many_files()
    most = min(MAX_CONNECTIONS, max(files - OTHER_FILES, files // 2))
    clients = listen.clients(most)
    journal.FIGURES.share(many, application.issuers)
    with listen.open(clients, many) as sock:
        try:
            server = _Server(_config(application, listen, clients), application)
            server.config.load()
        except (OSError, ssl.SSLError) as error:
            raise InvalidInputError(
                f"the TLS certificate or its key cannot be read: {error}",
                "give PEM files that belong together",
            ) from None

        def serve(parent: int) -> None:
            with (
                contextlib.suppress(KeyboardInterrupt),
                asyncio.Runner(loop_factory=_Loop) as runner,
            ):
                runner.run(_serve(server, sock, application, parent))

        if many == 1:
            serve(workers.NOBODY)
        else:
            workers.keep_signals()
            _tell(sock, many)
            workers.run(serve, many, sock.close, GRACE_S)
    journal.info("stopped")


class _Server(uvicorn.Server):
    """uvicorn's server, which reports that it is not ready as soon as it stops."""

    def __init__(self, config: uvicorn.Config, application: Application) -> None:
        super().__init__(config)
        self._application = application

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Mark the application as stopping, then shut uvicorn down."""
        self._application.leave()
        await super().shutdown(sockets)


class _Loop(asyncio.SelectorEventLoop):
    """asyncio's event loop with shorter time limits for TLS.

    asyncio's own limits are 60 s for the handshake, and 30 s for the shutdown.
    """

    async def create_server(self, *arguments: Any, **options: Any) -> asyncio.Server:
        """Create a server with our time limits for TLS, as asyncio defines it."""
        if options.get("ssl"):
            options["ssl_handshake_timeout"] = HANDSHAKE_S
            options["ssl_shutdown_timeout"] = FAREWELL_S
        return await super().create_server(*arguments, **options)


def _tell(sock: socket.socket, many: int) -> None:
    host, port = sock.getsockname()[:2]
    journal.info("listening", host=host, port=port, workers=many)


async def _serve(
    server: uvicorn.Server,
    sock: socket.socket,
    application: Application,
    parent: int,
) -> None:
    """Serve until a signal, or until the parent process closes the pipe `parent`."""

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn sets its own signal handlers while it serves. After it stops, it raises
    # the signal again for the handlers before. Ours treats a requested stop as a
    # success.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    if parent == workers.NOBODY:
        _tell(sock, 1)
    else:
        loop = asyncio.get_running_loop()
        loop.add_reader(parent, stop)
    application.begin()
    await server.serve(sockets=[sock])


def _config(
    application: Application, listen: Listen, clients: Clients
) -> uvicorn.Config:
    front = Gate(application, clients)
    shared = {"clients": clients, "front": front}
    return uvicorn.Config(
        front,
        http=type("Protocol", (BoundedProtocol,), shared),
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
    """Raise our limit of file descriptors, one per connection; return the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)
