"""One wire for both sides: what google-auth and we send is answered by the same plan.

Nothing leaves the process and nobody sleeps. What is asked is kept in a form that both
sides can be compared in: assertions by their claims, without the times in them.
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
    """A status and a body; or, by `breaks`, a connection that does not hold."""

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
    """A request in a form to be compared."""

    method: str
    url: str
    fields: dict[str, Any]
    bearer: str

    def __repr__(self) -> str:
        return f"{self.method} {self.url} {self.fields} {self.bearer}"


class Wire:
    """Who is asked what, and what a plan answers."""

    def __init__(self, plan: Callable[[str, int], Answer]) -> None:
        """Hold the plan: a URL's and how often it was asked before, to an answer."""
        self._plan = plan
        self.asked: list[Asked] = []

    def ask(self, method: str, url: str, headers: Mapping[str, Any], body: object):
        """Return the plan's answer and keep what was asked."""
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
        """Return an answer in google-auth's words."""
        # A registry's token is bound to no project.
        if str(urlsplit(url).hostname).startswith(RESOURCE_MANAGER):
            return SimpleNamespace(status=403, headers={}, data=b"{}")
        answer, named = self.ask(method, url, headers or {}, body)
        if answer.breaks:
            raise google.auth.exceptions.TransportError(answer.breaks)
        named.setdefault("content-type", "application/json")
        return SimpleNamespace(status=answer.status, headers=named, data=answer.data)

    @contextmanager
    def for_us(self) -> Iterator[None]:
        """Have our transport ask here."""
        held = connection.Connector

        def connector(target: Target, *_: object) -> Connector:
            return Connector(self, target)

        connection.Connector = connector
        try:
            yield
        finally:
            connection.Connector = held


class Connector:
    """What our transport connects by, with the wire at its other end."""

    def __init__(self, wire: Wire, target: Target) -> None:
        """Hold both; `connect_by` and what else is set is nobody's here."""
        self._wire = wire
        self._target = target

    def connect(self, prepare: Callable[[], None]) -> Connection:
        """Return a connection, whose answer is the plan's."""
        prepare()
        return Connection(self._wire, self._target)


class Connection:
    """A socket as far as our transport uses one."""

    def __init__(self, wire: Wire, target: Target) -> None:
        """Have something that poll finds ready."""
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
        """Return what is always ready."""
        return self._null

    def settimeout(self, _: float) -> None:
        """Wait for nobody."""

    def sendall(self, data: bytes) -> None:
        """Take a request, and have the answer ready."""
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
        """Return the whole answer, unless the connection breaks."""
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
    """Give both sides these variables, and no sleep, and put back what was."""
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
    """Return how it ends here; what is not foreseen is raised."""
    try:
        with wire.for_us(), a_process_of_its_own(variables):
            credential = identities.choose(Environment(dict(variables))).issue()
    except MissingIdentityError:
        return ABSENT
    except DockcredError:
        return ERROR
    return "token", _timeless(credential.secret)


def message(document: dict[str, Any], home: Path, wire: Wire) -> str:
    """Return what is told where a credentials file is of no use."""
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
    """Return how it ends there; `make` returns refreshed credentials, or None."""
    try:
        with a_process_of_its_own(variables):
            made = make(None)
    except Exception:  # noqa: BLE001 - whatever it lets through, there is no token
        return ERROR
    return ABSENT if made is None else ("token", _timeless(made.token))


def _timeless(token: object) -> object:
    """Return a token that one signs oneself by its claims, without the times in them."""
    if not isinstance(token, str) or token.count(".") != SELF_SIGNED:
        return token
    return {k: v for k, v in rs256.claims(token).items() if k not in TIMES}
