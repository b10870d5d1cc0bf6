"""Where the service listens: in the clear on this machine only, unless told why."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import Any

from dockcred.commands.token_service.clients import MAX_PER_CLIENT, Clients, Peer
from dockcred.errors import InvalidInputError
from dockcred.transport.target import is_loopback

DEFAULT_ADDRESS = "127.0.0.1:5001"
BACKLOG = 2048
ACCEPTED_AT_ONCE = 32
HELD_BYTES = 64 * 1024
"""What the kernel may hold of a connection each way, by itself up to megabytes. So who
takes no answers is noticed after a few of them (`connection.READ_S`)."""
ACCEPTED_BESIDE_OTHERS = 2
"""One at a time, as every second try takes none: the others take the next ones."""


@dataclass(frozen=True)
class Listen:
    """Where to listen; `certificate` and `key` are PEM files for TLS.

    `per_client` bounds the connections, and the requests in a second, of one address;
    None means a bound where addresses are clients', and none where they are a proxy's.
    """

    address: str = DEFAULT_ADDRESS
    certificate: str = ""
    key: str = ""
    behind_proxy: bool = False
    forwarded_for: bool = False
    per_client: int | None = None

    def clients(self, most: int) -> Clients:
        """Make the count of clients, for `most` connections in all."""
        proxied = self.behind_proxy or is_loopback(self._host())
        if self.forwarded_for and not proxied:
            raise InvalidInputError(
                "anybody who connects could say whom it speaks for",
                "give --forwarded-for with --behind-proxy only",
            )
        per_client = self.per_client
        if per_client is None:
            per_client = MAX_PER_CLIENT if self.forwarded_for or not proxied else 0
        return Clients(per_client, forwarded=self.forwarded_for, most=most)

    def _host(self) -> str:
        return self.address.rpartition(":")[0].strip("[]")

    def open(self, clients: Clients, workers: int = 1) -> socket.socket:
        """Bind, but in clear only on this machine or behind a proxy that speaks TLS.

        Raises InvalidInputError otherwise, and for an address that cannot be had.
        """
        _, colon, port = self.address.rpartition(":")
        host = self._host()
        if not colon or not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004
            raise InvalidInputError(
                f"{self.address!a} is not an address", "write HOST:PORT"
            )
        if bool(self.certificate) != bool(self.key):
            raise InvalidInputError(
                "of --tls-certificate and --tls-key one is missing", "give both"
            )
        if not (self.certificate or self.behind_proxy or is_loopback(host)):
            raise InvalidInputError(
                f"passwords would come to {self.address} in clear",
                "give --tls-certificate and --tls-key, or say --behind-proxy",
            )
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            sock = socket.create_server(
                (host, int(port)), family=family, backlog=BACKLOG
            )
        except OSError as error:
            raise InvalidInputError(
                f"{self.address} cannot be listened on: {error.strerror}",
                "choose another with --listen",
            ) from None
        # Inherited by each connection, as are the next two. asyncio would set it
        # itself, but not on a socket that does not say its protocol; without it a reply
        # waits 40 ms for an ACK.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD_BYTES)
        listening = Listening(sock.family, sock.type, sock.proto, sock.detach())
        listening.clients = clients
        if workers > 1:
            listening.at_once = ACCEPTED_BESIDE_OTHERS
        return listening


class Listening(socket.socket):
    """A socket that counts what it accepts until that is closed.

    So a connection counts from its first moment on, TLS's agreement included.
    """

    clients: Clients
    at_once = ACCEPTED_AT_ONCE
    _turn = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """See socket.accept; BlockingIOError and ConnectionAbortedError mean: later."""
        # Others get their turn between; asyncio would take all who wait at once.
        self._turn = (self._turn + 1) % self.at_once
        if not self._turn:
            raise BlockingIOError
        accepted, peer = super().accept()
        family, kind, proto = accepted.family, accepted.type, accepted.proto
        connection = ClientConnection(family, kind, proto, accepted.detach())
        if not self.clients.opened(peer, connection):
            connection.close()
            raise ConnectionAbortedError
        connection.peer, connection.clients = peer, self.clients
        return connection, peer


class ClientConnection(socket.socket):
    """One that was accepted, and is counted until it is closed."""

    clients: Clients | None = None
    peer: Peer = ("",)

    def make_room(self) -> None:
        """End it: nothing of a request is there yet, nor anybody to answer it."""
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """See socket.close."""
        if self.clients:
            self.clients.closed(self.peer)
            self.clients = None
        super().close()
