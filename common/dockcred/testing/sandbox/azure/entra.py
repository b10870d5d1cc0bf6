"""Entra: the token endpoint, and the documents that MSAL reads first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.azure import proofs, wire
from dockcred.testing.sandbox.azure.directory import Principal
from dockcred.testing.sandbox.azure.scopes import resource_of
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

HOSTS = frozenset({
    "login.microsoftonline.com", "login.chinacloudapi.cn",
    "login.microsoftonline.us", "login.microsoftonline.de",
})  # fmt: skip
TOKEN = "/oauth2/v2.0/token"
CONFIGURATION = "/v2.0/.well-known/openid-configuration"
INSTANCE = "/common/discovery/instance"
REALM = "/common/userrealm/"


class Entra(Service):
    """Issues tokens for applications, and for users who have logged in."""

    name = "entra"

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host in HOSTS

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path.endswith((TOKEN, CONFIGURATION))

    def operation(self, request: Request) -> str:
        """See Service."""
        if request.path.endswith(TOKEN):
            return f"token:{request.form.get('grant_type', 'unknown')}"
        if request.path.endswith(CONFIGURATION):
            return "configuration"
        if request.path.lower().startswith(REALM):
            return "realm"
        return "instance" if request.path == INSTANCE else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        match self.operation(request).partition(":")[0]:
            case "token":
                return self._token(request, now)
            case "configuration":
                return _configuration(request)
            case "realm":
                return wire.answer({"account_type": "Managed", "ver": "1.0"})
            case "instance":
                return _instance(request)
            case _:
                raise Refusal(Reason.UNKNOWN_OPERATION, "nothing is served here")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.entra_error(refusal)

    def _token(self, request: Request, now: float) -> Response:
        tenant = request.path.removesuffix(TOKEN).strip("/")
        directory, form = self._azure.directory, request.form
        if tenant not in {*directory.tenants, "organizations", "common"}:
            raise wire.EntraRefusal(90002, "Tenant not found", "invalid_request")
        principal = self._principal(request, tenant, now)
        resource = resource_of(form.get("scope", ""))
        if resource not in directory.resources:
            raise wire.EntraRefusal(
                500011,
                f"The resource principal named {resource} was not found in the tenant",
                "invalid_resource",
            )
        document = {
            "token_type": "Bearer",
            "expires_in": self._azure.tokens.lifetime_s,
            "access_token": self._azure.tokens.issue(principal, resource, now),
        }
        if form.get("grant_type") == "password":
            document |= self._azure.tokens.person(principal, request.host, now)
        return wire.answer(document)

    def _principal(self, request: Request, tenant: str, now: float) -> Principal:
        form, directory = request.form, self._azure.directory
        match form.get("grant_type"):
            case "client_credentials":
                application = directory.application(form.get("client_id", ""))
                if application is None or application.tenant != tenant:
                    raise wire.EntraRefusal(
                        700016, "Application was not found in the directory"
                    )
                proofs.check(request, application, self._azure.cluster, now)
                return application
            case "password":
                return _user(form, directory.application(form.get("client_id", "")))
            case "refresh_token":
                user = directory.user(form.get("refresh_token", ""))
                if user is None:
                    raise wire.EntraRefusal(
                        700082, "The refresh token has expired", "invalid_grant"
                    )
                if tenant in directory.tenants:
                    return replace(user, tenant=tenant)  # as a guest there, or at home
                return user
            case _:
                raise wire.EntraRefusal(
                    70003, "The grant type is not supported", "unsupported_grant_type"
                )


def _user(form: dict[str, str], application: Principal | None) -> Principal:
    """Return the user; in the sandbox its name and password are those of its client."""
    if application is None:
        raise wire.EntraRefusal(700016, "Application was not found in the directory")
    name = form.get("username", "").partition("@")[0]
    if name != application.name or form.get("password") != application.secret:
        raise wire.EntraRefusal(50126, "Invalid username or password", "invalid_grant")
    return application


def _configuration(request: Request) -> Response:
    tenant = request.path.removesuffix(CONFIGURATION).strip("/")
    base = f"https://{request.host}/{tenant}"
    return wire.answer({
        "issuer": f"{base}/v2.0",
        "token_endpoint": f"{base}{TOKEN}",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
    })  # fmt: skip


def _instance(request: Request) -> Response:
    document = f"https://{request.host}/common{CONFIGURATION}"
    names = {"preferred_network": request.host, "preferred_cache": request.host}
    return wire.answer({
        "tenant_discovery_endpoint": document,
        "api-version": "1.1",
        "metadata": [names | {"aliases": [request.host]}],
    })  # fmt: skip
