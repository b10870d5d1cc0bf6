"""The token endpoint of a Service Fabric cluster: TLS, verified by a thumbprint."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

HOST = "fabric.sandbox.example"
PATH = "/metadata/identity/oauth2/token"
VERSION = "2019-07-01-preview"


class ServiceFabric(Service):
    """GET with the header `Secret`; the deployment decided which identity it is."""

    name = "service-fabric"

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.secret = secrets.token_hex(16)

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == HOST

    def recognises(self, request: Request) -> bool:
        """See Service."""
        del request
        return False

    def operation(self, request: Request) -> str:
        """See Service."""
        return "token" if request.path == PATH else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        shown = request.header("secret").encode()
        if not hmac.compare_digest(shown, self.secret.encode()):
            raise Refusal(Reason.UNSIGNED, "the secret is missing or wrong")
        if request.parameters.get("api-version") != VERSION:
            raise Refusal(Reason.INVALID, f"only api-version {VERSION} is served")
        return self._azure.machine_token(request.parameters, {}, now)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.machine_error(refusal)
