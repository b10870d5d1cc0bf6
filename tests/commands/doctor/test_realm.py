"""A registry names the URL of its token service: the doctor asks only safe ones."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from support.program import BUSY_S

from dockcred.commands.doctor import realm
from dockcred.errors import DockcredError
from dockcred.system.environment import Environment

EVIL = "evil.example"
TOKEN = "found-on-the-loopback"
NAMES = {
    "registry.example": "93.184.215.14",
    "auth.example": "93.184.215.15",
    "inner.example": "10.1.2.3",
    "other.example": "10.9.9.9",
    "rebound.example": "127.0.0.1",
    "imds.example": "169.254.169.254",
    "two.example": "93.184.215.15",
}


class Stranger(BaseHTTPRequestHandler):
    """A proxy that ends TLS itself, and answers as any registry."""

    server: World

    def do_CONNECT(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with self.server.trust.wrap_socket(self.connection, server_side=True) as talk:
            head = talk.recv(65536).decode("latin-1")
            self.server.heard.append(head)
            talk.sendall(
                b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n"
                b'WWW-Authenticate: Bearer realm="%s"\r\n\r\n'
                % self.server.realm.encode()
            )
        self.close_connection = True

    def do_GET(self) -> None:
        """Answer as a local service that a hostile registry wants us to ask."""
        self.server.heard.append(f"GET {self.path}")
        body = f'{{"token": "{TOKEN}"}}'.encode()
        self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class World(ThreadingHTTPServer):
    def __init__(self, directory: Path) -> None:
        super().__init__(("127.0.0.1", 0), Stranger)
        authority = trustme.CA()
        self.trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(EVIL).configure_cert(self.trust)
        self.roots = directory / "roots.pem"
        authority.cert_pem.write_to_path(str(self.roots))
        self.heard: list[str] = []
        self.realm = ""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def doctor(world: World, helper_bin: Path, home: Path) -> str:
    done = subprocess.run(
        [helper_bin / "dockcred", "doctor", f"{EVIL}/team/app"],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "HTTPS_PROXY": f"http://127.0.0.1:{world.server_port}",
            "SSL_CERT_FILE": str(world.roots),
        },
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    "where",
    ["http://127.0.0.1:{port}", "http://localhost:{port}", "https://127.0.0.1:{port}"],
)
def test_a_strangers_registry_has_nothing_of_this_machine_asked(
    world: World, helper_bin: Path, tmp_path: Path, where: str
) -> None:
    world.realm = where.format(port=world.server_port) + "/token"
    said = doctor(world, helper_bin, tmp_path)
    assert "the registry's realm is refused" in said
    asked = {line.partition(" HTTP/")[0] for line in world.heard}
    assert asked == {"GET /v2/"}, "the registry was asked, and nobody else"
    assert TOKEN not in said + str(world.heard)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve only NAMES, and IP addresses in any notation."""
    real = socket.getaddrinfo

    def resolve(host: str, port: int, **options: int) -> list[tuple[object, ...]]:
        if host in NAMES and not options.get("flags"):
            found = real(NAMES[host], port, **options)
            extra = real("10.0.0.9", port, **options) if host == "two.example" else []
            return [*found, *extra]
        options["flags"] = socket.AI_NUMERICHOST
        return real(host, port, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "url",
    [
        "https://inner.example/token",
        "https://rebound.example/token",
        "https://imds.example/token",
        "https://two.example/token",
        "https://127.1/token",
        "https://2130706433/token",
        "https://0x7f000001/token",
        "https://0.0.0.0/token",
        "https://[::1]/token",
        "https://[::ffff:127.0.0.1]/token",
        "https://[64:ff9b::a9fe:a9fe]/token",
        "https://[fd00:ec2::254]/token",
        "https://[fe80::1]/token",
        "https://10.0.0.1/token",
        "https://100.64.0.1/token",
        "https://metadata.google.internal/token",
        "http://169.254.169.254/token",
        "http://metadata.google.internal/token",
        "http://127.0.0.1/token",
        "http://auth.example/token",
        "https://user:word@auth.example/token",
        "https://auth.example/to ken",
        "https://auth.example/\x0btoken",
        "ftp://auth.example/token",
        "/token",
        "",
    ],
)
@pytest.mark.usefixtures("names")
def test_a_public_registry_may_not_name_it(url: str) -> None:
    with pytest.raises(DockcredError):
        realm.check(url, "registry.example", Environment({}))


@pytest.mark.parametrize(
    "registry, url",
    [
        ("registry.example", "https://auth.example/token?service=x"),
        ("registry.example:5000", "https://registry.example:5001/token"),
        ("inner.example", "https://other.example/token"),
        ("inner.example", "https://auth.example/token"),
        ("127.0.0.1:5000", "http://127.0.0.1:5001/token"),
        ("localhost:5000", "http://localhost:5001/token"),
        ("127.0.0.1:5000", "https://auth.example/token"),
    ],
)
@pytest.mark.usefixtures("names")
def test_a_good_registry_may_name_it(registry: str, url: str) -> None:
    realm.check(url, registry, Environment({}))


@pytest.mark.parametrize(
    "registry, url",
    [
        ("inner.example", "https://rebound.example/token"),
        ("inner.example", "https://imds.example/token"),
        ("127.0.0.1:5000", "https://169.254.169.254/token"),
        ("127.0.0.1:5000", "https://imds.example/token"),
        ("169.254.1.1:5000", "https://169.254.169.254/token"),
    ],
)
@pytest.mark.usefixtures("names")
def test_a_registry_inside_may_not_name_what_is_nearer(registry: str, url: str) -> None:
    with pytest.raises(DockcredError):
        realm.check(url, registry, Environment({}))


@pytest.mark.usefixtures("names")
def test_a_name_that_a_proxy_resolves_is_not_resolved_here() -> None:
    proxied = Environment({"HTTPS_PROXY": "http://127.0.0.1:9"})
    realm.check("https://inner.example/token", "registry.example", proxied)
    with pytest.raises(DockcredError):
        realm.check("https://10.0.0.1/token", "registry.example", proxied)


@pytest.mark.parametrize("text", ["::ffff:10.0.0.1", "2002:a00:1::", "64:ff9b::a00:1"])
def test_an_address_within_an_address_is_judged_as_itself(text: str) -> None:
    inside = Environment({})
    with pytest.raises(DockcredError, match="is inside"):
        realm.check(f"https://[{text}]/token", "93.184.215.14", inside)


def test_plain_http_is_for_the_loopback_beside_the_loopback() -> None:
    realm.check("http://127.0.0.1:1/token", "127.0.0.1:2", Environment({}))
    for url in ("http://127.0.0.1/token", "http://169.254.1.1/token"):
        with pytest.raises(DockcredError, match="without TLS"):
            realm.check(url, "93.184.215.14", Environment({}))
