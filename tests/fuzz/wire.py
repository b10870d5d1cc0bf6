"""Targets: data from pipes and sockets, sent by clients, kubelet, nodes and servers."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

from support.program import BUSY_S

from dockcred import wiring
from dockcred.clients.reference import Reference
from dockcred.commands.forward import wire as forward
from dockcred.credential import ServerURL, json_line
from dockcred.errors import DockcredError
from dockcred.protocol import wire
from dockcred.protocol.kubelet import wire as kubelet
from dockcred.protocol.kubelet.service_account import ServiceAccount
from dockcred.transport.response import MAX_BODY_BYTES, Reader

ERRORS = (DockcredError,)
_PROVIDERS = {
    name: wiring.provider(name)
    for name in ("ecr", "acr", "google", "github", "oracle", "alibaba")
}


def server_url(data: bytes) -> str:
    """Parse a server URL; Python's urllib must find the same parts."""
    server = ServerURL.parse(data)
    address = server.raw if "://" in server.raw else f"//{server.raw}"
    try:
        theirs = urlsplit(address)
    except ValueError:
        assert server.host.startswith("["), "urllib finds no host"
        return ""  # brackets without an IPv6 address: no such host exists
    host = (theirs.hostname or "").removesuffix(".")
    assert server.host.strip("[]") == host, "another host than urllib's"
    default = {"http": 80}.get(server.scheme, 443)
    assert int(server.port or default) == (theirs.port or default), "another port"
    again = ServerURL.parse(server.raw)
    assert (again.host, again.port, again.path) == (
        server.host, server.port, server.path
    )  # fmt: skip
    found = Reference(server.raw)
    return f"{server!r} {found.docker_key} {found.containers_key} {found.name}"


def hosts(data: bytes) -> str:
    """A provider must match whole host names: not with text added, not with http."""
    server = ServerURL.parse(data)
    matching = [name for name, each in _PROVIDERS.items() if each.matches(server)]
    for name in matching:
        provider = _PROVIDERS[name]
        assert "." in server.host, "a single label is a provider's"
        for other in (f"{server.host}.example.com", f"{server.host}x"):
            if len(other) <= 253:
                assert not provider.matches(ServerURL.parse(other)), "a host is cut"
        plain = ServerURL.parse(f"http://{server.host}")
        assert not provider.matches(plain), "plain http gets a secret"
    assert len(matching) <= 1, "two providers have one host"
    return " ".join(matching)


def store_request(data: bytes) -> str:
    server, credential = wire.parse_store(data)
    line = json_line({"Username": credential.username, "Secret": credential.secret})
    assert json.loads(line) == {
        "Username": credential.username,
        "Secret": credential.secret,
    }
    return f"{server!r} {server.place}"


def forward_request(data: bytes) -> str:
    fields = forward.read(data)
    assert json.loads(data) == fields | (
        {"ServerURL": json.loads(data)["ServerURL"]} if "ServerURL" in fields else {}
    )
    return fields["Verb"]


def kubelet_request(data: bytes) -> str:
    request = kubelet.parse(data)
    account = ServiceAccount(request.token, request.annotations)
    return f"{request!r} {account!r}"


def http_response(data: bytes) -> str:
    """Read the bytes as a response from a connection that is closed after them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        response = Reader(ours, time.monotonic() + BUSY_S, "the server").response()
    assert len(response.body) <= MAX_BODY_BYTES
    try:
        response.json()
    except (ValueError, RecursionError):
        return ""
    return str(response.status)
