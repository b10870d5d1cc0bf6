"""One HTTP request and its response, as the services see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address, ip_network
from urllib.parse import parse_qsl

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
)
PAGE = b"<!DOCTYPE html>\n<html><body><h1>Not this one</h1></body></html>\n"
HTML = {"Content-Type": "text/html; charset=utf-8"}


class Fault(StrEnum):
    """A fault below HTTP: the server causes it, and no service knows of it."""

    GARBAGE = "garbage"
    GARBAGE_BODY = "garbage-body"
    WRONG_SHAPE = "wrong-shape"
    HALF = "half"
    HUGE = "huge"
    HANG = "hang"
    PAGE = "page"
    RESET = "reset"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was received; `host` is lower case, without port."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the header's value; several are joined by a comma; "" if absent."""
        wanted = name.lower()
        return ",".join(value for key, value in self.headers if key.lower() == wanted)

    @property
    def parameters(self) -> dict[str, str]:
        """Return the fields of the query string; the last value of a name counts."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """Return the fields of a form body; empty if the body is no form."""
        if not self.header("content-type").startswith(
            "application/x-www-form-urlencoded"
        ):
            return {}
        return dict(parse_qsl(self.body.decode("latin-1"), keep_blank_values=True))

    @property
    def on_loopback(self) -> bool:
        """Return whether the client named this machine, not a real host.

        A private address counts as this machine, since the sandbox may listen there.
        """
        return self.host in LOOPBACK or _is_private(self.host)


def _is_private(host: str) -> bool:
    """Return whether a host is an address of a private network (RFC 1918, 4193)."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in PRIVATE)


@dataclass(frozen=True, slots=True)
class Response:
    """The response of a service, and the fault that the server applies to it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    fault: Fault | None = None
