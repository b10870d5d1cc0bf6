"""The token endpoint of an Azure Machine Learning compute."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

PATH = "/aml/token"
VERSION = "2017-09-01"
NAMES = {"clientid": "client_id"}


class MachineLearning(Service):
    """GET with the header `secret`."""

    name = "machine-learning"
    near = True

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.secret = secrets.token_hex(16)

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
        if not hmac.compare_digest(
            request.header("secret").encode(), self.secret.encode()
        ):
            raise Refusal(Reason.UNSIGNED, "the secret is missing or wrong")
        parameters = request.parameters
        if parameters.get("api-version") != VERSION:
            raise Refusal(Reason.INVALID, f"only api-version {VERSION} is served")
        return self._azure.machine_token(parameters, NAMES, now)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.machine_error(refusal)
