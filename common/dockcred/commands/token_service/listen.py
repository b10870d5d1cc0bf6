"""The socket that the service listens on.

Without TLS it listens on this machine only, except behind a proxy that has TLS.
"""

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
"""The kernel's buffer in bytes for each direction of a connection.

By default it can be megabytes. With this limit, a client that reads no answers is
noticed after a few of them (`connection.READ_S`).
"""
ACCEPTED_BESIDE_OTHERS = 2
"""Calls of accept in one round, for each of several workers.

The last call of a round accepts nothing. So each worker takes one connection at a time,
and the others take the next.
"""


@dataclass(frozen=True)
class Listen:
    """Where to listen; `certificate` and `key` are PEM files for TLS.

    `per_client` limits the connections of one address, and its requests per second.
    None means the default limit if addresses are clients', and no limit if they are a
    proxy's.
    """

    address: str = DEFAULT_ADDRESS
    certificate: str = ""
    key: str = ""
    behind_proxy: bool = False
    forwarded_for: bool = False
    per_client: int | None = None

    def clients(self, most: int) -> Clients:
        """Return the counter of clients, for `most` connections in all.

        Raises InvalidInputError if X-Forwarded-For could come from anybody.
        """
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
        """Bind and return the socket.

        Raises InvalidInputError if the address cannot be used. It is also raised for an
        address without TLS that is neither on this machine nor behind a proxy.
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
        # Connections inherit this option and the next two. asyncio would set it, but
        # not on a socket without a protocol number. Without it a reply waits 40 ms for
        # an ACK.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BYTES)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, HELD_BYTES)
        listening = Listening(sock.family, sock.type, sock.proto, sock.detach())
        listening.clients = clients
        if workers > 1:
            listening.at_once = ACCEPTED_BESIDE_OTHERS
        return listening


class Listening(socket.socket):
    """A listening socket that counts each connection from accept to close.

    So a connection counts from its first moment, including the TLS handshake.
    """

    clients: Clients
    at_once = ACCEPTED_AT_ONCE
    _turn = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection; BlockingIOError, ConnectionAbortedError mean: later."""
        # asyncio would accept all waiting connections at once. This lets others run
        # between.
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
    """An accepted connection, which is counted until it is closed."""

    clients: Clients | None = None
    peer: Peer = ("",)

    def make_room(self) -> None:
        """End the connection: no request has come yet, so none is answered."""
        with contextlib.suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, and stop to count it."""
        if self.clients:
            self.clients.closed(self.peer)
            self.clients = None
        super().close()
