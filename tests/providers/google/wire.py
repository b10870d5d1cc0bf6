"""A fake transport for both sides: google-auth and we get answers from the same plan.

Nothing leaves the process, and time.sleep returns at once. Requests are kept in a form
that can be compared: an assertion as its claims, without the times.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import google.auth.exceptions

from dockcred.errors import DockcredError, MissingIdentityError
from dockcred.providers.google import identities
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import rs256
from dockcred.transport import connection
from dockcred.transport.target import Target

ABSENT, ERROR = ("absent", ""), ("error", "")
RESOURCE_MANAGER = "cloudresourcemanager."
TIMES = ("iat", "exp")
SELF_SIGNED = 2  # the dots in a JWT


@dataclass
class Answer:
    """A status and a body; if `breaks` is set, the connection breaks instead."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks: str = ""

    @property
    def data(self) -> bytes:
        return (
            self.body
            if isinstance(self.body, bytes)
            else json.dumps(self.body).encode()
        )


@dataclass
class Asked:
    """A request, in a form that can be compared."""

    method: str
    url: str
    fields: dict[str, Any]
    bearer: str

    def __repr__(self) -> str:
        return f"{self.method} {self.url} {self.fields} {self.bearer}"


class Wire:
    """The fake transport: it records requests and answers them by a plan."""

    def __init__(self, plan: Callable[[str, int], Answer]) -> None:
        """Keep the plan: from a URL and its number of earlier requests to an answer."""
        self._plan = plan
        self.asked: list[Asked] = []

    def ask(self, method: str, url: str, headers: Mapping[str, Any], body: object):
        """Record a request; return the plan's answer, and its headers in lower case."""
        before = sum(one.url == url for one in self.asked)
        kept = {str(name).lower(): _text(value) for name, value in headers.items()}
        self.asked.append(
            Asked(method, url, _fields(_text(body)), kept.get("authorization", ""))
        )
        answer = self._plan(url, before)
        named = {name.lower(): value for name, value in answer.headers.items()}
        return answer, named

    def their_request(
        self, url: str, method: str = "GET", body=None, headers=None, **_: object
    ) -> Any:
        """Return an answer as google-auth's transport does; the argument `request`."""
        # google-auth asks for the project; a registry's token does not depend on it.
        if str(urlsplit(url).hostname).startswith(RESOURCE_MANAGER):
            return SimpleNamespace(status=403, headers={}, data=b"{}")
        answer, named = self.ask(method, url, headers or {}, body)
        if answer.breaks:
            raise google.auth.exceptions.TransportError(answer.breaks)
        named.setdefault("content-type", "application/json")
        return SimpleNamespace(status=answer.status, headers=named, data=answer.data)

    @contextmanager
    def for_us(self) -> Iterator[None]:
        """Make our transport send its requests here."""
        held = connection.Connector

        def connector(target: Target, *_: object) -> Connector:
            return Connector(self, target)

        connection.Connector = connector
        try:
            yield
        finally:
            connection.Connector = held


class Connector:
    """A replacement for our transport's Connector; it connects to the wire."""

    def __init__(self, wire: Wire, target: Target) -> None:
        """Keep both; attributes that callers set (`connect_by`) have no effect."""
        self._wire = wire
        self._target = target

    def connect(self, prepare: Callable[[], None]) -> Connection:
        """Return a connection that is answered by the plan."""
        prepare()
        return Connection(self._wire, self._target)


class Connection:
    """A socket, with the methods that our transport uses."""

    def __init__(self, wire: Wire, target: Target) -> None:
        """Open a file descriptor that poll finds ready."""
        self._wire = wire
        self._target = target
        self._null = os.open(os.devnull, os.O_RDONLY)
        self._left = b""
        self._breaks = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._null)

    def fileno(self) -> int:
        """Return a file descriptor that is always ready."""
        return self._null

    def settimeout(self, _: float) -> None:
        """Ignore the timeout."""

    def sendall(self, data: bytes) -> None:
        """Parse a request, and keep the answer for `recv`."""
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        scheme = "https" if self._target.tls else "http"
        url = f"{scheme}://{self._target.netloc}{path}"
        answer, named = self._wire.ask(method, url, headers, body)
        named["content-length"] = str(len(answer.data))
        told = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        self._left = f"HTTP/1.1 {answer.status} -\r\n{told}\r\n".encode() + answer.data
        self._breaks = answer.breaks

    def recv(self, _: int) -> bytes:
        """Return the whole answer; ConnectionResetError if the connection breaks."""
        if self._breaks:
            raise ConnectionResetError(104, self._breaks)
        data, self._left = self._left, b""
        return data


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value or "")


def _fields(text: str) -> dict[str, Any]:
    if text.startswith("{"):
        document = dict(json.loads(text))
        return document | {"delegates": document.get("delegates") or []}
    fields: dict[str, Any] = dict(parse_qsl(text, keep_blank_values=True))
    if "assertion" in fields:
        claims = rs256.claims(fields["assertion"])
        fields["assertion"] = {k: v for k, v in claims.items() if k not in TIMES}
    return fields


@contextmanager
def a_process_of_its_own(variables: Mapping[str, str]) -> Iterator[None]:
    """Set these variables and make sleeps return at once; restore both at the end."""
    held, kind, sleep = dict(os.environ), os.environ.__class__, time.sleep
    os.environ.clear()
    os.environ.update(variables)
    time.sleep = lambda _: None
    try:
        yield
    finally:
        time.sleep = sleep
        os.environ.__class__ = kind
        os.environ.clear()
        os.environ.update(held)


def ours(variables: Mapping[str, str], wire: Wire) -> tuple[str, object]:
    """Return how our side ends; unexpected errors are raised."""
    try:
        with wire.for_us(), a_process_of_its_own(variables):
            credential = identities.choose(Environment(dict(variables))).issue()
    except MissingIdentityError:
        return ABSENT
    except DockcredError:
        return ERROR
    return "token", _timeless(credential.secret)


def message(document: dict[str, Any], home: Path, wire: Wire) -> str:
    """Return our error message for a credentials file that is of no use."""
    path, token = home / "key.json", home / "token"
    path.write_text(json.dumps(document).replace("FILE", str(token)))
    if not token.exists():
        token.write_text("job.token")
    variables = {
        "HOME": str(home),
        "NO_GCE_CHECK": "true",
        "GOOGLE_APPLICATION_CREDENTIALS": str(path),
    }
    try:
        with wire.for_us(), a_process_of_its_own(variables):
            identities.choose(Environment(variables)).issue()
    except DockcredError as error:
        return str(error)
    raise AssertionError("it was answered")


def theirs(
    variables: Mapping[str, str], make: Callable[[Any], Any]
) -> tuple[str, object]:
    """Return how google-auth ends; `make` returns refreshed credentials, or None."""
    try:
        with a_process_of_its_own(variables):
            made = make(None)
    except Exception:  # noqa: BLE001 - whichever error it raises, there is no token
        return ERROR
    return ABSENT if made is None else ("token", _timeless(made.token))


def _timeless(token: object) -> object:
    """Return a self-signed token's claims without the times; other tokens unchanged."""
    if not isinstance(token, str) or token.count(".") != SELF_SIGNED:
        return token
    return {k: v for k, v in rs256.claims(token).items() if k not in TIMES}
