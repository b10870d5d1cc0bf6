"""Answer clients that ask too often with 429, at no cost for other clients."""

from __future__ import annotations

import time
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dockcred.commands.token_service import journal
from dockcred.commands.token_service.app import Application, HttpAnswer
from dockcred.commands.token_service.clients import Clients, Peer
from dockcred.commands.token_service.quick import PlainRequest

RETRY_S = 5
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
QUIET_S = 1.0
"""Seconds between two log lines about clients that were refused."""


class Gate:
    """The application for clients within their limit; the others get 429."""

    def __init__(self, application: Application, clients: Clients) -> None:
        self._plain = application.answer_plain
        self._application: ASGIApp = application.routes()
        self._clients = clients
        self._told_at = float("-inf")
        self._untold = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, as ASGI defines it."""
        peer = scope.get("client") or ("",)
        named = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
        ]
        who = self._clients.current_principal(peer, named)
        if retry_after_s := self._clients.begins(who):
            found = self._too_often(who, retry_after_s)
            await _response(found)(scope, receive, send)
            return
        try:
            await self._application(scope, receive, send)
        finally:
            self._clients.ends(who)

    async def plain(self, asked: PlainRequest, peer: Peer) -> HttpAnswer:
        """Return the answer to a token request that the quick path has read."""
        who = self._clients.current_principal(peer, asked.forwarded_for)
        if retry_after_s := self._clients.begins(who):
            return self._too_often(who, retry_after_s)
        try:
            return await self._plain(asked, str(peer[0]))
        finally:
            self._clients.ends(who)

    def _too_often(self, who: str, retry_after_s: int) -> HttpAnswer:
        self._tell(who)
        return _answer(429, "one address asks too often", retry_after_s)

    def _tell(self, who: str) -> None:
        journal.FIGURES.ended("refused-429")
        self._untold += 1
        now = time.monotonic()
        if now - self._told_at >= QUIET_S:
            journal.warning("too-many-requests", client=who, requests=self._untold)
            self._told_at, self._untold = now, 0


def too_busy(status: int, reason: str) -> ASGIApp:
    """Return an application that answers with this status and closes."""
    answer = _response(_answer(status, reason, RETRY_S, connection="close"))

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.FIGURES.ended(f"refused-{status}")
        await answer(scope, receive, send)

    return application


def farewell(status: int, reason: str) -> bytes:
    """Return the same answer as bytes, for a connection without a whole request."""
    return as_bytes(_answer(status, reason, RETRY_S, connection="close"), [])


def as_bytes(answer: HttpAnswer, more: list[tuple[bytes, bytes]]) -> bytes:
    """Return an answer as bytes of HTTP/1.1, with `more` headers."""
    body = answer.body().encode()
    lines = [
        f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, '')}".encode(),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        *(f"{name}: {value}".encode() for name, value in answer.headers.items()),
        *(name + b": " + value for name, value in more),
    ]
    return b"\r\n".join([*lines, b"", body])


def _response(answer: HttpAnswer) -> Response:
    return Response(answer.body(), answer.status, answer.headers, "application/json")


def _answer(status: int, reason: str, retry_after_s: int, **headers: str) -> HttpAnswer:
    problem = {
        "error": "temporarily_unavailable",
        "error_description": reason,
        "errors": [{"code": "TOOMANYREQUESTS", "message": reason}],
    }
    headers |= {"retry-after": str(retry_after_s), "cache-control": "no-store"}
    return HttpAnswer(status, problem, headers)
