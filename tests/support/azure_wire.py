"""A machine of Azure's, in this process: its endpoints and its programs, by a script.

Both azure-identity and our own code are led here: whoever connects, to whatever address,
reaches the one server, or is refused, or met with silence, at once.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from dockcred.transport import metadata

METADATA = "169.254.169.254"
PLATFORM = "172.16.5.3"
ENTRA = "login.microsoftonline.com"
PLACES = {
    "/metadata/identity/oauth2/token": "imds",
    "/msi/token": "app-service",
    "/aml/token": "machine-learning",
    "/shell/token": "cloud-shell",
    "/arc/token": "arc",
}
"""What is asked, by the path of its URL."""
CONNECTIONS = {
    "refused": ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "silent": TimeoutError("timed out"),
    "no-route": OSError(errno.ENETUNREACH, "Network is unreachable"),
}
BROKEN = ("reset", "closed", "half")
LIFETIME = {"expires_in": "3600", "expires_on": "4102444800"}


@dataclass(frozen=True)
class Answer:
    """What one request is answered, or how its connection breaks (one of BROKEN)."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    broken: str = ""


def token(value: str, **change: object) -> Answer:
    """The answer with a token in it."""
    fields = {
        "access_token": value,
        "token_type": "Bearer",
        "resource": "r",
        **LIFETIME,
    }
    return Answer(body=json.dumps(fields | change).encode())


@dataclass
class Machine:
    """What its endpoints answer, each by a list of which the last is for ever.

    `met` is how whoever connects to an address is met, one of CONNECTIONS; `asked` is
    what was asked, in order: a place and what it was given to choose an identity.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    met: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    knocks: int = 0

    def forget(self) -> None:
        """Begin anew with what was asked, for the other side."""
        self.asked, self.knocks = [], 0

    def answer(self, place: str, *, is_knock: bool, given: str) -> Answer:
        """Return the next answer of a place, and note what was asked."""
        if is_knock:
            self.knocks += 1
            return Answer(400, b'{"error": "invalid_request"}')
        self.asked.append((place, given))
        left = self.answers.get(place, [Answer(404, b"nothing", "text/plain")])
        before = sum(one == place for one, _ in self.asked) - 1
        return left[min(before, len(left) - 1)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Be silent."""

    def do_GET(self) -> None:
        self._serve(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self._serve(dict(parse_qsl(body.decode())))

    def _serve(self, fields: dict[str, str]) -> None:
        place = PLACES.get(urlsplit(self.path).path, "nowhere")
        is_knock = place == "imds" and self.headers.get("metadata") != "true"
        chosen = {k: v for k, v in fields.items() if k.endswith("_id")}
        given = " ".join(f"{k}={v}" for k, v in sorted(chosen.items()))
        given += f" for {fields.get('resource', '')}"
        answer = self.server.machine.answer(place, is_knock=is_knock, given=given)
        self.close_connection = True
        if answer.broken == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            os.close(self.connection.detach())
        if answer.broken in {"reset", "closed"}:
            return
        length = len(answer.body) + (9 if answer.broken else 0)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)


class Server(ThreadingHTTPServer):
    """The one server; `machine` says what it answers."""

    daemon_threads = True
    machine = Machine()

    def handle_error(self, *_: object) -> None:
        """A client may hang up."""


@contextmanager
def serving() -> Iterator[Server]:
    """Serve, and lead this process's connections here, as long as the block lasts.

    Nothing is slept for: both sides' pauses between attempts are none.
    """
    server = Server(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    connect = socket.socket.connect

    def led(self: socket.socket, address: tuple[str, int]) -> None:
        host = address[0]
        if met := server.machine.met.get(host):
            raise CONNECTIONS[met]
        connect(self, server.server_address)

    def resolved(host: bytes | str, port: int, *_: object, **__: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        if name == ENTRA:
            server.machine.asked.append(("entra", ""))
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        # Of IPv4 whatever it is, so that the socket can be led.
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        return [(*kind, "", (name, port))]

    try:
        with (
            mock.patch.object(socket.socket, "connect", led),
            mock.patch.object(socket, "getaddrinfo", resolved),
            mock.patch("time.sleep"),
            # This machine may say of itself that it is no cloud's.
            mock.patch.object(metadata, "ask", lambda _, __, request, *own: request()),
            mock.patch.object(metadata, "check"),
        ):
            yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


_SCRIPT = """#!/bin/sh
printf '%s\\n' "{name} $*" >> '{log}'
{does}
"""
SAYS = {
    "az": {
        "answers": """printf '%s' '{"accessToken": "of-az", "expires_on": 4102444800}'""",
        "logged-out": "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1",
    },
    "pwsh": {
        "answers": "echo 'azsdk%of-pwsh%4102444800'",
        "logged-out": "echo 'Run Connect-AzAccount to login.' >&2; exit 1",
        "no-module": "echo NO_AZ_ACCOUNT_MODULE",
    },
    "azd": {
        "answers": """printf '%s' '{"token": "of-azd", "expiresOn": "2099-01-01T00:00:00Z"}'""",
        "logged-out": "echo 'ERROR: not logged in, run `azd auth login` to login' >&2; exit 1",
    },
}
OF_ANY = {
    "ended": "echo 'AADSTS700082: The refresh token has expired' >&2; exit 1",
    "fails": "echo 'Traceback: something' >&2; exit 3",
    "noise": "echo 'a new version is there'",
}


def install(directory: Path, programs: dict[str, str]) -> Callable[[], list[str]]:
    """Put programs on a PATH of their own, each with what it does; return what ran.

    What a program does is a word of SAYS or OF_ANY.
    """
    log = directory / "ran"
    log.write_text("")
    for name in SAYS:
        path = directory / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        if name in programs:
            does = {**SAYS[name], **OF_ANY}[programs[name]]
            path.write_text(_SCRIPT.format(name=name, log=log, does=does))
            path.chmod(0o700)

    def ran() -> list[str]:
        lines = log.read_text().splitlines()
        log.write_text("")
        return lines

    return ran
