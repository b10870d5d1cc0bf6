"""OIDC issuers that misbehave: never answer, send byte by byte, and others."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from support.program import BUSY_S

DRIP_S = 0.3
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n"
)


@dataclass
class BadIssuer:
    """An issuer's URL, and the number of connections to it so far."""

    url: str
    asked: int = 0


@contextmanager
def serving(manner: str) -> Iterator[BadIssuer]:
    """Serve as `manner` says, a key of MANNERS, until the block ends."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        issuer = BadIssuer(f"http://127.0.0.1:{listening.getsockname()[1]}")

        def answer(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                connection.settimeout(BUSY_S)
                connection.recv(65536)
                MANNERS[manner](connection, ended)

        def accept() -> None:
            while not ended.is_set():
                with suppress(OSError):
                    connection, _ = listening.accept()
                    issuer.asked += 1
                    threading.Thread(target=answer, args=(connection,)).start()

        listening.settimeout(0.1)
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield issuer
        finally:
            ended.set()
            thread.join()


def _say_nothing(connection: socket.socket, ended: threading.Event) -> None:
    del connection
    ended.wait()


def _drip(connection: socket.socket, ended: threading.Event) -> None:
    connection.sendall(HEAD)
    while not ended.wait(DRIP_S):
        connection.sendall(b" ")


def _drip_head(connection: socket.socket, ended: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not ended.wait(DRIP_S):
        connection.sendall(b"x")


def _send_in_circles(connection: socket.socket, ended: threading.Event) -> None:
    del ended
    connection.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: /.well-known/openid-configuration\r\n"
        b"Content-Length: 0\r\n\r\n"
    )


def _hang_up(connection: socket.socket, ended: threading.Event) -> None:
    del connection, ended


MANNERS: dict[str, Callable[[socket.socket, threading.Event], None]] = {
    "silent": _say_nothing,
    "drips its body": _drip,
    "drips its head": _drip_head,
    "sends in circles": _send_in_circles,
    "hangs up": _hang_up,
}
