"""Runs the application: one address, bounds on everything, and a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor

import uvicorn

from dockcred.errors import InvalidInputError
from dockcred.token_service import journal
from dockcred.token_service.app import Application
from dockcred.token_service.listen import Listen
from dockcred.token_service.request import MAX_HEAD_BYTES
from dockcred.token_service.slow_clients import BoundedProtocol

MAX_REQUESTS = 2048
MAX_UPSTREAM_CALLS = 64
KEEP_ALIVE_S = 5
GRACE_S = 10
WANTED_FILES = 8192
TLS_1_2_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Forward secrecy and AEAD, whatever the installed uvicorn would choose."""


def run(application: Application, listen: Listen) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish what has begun, for GRACE_S."""
    _allow_many_files()
    with listen.open() as sock:
        try:
            server = uvicorn.Server(_config(application, listen))
            server.config.load()
        except (OSError, ssl.SSLError) as error:
            raise InvalidInputError(
                f"the TLS certificate or its key cannot be read: {error}",
                "give PEM files that belong together",
            ) from None
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(server, sock))
    journal.info("stopped")


async def _serve(server: uvicorn.Server, sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(MAX_UPSTREAM_CALLS))

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn has handlers of its own while it serves; a signal that ended it is raised
    # once more for those before. Ours: a stop that was asked for is a success.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    host, port = sock.getsockname()[:2]
    journal.info("listening", host=host, port=port)
    await server.serve(sockets=[sock])


def _config(application: Application, listen: Listen) -> uvicorn.Config:
    return uvicorn.Config(
        application.routes(),
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        limit_concurrency=MAX_REQUESTS,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=listen.certificate or None,
        ssl_keyfile=listen.key or None,
        ssl_ciphers=TLS_1_2_CIPHERS,
    )


def _allow_many_files() -> None:
    """Raise our own limit: each connection is a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
