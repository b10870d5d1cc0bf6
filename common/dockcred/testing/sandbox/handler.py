"""One connection of a client: HTTP/1.1, and after CONNECT the same inside TLS."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from dockcred.testing.sandbox.failures import (
    NO_TLS,
    PROXY_BUSY,
    PROXY_PAGE,
    REFUSE,
    WRONG_CERTIFICATE,
)
from dockcred.testing.sandbox.messages import HTML, PAGE, Fault, Request, Response
from dockcred.testing.sandbox.proxy import WRONG_NAME, Certificates

if TYPE_CHECKING:
    from dockcred.testing.sandbox.server import Server

BODY_DIGITS = 6  # of a length below 1 MB
HUGE = 100 << 20
CHUNK = 1 << 16


class Application(Protocol):
    """The interface of what the server serves."""

    closing: threading.Event
    certificates: Certificates

    def connect(self, host: str) -> str | None:
        """Return how a tunnel to `host` fails, None if it is opened."""

    def answer(self, request: Request) -> Response:
        """Return the response to one request."""


class Handler(BaseHTTPRequestHandler):
    """One connection; after CONNECT it is the same inside TLS."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: Server
    tunnel = ""
    resets = False

    def finish(self) -> None:
        """Close the connection, with or without TLS."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        self.server.forget(self.connection)
        if not self.resets:
            hang_up(self.connection)  # a shutdown would send an orderly end first
        self.connection.close()

    def handle(self) -> None:
        """Serve until either side closes; a client may leave or reject our TLS."""
        with contextlib.suppress(OSError):
            super().handle()

    def log_message(self, *_: object) -> None:
        """Log nothing: stderr is for the command."""

    def do_CONNECT(self) -> None:
        """Open a tunnel that ends here: the sandbox plays every host that it serves."""
        host = self.path.rpartition(":")[0].lower()
        application = self.server.application
        failure = application.connect(host)
        if self.tunnel or failure == REFUSE:
            self._send(Response(403, b"the sandbox does not connect to this host\n"))
            return
        if failure in {PROXY_BUSY, PROXY_PAGE}:
            status = 503 if failure == PROXY_BUSY else 200
            self._send(Response(status, PAGE, HTML), close=True)
            return
        name = WRONG_NAME if failure == WRONG_CERTIFICATE else host
        context = application.certificates.context(name)
        self.connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if failure == NO_TLS:
            self.rfile.read(1)  # the ClientHello has begun
            self._reset()
            return
        self._start_tls(context)
        self.tunnel = host
        self.close_connection = False

    def _start_tls(self, context: ssl.SSLContext) -> None:
        self.rfile.close()
        self.wfile.close()
        plain = self.connection
        self.connection = context.wrap_socket(
            plain, server_side=True, do_handshake_on_connect=False
        )
        self.server.forget(plain)
        self.server.adopt(self.connection)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb")
        self.connection.do_handshake()

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if self.headers.get("Transfer-Encoding") or not length.isdecimal():
            self._send(Response(411, b"Content-Length is needed\n"), close=True)
        elif len(length) > BODY_DIGITS:
            self._send(Response(413, b"the body is too large\n"), close=True)
        else:
            self._deliver(self.rfile.read(int(length)))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

    def _request(self, body: bytes) -> Request:
        """Return the request; raise ValueError if its target is no URL."""
        target = urlsplit(self.path)
        host = urlsplit(f"//{target.netloc or self.headers.get('Host', '')}").hostname
        return Request(
            method=self.command,
            scheme="https" if self.tunnel else "http",
            host=host or "",
            path=target.path,
            query=target.query,
            headers=tuple(self.headers.items()),
            body=body,
        )

    def _deliver(self, body: bytes) -> None:
        try:
            request = self._request(body)
        except ValueError:
            self._send(Response(400, b"the target or Host is no URL\n"))
            return
        if self.tunnel and request.host != self.tunnel:
            self._send(Response(421, b"this tunnel leads to another host\n"))
            return
        response = self.server.application.answer(request)
        match response.fault:
            case None:
                self._send(response)
            case Fault.GARBAGE:
                # A line that is no status line. Without a line end it would be a broken
                # connection.
                self.connection.sendall(os.urandom(512) + b"\n")
                self.close_connection = True
            case Fault.GARBAGE_BODY:
                self._send(Response(200, os.urandom(512), response.headers))
            case Fault.WRONG_SHAPE:
                self._send(Response(200, b"[[null]]", response.headers))
            case Fault.HALF:
                whole = self._head(response, len(response.body)) + response.body
                self.connection.sendall(
                    whole[: len(whole) - len(response.body) // 2 - 1]
                )
                self.close_connection = True
            case Fault.HUGE:
                self.connection.sendall(self._head(response, HUGE))
                for _ in range(HUGE // CHUNK):
                    self.connection.sendall(b" " * CHUNK)
            case Fault.HANG:
                self.server.application.closing.wait()
                self.close_connection = True
            case Fault.PAGE:
                self._send(Response(200, PAGE, HTML))
            case Fault.CLOSED:
                self.close_connection = True
            case Fault.RESET:
                self._reset()

    def _reset(self) -> None:
        """End the connection by a reset, as after a crash or by a firewall."""
        at_once = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self.resets = True
        self.close_connection = True

    def _send(self, response: Response, *, close: bool = False) -> None:
        self.close_connection = self.close_connection or close
        body = b"" if self.command == "HEAD" else response.body
        self.connection.sendall(self._head(response, len(response.body)) + body)

    def _head(self, response: Response, length: int) -> bytes:
        phrase = self.responses.get(response.status, ("",))[0]
        lines = [f"HTTP/1.1 {response.status} {phrase}"]
        headers = {"Date": formatdate(usegmt=True)} | response.headers
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {length}"]
        if self.close_connection:
            lines += ["Connection: close"]
        return "\r\n".join((*lines, "", "")).encode("latin-1")


class TlsHandler(Handler):
    """One connection that is TLS from its first byte; the host is the one of SNI."""

    def handle(self) -> None:
        """Present a certificate of the host that the client names, then serve."""

        def answer_as(
            session: ssl.SSLObject, host: str | None, _: ssl.SSLContext
        ) -> None:
            self.tunnel = host or ""
            certificates = self.server.application.certificates
            # A client that connects to an IP address names no host (RFC 6066).
            session.context = certificates.context(self.tunnel or "localhost")

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sni_callback = answer_as
        with contextlib.suppress(OSError):
            self._start_tls(context)
            super().handle()


def hang_up(connection: socket.socket) -> None:
    """Shut a connection down, even while another thread uses it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
