"""The token endpoint inside Azure's Cloud Shell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

PATH = "/cloud-shell/token"


class CloudShell(Service):
    """POST of a form, with the header Metadata."""

    name = "cloud-shell"
    near = True

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def has_host(self, host: str) -> bool:
        """See Service."""
        del host
        return False

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == PATH

    def operation(self, request: Request) -> str:
        """See Service."""
        del request
        return "token"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.method != "POST":
            raise Refusal(Reason.UNKNOWN_OPERATION, "a token is asked for with POST")
        if request.header("metadata") != "true":
            raise Refusal(Reason.INVALID, "Required metadata header not specified")
        return self._azure.machine_token(request.form, {}, now)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.machine_error(refusal)
