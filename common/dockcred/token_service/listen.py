"""Where the service listens: in the clear on this machine only, unless told why."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from dockcred.errors import InvalidInputError
from dockcred.transport.target import is_loopback

DEFAULT_ADDRESS = "127.0.0.1:5001"
BACKLOG = 2048


@dataclass(frozen=True)
class Listen:
    """Where to listen; `certificate` and `key` are PEM files for TLS."""

    address: str = DEFAULT_ADDRESS
    certificate: str = ""
    key: str = ""
    behind_proxy: bool = False

    def open(self) -> socket.socket:
        """Bind, but in clear only on this machine or behind a proxy that speaks TLS.

        Raises InvalidInputError otherwise, and for an address that cannot be had.
        """
        host, colon, port = self.address.rpartition(":")
        host = host.strip("[]")
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
        # Inherited by each connection. asyncio would set it itself, but not on a socket
        # that does not say its protocol; without it a reply waits 40 ms for an ACK.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
