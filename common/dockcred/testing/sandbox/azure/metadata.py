"""The instance metadata service of Azure: tokens of the machine's identities."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

PATH = "/metadata/identity/oauth2/token"
VERSION = re.compile(r"20(18|19|2\d)-\d\d-\d\d")
NAMES = {
    "client_id": "client_id",
    "object_id": "object_id",
    "msi_res_id": "resource_id",
}


class Metadata(Service):
    """GET with the header Metadata, and not through a proxy."""

    name = "azure-imds"
    near = True

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == "169.254.169.254"

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path.startswith("/metadata/")

    def operation(self, request: Request) -> str:
        """See Service."""
        if request.path != PATH:
            return "unknown"
        return "token" if request.header("metadata") else "probe"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.path != PATH or request.method != "GET":
            raise Refusal(Reason.UNKNOWN_OPERATION, "only GET of a token is served")
        if request.header("metadata") != "true":
            raise Refusal(
                Reason.INVALID, "Required metadata header not specified or not correct"
            )
        if request.header("x-forwarded-for"):
            raise Refusal(Reason.INVALID, "a forwarded request is not served")
        parameters = request.parameters
        if not VERSION.fullmatch(parameters.get("api-version", "")):
            raise Refusal(Reason.INVALID, "The requested version is not supported")
        return self._azure.machine_token(parameters, NAMES, now)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.machine_error(refusal)
