"""The token endpoint of a server that Azure Arc manages."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

PATH = "/arc/token"
VERSION = "2020-06-01"
KEYS = Path("/var/opt/azcmagent/tokens")
"""The only directory that the SDK accepts; only the agent's group may read it."""
NAMES = {
    "client_id": "client_id",
    "object_id": "object_id",
    "msi_res_id": "resource_id",
}


class Arc(Service):
    """GET, answered by a challenge that asks for the content of a file on the server.

    `directory` stands for KEYS. To run a command as this identity, mount it at KEYS.
    """

    name = "arc"
    near = True

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.directory: Path | None = None
        self._key = secrets.token_hex(16)

    def has_host(self, host: str) -> bool:
        """See Service."""
        del host
        return False

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == PATH

    def operation(self, request: Request) -> str:
        """See Service."""
        return "token" if request.header("authorization") else "challenge"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.header("metadata") != "true":
            raise Refusal(Reason.INVALID, "Required metadata header not specified")
        if request.parameters.get("api-version") != VERSION:
            raise Refusal(Reason.INVALID, f"only api-version {VERSION} is served")
        shown = request.header("authorization")
        if not shown:
            return self._challenge()
        if not hmac.compare_digest(shown.encode(), f"Basic {self._key}".encode()):
            raise Refusal(Reason.UNSIGNED, "the key is not the file's")
        return self._azure.machine_token(request.parameters, NAMES, now)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.machine_error(refusal)

    def _challenge(self) -> Response:
        if self.directory is not None:
            (self.directory / "sandbox.key").write_text(self._key)
        realm = {"WWW-Authenticate": f"Basic realm={KEYS}/sandbox.key"}
        return Response(401, b"", realm)
