"""A pod's own identity: the service account token that kubelet hands over.

KEP-4412.
"""

from __future__ import annotations

from dockcred import web_identity
from dockcred.claims import claims_of
from dockcred.errors import InvalidInputError
from dockcred.kubelet import google

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.environment import Environment

KEY = "DOCKCRED_SERVICE_ACCOUNT"
"""Whose token it is, for the cache's key; set by us for one call, never read."""

ECR_ROLE = "eks.amazonaws.com/ecr-role-arn"
ACR_CLIENT = "kubernetes.azure.com/acr-client-id"
ACR_TENANT = "kubernetes.azure.com/acr-tenant-id"


class ServiceAccount:
    """Whose token it is, until when (epoch seconds), and what is noted on it."""

    __slots__ = ("annotations", "expires_at", "key", "name", "namespace", "token")

    def __init__(self, token: str, annotations: dict[str, str]) -> None:
        """Read the claims, unverified: whoever takes the token verifies it.

        Raises InvalidInputError where it is not a service account's.
        """
        claims = claims_of(token.encode("ascii", "replace"))
        try:
            bound = claims["kubernetes.io"]
            self.namespace = _text(bound["namespace"])
            self.name = _text(bound["serviceaccount"]["name"])
            uid = _text(bound["serviceaccount"]["uid"])
            self.expires_at = float(claims["exp"])
            whose = (_text(claims["iss"]), self.namespace, self.name, uid)
            self.key = ascii((*whose, claims["aud"], sorted(annotations.items())))
        except (LookupError, TypeError, ValueError):
            raise InvalidInputError(
                "serviceAccountToken is not a bound Kubernetes token",
                "see tokenAttributes in kubelet's credential provider configuration",
            ) from None
        self.token = token
        self.annotations = annotations

    def __repr__(self) -> str:
        """Show whose it is."""
        return f"ServiceAccount({self.namespace!r}, {self.name!r}, token=…)"

    def variables(self, provider: str, environment: Environment) -> dict[str, str]:
        """Answer the variables by which a provider asks as this account.

        Nothing where no role is noted on the account: then the node asks.
        """
        if provider == "ecr":
            return self._aws(environment)
        if provider == "acr":
            return self._azure(environment)
        if provider == "google":
            return self._google(environment)
        return {}

    def _aws(self, environment: Environment) -> dict[str, str]:
        role = self.annotations.get(ECR_ROLE) or environment.get("AWS_ECR_ROLE_ARN")
        if not role:
            return {}
        session = environment.get("AWS_ROLE_SESSION_NAME")
        own = f"{self.namespace}@{self.name}"
        return web_identity.aws(self.token, role, session or own)

    def _azure(self, environment: Environment) -> dict[str, str]:
        client = self.annotations.get(ACR_CLIENT)
        if not client:
            return {}
        tenant = self.annotations.get(ACR_TENANT) or environment.get("AZURE_TENANT_ID")
        if not tenant:
            raise InvalidInputError(
                f"service account {self.namespace}/{self.name} names no Azure tenant",
                f"annotate it with {ACR_TENANT}, or set AZURE_TENANT_ID for kubelet",
            )
        return web_identity.azure(self.token, client, tenant)

    def _google(self, environment: Environment) -> dict[str, str]:
        audience = google.audience(self.annotations, environment)
        if not audience:
            return {}
        account = google.impersonated(self.annotations, environment)
        return web_identity.google(self.token, audience, account, google.ACCOUNT)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value
