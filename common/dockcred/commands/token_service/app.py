"""The HTTP application: /token, and what those who run it look at."""

from __future__ import annotations

import json
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dockcred.commands.token_service import journal
from dockcred.commands.token_service import request as requests
from dockcred.commands.token_service.request import Authority, Refusal
from dockcred.errors import DockcredError

_PRIVATE = {"cache-control": "no-store", "pragma": "no-cache"}
_UNAUTHORIZED = 401
_LEAVE = frozenset({400, 408, 413, 415, 431})
"""Where what follows on the connection may not be what it looks like."""


class Application:
    """The service behind HTTP; `name` stands in the challenge to who shows nothing."""

    def __init__(self, authority: Authority, name: str) -> None:
        self._authority = authority
        self._name = name

    def routes(self) -> Starlette:
        """Make the ASGI application."""
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
        """Fetch ahead, in the running loop, what the first request will need."""
        self._authority.begin()

    async def _token(self, request: Request) -> Response:
        started = time.perf_counter()
        asked: list[str] = []
        try:
            read = await requests.read(request)
            asked += map(str, read.asked)
            answer = await self._authority.answer(read)
        except Refusal as refusal:
            outcome, response = f"refused-{refusal.status}", self._refused(refusal)
            journal.warning(
                "refused",
                status=refusal.status,
                reason=refusal.reason,
                told=refusal.told,
                asked=asked,
                **_caller(request),
            )
        except Exception as error:  # noqa: BLE001 - one request, not the service
            outcome, response = "failed", _failed()
            journal.failure("failed", error)
        else:
            outcome, response = "answered", _json(answer.reply, 200, _PRIVATE)
            journal.info("answered", asked=asked, **answer.told, **_caller(request))
        journal.REQUESTS.labels(outcome).inc()
        journal.SECONDS.observe(time.perf_counter() - started)
        return response

    async def _alive(self, request: Request) -> Response:
        del request
        return PlainTextResponse("alive\n")

    async def _ready(self, request: Request) -> Response:
        del request
        try:
            self._authority.check()
        except (DockcredError, OSError) as error:
            journal.warning("not-ready", reason=str(error))
            return PlainTextResponse("not ready: see the log\n", 503)
        return PlainTextResponse("ready\n")

    async def _metrics(self, request: Request) -> Response:
        del request
        return Response(journal.text(), media_type="text/plain; version=0.0.4")

    def _refused(self, refusal: Refusal) -> Response:
        headers = dict(_PRIVATE)
        if refusal.status == _UNAUTHORIZED:
            headers["www-authenticate"] = f'Basic realm="{self._name}", charset="UTF-8"'
        if refusal.retry_after_s:
            headers["retry-after"] = str(refusal.retry_after_s)
        if refusal.status in _LEAVE:
            headers["connection"] = "close"
        return _json(_problem(refusal.code, refusal.reason), refusal.status, headers)


def _failed() -> Response:
    return _json(_problem("server_error", "the token service failed"), 500, _PRIVATE)


def _problem(code: str, reason: str) -> dict[str, Any]:
    """Write a refusal as OAuth's clients read it, and as registries' do."""
    return {
        "error": code,
        "error_description": reason,
        "errors": [{"code": "UNAUTHORIZED", "message": reason}],
    }


def _json(content: dict[str, Any], status: int, headers: dict[str, str]) -> Response:
    return Response(json.dumps(content), status, headers, "application/json")


def _caller(request: Request) -> dict[str, str]:
    """Return who called: the peer, and whom a proxy says that it speaks for."""
    return {
        "peer": request.client.host if request.client else "",
        "forwarded_for": request.headers.get("x-forwarded-for", ""),
        "method": request.method,
    }
