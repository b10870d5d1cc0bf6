"""No road follows a redirect, at any request: a stranger may choose `Location`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.asking import NIGHT, ask

from dockcred.testing.sandbox import Response, Sandbox
from dockcred.testing.sandbox.handler import Handler

pytestmark = pytest.mark.slow  # as a whole too long for `make test`
IDENTITIES = (
    *("assume-role", "sso", "instance-profile", "azure-client-secret"),
    *("azure-app-service", "google-service-account", "google-wif-url", "github-app"),
    *("ci-github",),
)


class Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.heard.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_GET  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        server.heard = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize("status", [302, 307] if NIGHT else [307])
@pytest.mark.parametrize("road", ["", "sdk"])
@pytest.mark.parametrize("identity", IDENTITIES)
def test_no_redirect_is_followed(
    identity: str,
    road: str,
    status: int,
    cloud: Sandbox,
    elsewhere: ThreadingHTTPServer,
    helper_bin: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = f"http://127.0.0.1:{elsewhere.server_port}/away"
    send = Handler._send
    answered = 0
    redirected = -1

    def redirect(self: Handler, response: Response, *, close: bool = False) -> None:
        nonlocal answered
        answered += 1
        if answered == redirected:
            response = Response(status, b"", {"Location": away})
        send(self, response, close=close)

    monkeypatch.setattr(Handler, "_send", redirect)
    ask(helper_bin, cloud.environment(identity), identity, road)
    asked = answered
    assert asked, "somebody is asked"
    for redirected in range(1, min(asked, 8) + 1):
        answered = 0
        ask(helper_bin, cloud.environment(identity), identity, road)
        assert elsewhere.heard == [], (redirected, asked)  # type: ignore[attr-defined]
