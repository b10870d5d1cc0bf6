"""Azure Resource Manager for az: an empty list of subscriptions and of resources.

A managed identity that has only AcrPull on a registry sees no more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.azure.directory import TENANT
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

HOST = "management.azure.com"
AUDIENCES = frozenset((f"https://{HOST}", "https://management.core.windows.net"))
LISTS = re.compile(r"/subscriptions(/[^/]+/resources)?")


class ResourceManager(Service):
    """Empty lists for callers with a valid token."""

    name = "azure-arm"

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == HOST

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return bool(LISTS.fullmatch(request.path))

    def operation(self, request: Request) -> str:
        """See Service."""
        return request.path.rpartition("/")[2]

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        kind, _, token = (request.header("authorization") or "").partition(" ")
        if kind != "Bearer" or not token:
            raise Refusal(Reason.UNSIGNED, "the bearer token is missing")
        self._azure.tokens.caller(token, AUDIENCES, TENANT, now)
        if not self.recognises(request):
            raise Refusal(Reason.UNKNOWN_OPERATION, "nothing is there")
        return wire.answer({"value": []})

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.machine_error(refusal)
