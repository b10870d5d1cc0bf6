"""Who asks for too much is told to come later, at the cost of nobody else."""

from __future__ import annotations

import json
import time

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dockcred.commands.token_service import journal
from dockcred.commands.token_service.clients import Clients

RETRY_S = 5
QUIET_S = 1.0
"""One line in the log for so many seconds, whoever is turned away."""


class Gate:
    """The application for those who do not ask for too much; the others get 429."""

    def __init__(self, application: ASGIApp, clients: Clients) -> None:
        self._application = application
        self._clients = clients
        self._told_at = float("-inf")
        self._untold = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        peer = scope.get("client") or ("",)
        named = [
            value.decode("latin-1")
            for name, value in scope["headers"]
            if name == b"x-forwarded-for"
        ]
        who = self._clients.current_principal(peer, named)
        retry_after_s = self._clients.begins(who)
        if retry_after_s:
            self._tell(who)
            refusal = _answer(429, "one address asks too often", retry_after_s)
            await refusal(scope, receive, send)
            return
        try:
            await self._application(scope, receive, send)
        finally:
            self._clients.ends(who)

    def _tell(self, who: str) -> None:
        journal.REQUESTS.labels("refused-429").inc()
        self._untold += 1
        now = time.monotonic()
        if now - self._told_at >= QUIET_S:
            journal.warning("too-many-requests", client=who, requests=self._untold)
            self._told_at, self._untold = now, 0


def too_busy(status: int, reason: str) -> ASGIApp:
    """Make an application that answers so, and ends the connection."""
    answer = _answer(status, reason, RETRY_S, connection="close")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        journal.REQUESTS.labels(f"refused-{status}").inc()
        await answer(scope, receive, send)

    return application


def farewell(status: int, reason: str) -> bytes:
    """Write the same answer as bytes, for a connection whose request is not whole."""
    answer = _answer(status, reason, RETRY_S, connection="close")
    lines = [f"HTTP/1.1 {status} ".encode()]
    lines += [name + b": " + value for name, value in answer.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(answer.body)])


def _answer(status: int, reason: str, retry_after_s: int, **headers: str) -> Response:
    problem = {
        "error": "temporarily_unavailable",
        "error_description": reason,
        "errors": [{"code": "TOOMANYREQUESTS", "message": reason}],
    }
    headers |= {"retry-after": str(retry_after_s), "cache-control": "no-store"}
    return Response(json.dumps(problem), status, headers, "application/json")
