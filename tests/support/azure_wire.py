"""An Azure machine in this process: its endpoints and programs, with scripted answers.

The connections of azure-identity and of our own code all end here, whatever their
address: at one server, or at once in a refusal or a timeout.
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
"""The name of each endpoint, by the path of its URL."""
CONNECTIONS = {
    "refused": ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    "silent": TimeoutError("timed out"),
    "no-route": OSError(errno.ENETUNREACH, "Network is unreachable"),
}
BROKEN = ("reset", "closed", "half")
LIFETIME = {"expires_in": "3600", "expires_on": "4102444800"}


@dataclass(frozen=True)
class Answer:
    """The response to one request, or how its connection breaks (one of BROKEN)."""

    status: int = 200
    body: bytes = b""
    kind: str = "application/json"
    broken: str = ""


def token(value: str, **change: object) -> Answer:
    """Return a response with this access token; `change` replaces its fields."""
    fields = {
        "access_token": value,
        "token_type": "Bearer",
        "resource": "r",
        **LIFETIME,
    }
    return Answer(body=json.dumps(fields | change).encode())


@dataclass
class Machine:
    """The answers of the endpoints: a list for each, whose last one is repeated.

    `met` has one of CONNECTIONS for each address that cannot be reached. `asked` has
    the requests in order: the endpoint's name, and the parameters that choose an
    identity. `knocks` counts probes of the metadata service without its header.
    """

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    met: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    knocks: int = 0

    def forget(self) -> None:
        """Forget the requests so far, before the other side asks."""
        self.asked, self.knocks = [], 0

    def answer(self, place: str, *, is_knock: bool, given: str) -> Answer:
        """Return the next answer of an endpoint, and note the request."""
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
    """Serve, and send this process's connections here, until the block ends.

    time.sleep returns at once: neither side pauses between its attempts.
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
        # Always IPv4: the server, to which all connections are sent, has IPv4 only.
        kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        return [(*kind, "", (name, port))]

    try:
        with (
            mock.patch.object(socket.socket, "connect", led),
            mock.patch.object(socket, "getaddrinfo", resolved),
            mock.patch("time.sleep"),
            # Without these, a machine known not to be a cloud's would not be asked.
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
    """Write programs into directory/bin; each behaves as a word of SAYS or OF_ANY says.

    Returns a function that returns the command lines run since its last call.
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
