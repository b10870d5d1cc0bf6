"""A SOCKS5 proxy on the loopback; it connects every request to one local port."""

from __future__ import annotations

import contextlib
import socket
import threading

REFUSED_BY_RULE = 2


class SocksServer:
    """Serve until closed; with `login`, clients must send this user and password.

    `asked` has the hosts and ports of the requests. `refusal` is the reply code of
    RFC 1928 for the next requests. `broken` is the number of connections to close
    without reading.
    """

    def __init__(self, port: int, login: tuple[str, str] | None = None) -> None:
        self.asked: list[tuple[str, int]] = []
        self.refusal = 0
        self.broken = 0
        self._port = port
        self._login = login
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.broken:
                self.broken -= 1
                client.close()
                continue
            threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client: socket.socket) -> None:
        with (
            client,
            contextlib.suppress(OSError, IndexError),
            client.makefile("rb") as read,
        ):
            methods = read.read(read.read(2)[1])
            method = 2 if self._login else 0
            if method not in methods:
                client.sendall(b"\x05\xff")
                return
            client.sendall(bytes((5, method)))
            if self._login and not self._admits(client, read):
                return
            _, _, _, kind = read.read(4)
            if kind == 3:
                host = read.read(read.read(1)[0]).decode()
            else:
                family = socket.AF_INET if kind == 1 else socket.AF_INET6
                host = socket.inet_ntop(family, read.read(4 if kind == 1 else 16))
            self.asked.append((host, int.from_bytes(read.read(2), "big")))
            client.sendall(bytes((5, self.refusal, 0, 1)) + bytes(6))
            if self.refusal:
                return
            with socket.create_connection(("127.0.0.1", self._port)) as there:
                back = threading.Thread(target=_copy, args=(there, client), daemon=True)
                back.start()
                _copy(client, there)
                back.join()

    def _admits(self, client: socket.socket, read) -> bool:
        user = read.read(read.read(2)[1])
        password = read.read(read.read(1)[0])
        admitted = (user.decode(), password.decode()) == self._login
        client.sendall(bytes((1, 0 if admitted else 1)))
        return admitted


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
