"""The token endpoint of App Service, which Functions and Container Apps share."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

PATH = "/msi/token"
VERSION = "2019-08-01"
NAMES = {
    "client_id": "client_id",
    "object_id": "object_id",
    "mi_res_id": "resource_id",
}


class AppService(Service):
    """GET with a header that only the processes of this app know."""

    name = "app-service"
    near = True

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.header = secrets.token_hex(16)

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host.startswith("169.254.129.")

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == PATH

    def operation(self, request: Request) -> str:
        """See Service."""
        return "token" if request.path == PATH else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.path != PATH or request.method != "GET":
            raise Refusal(Reason.UNKNOWN_OPERATION, "only GET of a token is served")
        shown = request.header("x-identity-header").encode()
        if not hmac.compare_digest(shown, self.header.encode()):
            raise Refusal(Reason.UNSIGNED, "X-IDENTITY-HEADER is missing or wrong")
        parameters = request.parameters
        if parameters.get("api-version") != VERSION:
            raise Refusal(Reason.INVALID, f"only api-version {VERSION} is served")
        return self._azure.machine_token(parameters, NAMES, now)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        status = wire.MACHINE_ERRORS.get(refusal.reason, (400, ""))[0]
        document = {"statusCode": status, "message": refusal.message}
        return wire.answer(document, status)
