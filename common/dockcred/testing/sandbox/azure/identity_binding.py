"""AKS identity bindings: the API server replaces Entra for a cluster's accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import proofs, wire
from dockcred.testing.sandbox.azure.scopes import resource_of
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

HOST = "sandbox.ests.aks.example"
AUDIENCE = "api://AKSIdentityBinding"


class IdentityBinding(Service):
    """Issues tokens for managed identities that are bound to the cluster.

    Its endpoint is POST to the root path.
    """

    name = "aks-identity-binding"

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == HOST

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.host == HOST

    def operation(self, request: Request) -> str:
        """See Service."""
        del request
        return "token"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        form, directory = request.form, self._azure.directory
        application = directory.application(form.get("client_id", ""))
        if request.method != "POST" or request.path != "/":
            raise Refusal(Reason.UNKNOWN_OPERATION, "nothing is served here")
        if application is None:
            raise wire.EntraRefusal(700016, "Application was not found")
        proofs.check(request, application, self._azure.cluster, now, AUDIENCE)
        resource = resource_of(form.get("scope", ""))
        return wire.answer({
            "token_type": "Bearer",
            "expires_in": self._azure.tokens.lifetime_s,
            "access_token": self._azure.tokens.issue(application, resource, now),
        })  # fmt: skip

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.entra_error(refusal)
