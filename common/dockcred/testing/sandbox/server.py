"""The server: one address, and one thread per connection."""

from __future__ import annotations

import socket
import threading
from http.server import ThreadingHTTPServer
from typing import Any

from dockcred.testing.sandbox.handler import Application, Handler, hang_up

POLL_S = 0.02  # seconds until it notices that it must stop
QUEUED = 4  # connections that are never accepted: more than a backlog of 0 holds


class Server(ThreadingHTTPServer):
    """One thread per connection; closing the server closes all connections."""

    daemon_threads = False
    request_queue_size = 256

    def __init__(
        self,
        application: Application,
        address: tuple[str, int] = ("127.0.0.1", 0),
        handler: type[Handler] = Handler,
    ) -> None:
        self.application = application
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)
        self._thread = threading.Thread(
            target=self.serve_forever, args=(POLL_S,), daemon=True
        )
        self._thread.start()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in its own thread."""
        self.adopt(request)
        super().process_request(request, client_address)

    def adopt(self, connection: socket.socket) -> None:
        """Register a connection, so that it is closed with the server."""
        self._open.add(connection)
        if self.application.closing.is_set():
            hang_up(connection)

    def forget(self, connection: socket.socket) -> None:
        """Remove a connection that has ended, or that TLS has wrapped."""
        self._open.discard(connection)

    def close(self) -> None:
        """Stop the server, close open connections and wait for their threads."""
        self.shutdown()
        self._thread.join()
        for connection in tuple(self._open):
            hang_up(connection)
        self.server_close()


class Silence:
    """An address that neither accepts nor refuses a connection: its queue is full."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        where = self._listener.getsockname()
        self.address = f"127.0.0.1:{where[1]}"
        self._waiting = [socket.socket() for _ in range(QUEUED)]
        for one in self._waiting:
            one.setblocking(False)
            one.connect_ex(where)

    def close(self) -> None:
        """Free the address."""
        for one in (*self._waiting, self._listener):
            one.close()
