"""The HTTP application: /token, and the pages for operators."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dockcred.commands.token_service import journal
from dockcred.commands.token_service import request as requests
from dockcred.commands.token_service.quick import PlainRequest
from dockcred.commands.token_service.request import Authority, Refusal, TokenRequest
from dockcred.errors import DockcredError

_PRIVATE = {"cache-control": "no-store", "pragma": "no-cache"}
_UNAUTHORIZED = 401
_LEAVE = frozenset({400, 408, 413, 415, 431})
"""Statuses after which the connection is closed.

The rest of the data on it may not be a request.
"""


@dataclass(frozen=True)
class Origin:
    """Where a request came from: the peer, and the clients in X-Forwarded-For."""

    peer: str
    forwarded_for: str
    method: str


@dataclass(frozen=True)
class HttpAnswer:
    """An HTTP response to a request for a token, from either server path."""

    status: int
    content: dict[str, Any]
    headers: dict[str, str]

    def body(self) -> str:
        """Return the content as JSON."""
        return json.dumps(self.content)


class Application:
    """The service behind HTTP; `name` is the realm of its Basic challenge."""

    def __init__(
        self, authority: Authority, name: str, issuers: Iterable[str] = ()
    ) -> None:
        self._authority = authority
        self._name = name
        self._is_leaving = False
        self.issuers = list(issuers)

    def routes(self) -> Starlette:
        """Return the ASGI application."""
        made = Starlette(
            routes=[
                Route("/token", self._token, methods=["GET", "POST"]),
                Route("/healthz", self._alive),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
            ]
        )
        made.router.redirect_slashes = False
        return made

    def begin(self) -> None:
        """Start to fetch in the running event loop what the first request will need."""
        self._authority.begin()

    def leave(self) -> None:
        """Make /readyz answer 503 from now on, as we are stopping."""
        self._is_leaving = True

    async def answer_plain(self, asked: PlainRequest, peer: str) -> HttpAnswer:
        """Return the answer to a token request that the quick path has read."""
        origin = Origin(peer, ", ".join(asked.forwarded_for), asked.method)
        return await self._answer(_read_plain(asked), origin)

    async def _token(self, request: Request) -> Response:
        peer = request.client.host if request.client else ""
        forwarded_for = request.headers.get("x-forwarded-for", "")
        origin = Origin(peer, forwarded_for, request.method)
        found = await self._answer(requests.read(request), origin)
        return Response(found.body(), found.status, found.headers, "application/json")

    async def _answer(
        self, read: Awaitable[TokenRequest], origin: Origin
    ) -> HttpAnswer:
        started = time.perf_counter()
        asked: list[str] = []
        try:
            found = await read
            asked += map(str, found.asked)
            answer = await self._authority.answer(found)
        except Refusal as refusal:
            outcome, answered = f"refused-{refusal.status}", self._refused(refusal)
            journal.warning(
                "refused",
                status=refusal.status,
                reason=refusal.reason,
                told=refusal.told,
                asked=asked,
                **vars(origin),
            )
        except Exception as error:  # noqa: BLE001 - one request fails, not the service
            problem = _problem("server_error", "the token service failed")
            outcome, answered = "failed", HttpAnswer(500, problem, _PRIVATE)
            journal.failure("failed", error)
        else:
            outcome, answered = "answered", HttpAnswer(200, answer.reply, _PRIVATE)
            journal.info("answered", asked=asked, **answer.told, **vars(origin))
        journal.FIGURES.ended(outcome, time.perf_counter() - started)
        return answered

    async def _alive(self, request: Request) -> Response:
        del request
        return PlainTextResponse("alive\n")

    async def _ready(self, request: Request) -> Response:
        del request
        if self._is_leaving:
            return PlainTextResponse("not ready: it ends\n", 503)
        try:
            self._authority.check()
        except (DockcredError, OSError) as error:
            journal.warning("not-ready", reason=str(error))
            return PlainTextResponse("not ready: see the log\n", 503)
        return PlainTextResponse("ready\n")

    async def _metrics(self, request: Request) -> Response:
        del request
        return Response(journal.FIGURES.text(), media_type="text/plain; version=0.0.4")

    def _refused(self, refusal: Refusal) -> HttpAnswer:
        headers = dict(_PRIVATE)
        if refusal.status == _UNAUTHORIZED:
            headers["www-authenticate"] = f'Basic realm="{self._name}", charset="UTF-8"'
        if refusal.retry_after_s:
            headers["retry-after"] = str(refusal.retry_after_s)
        if refusal.status in _LEAVE:
            headers["connection"] = "close"
        return HttpAnswer(
            refusal.status, _problem(refusal.code, refusal.reason), headers
        )


async def _read_plain(asked: PlainRequest) -> TokenRequest:
    if asked.method == "POST":
        requests.check_kind(asked.kind)
        return requests.of_form(asked.body)
    return requests.of_query(asked.query, asked.authorizations)


def _problem(code: str, reason: str) -> dict[str, Any]:
    """Return an error in OAuth's form and in the registry's form, as one object."""
    return {
        "error": code,
        "error_description": reason,
        "errors": [{"code": "UNAUTHORIZED", "message": reason}],
    }
