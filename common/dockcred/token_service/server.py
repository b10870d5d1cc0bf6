"""Runs the application: one address, bounds on everything, and a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import ssl
from typing import Any

import uvicorn

from dockcred.errors import InvalidInputError
from dockcred.token_service import journal
from dockcred.token_service.app import Application
from dockcred.token_service.clients import MAX_CONNECTIONS, Clients
from dockcred.token_service.gate import Gate
from dockcred.token_service.listen import Listen
from dockcred.token_service.request import MAX_HEAD_BYTES
from dockcred.token_service.slow_clients import BoundedProtocol

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
