"""A container registry's login: challenge, exchange of Entra's token, access tokens."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dockcred.testing.sandbox.azure import wire
from dockcred.testing.sandbox.azure.directory import TENANT
from dockcred.testing.sandbox.azure.scopes import access_of
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Minted, Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure import Azure

HOST = re.compile(
    r"[a-z0-9]{5,50}(?:-[a-z0-9]+)?(?:\.[a-z0-9]+\.geo)?\.azurecr\.(?:io|cn|us|de)"
)
USERNAME = "00000000-0000-0000-0000-000000000000"
EXCHANGE, TOKEN = "/oauth2/exchange", "/oauth2/token"
MAX_LIFETIME_S = 3 * 3600
ACCESS_LIFETIME_S = 75 * 60
ARM = frozenset({
    "https://management.azure.com", "https://management.chinacloudapi.cn",
    "https://management.usgovcloudapi.net",
})  # fmt: skip


class ContainerRegistry(Service):
    """All registries, whatever their names; TENANT's, except those in `tenants`.

    `takes_arm_tokens` is the policy azureADAuthenticationAsArmPolicy.
    """

    name = "acr"

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        self.takes_arm_tokens = True
        self.unregistered: set[str] = set()
        self.tenants: dict[str, str] = {}

    def has_host(self, host: str) -> bool:
        """See Service."""
        return HOST.fullmatch(host) is not None and host not in self.unregistered

    def recognises(self, request: Request) -> bool:
        """See Service."""
        del request
        return False

    def operation(self, request: Request) -> str:
        """See Service."""
        if request.path in (EXCHANGE, TOKEN):
            return request.path.removeprefix("/oauth2/")
        return "challenge" if request.path.startswith("/v2/") else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        match self.operation(request):
            case "exchange":
                return self._exchange(request, now)
            case "token":
                return self._token(request, now)
            case "challenge":
                return self._challenge(request, now)
            case _:
                raise Refusal(Reason.UNKNOWN_OPERATION, "nothing is served here")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.registry_error(refusal)

    def _challenge(self, request: Request, now: float) -> Response:
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() == "bearer":
            claims = self._azure.registry_signer.claims(token)
            if claims["aud"] == request.host and now < claims["exp"]:
                return wire.answer({})
        realm = f"https://{request.host}{TOKEN}"
        challenge = f'Bearer realm="{realm}",service="{request.host}"'
        refusal = Refusal(Reason.UNSIGNED, "authentication required")
        refused = wire.registry_error(refusal)
        refused.headers["Www-Authenticate"] = challenge
        return refused

    def _exchange(self, request: Request, now: float) -> Response:
        form = request.form
        if request.method != "POST" or form.get("grant_type") != "access_token":
            raise Refusal(Reason.INVALID, "only POST with grant_type access_token")
        if form.get("service") != request.host:
            raise Refusal(Reason.INVALID, "the service is not this registry")
        own = f"https://containerregistry.azure.{_end_of(request.host)}"
        taken = frozenset({own}) | (ARM if self.takes_arm_tokens else frozenset())
        tenant = self.tenants.get(request.host, TENANT)
        shown = form.get("access_token", "")
        caller = self._azure.tokens.caller(shown, taken, tenant, now)
        if form.get("tenant", caller.tenant) != caller.tenant:
            raise Refusal(Reason.BAD_IDENTITY_TOKEN, "the tenant is not the token's")
        if caller.object_id in self._azure.directory.denied:
            raise Refusal(Reason.UNSIGNED, "authentication required")
        lifetime = min(self._azure.expires_s, MAX_LIFETIME_S)
        token = self._azure.registry_signer.sign(
            audience=request.host,
            now=now,
            lifetime_s=lifetime,
            sub=caller.object_id,
            jti=str(uuid4()),
            grant_type="refresh_token",
            tenant=caller.tenant,
            version=1.0,
            permissions={"actions": ["read", "write"], "notActions": None},
        )
        self._azure.minted_tokens[token] = Minted(
            self.name,
            "",
            request.host,
            caller.tenant,
            caller.name,
            caller.application,
            int(now + lifetime),
        )
        return wire.answer({"refresh_token": token})

    def _token(self, request: Request, now: float) -> Response:
        fields = request.form if request.method == "POST" else request.parameters
        refresh_token = _shown(request, fields)
        claims = self._azure.registry_signer.claims(refresh_token)
        service = fields.get("service")
        if claims.get("grant_type") != "refresh_token" or claims["aud"] != service:
            raise Refusal(
                Reason.BAD_IDENTITY_TOKEN, "the token is not for this service"
            )
        if service != request.host or now >= claims["exp"]:
            raise Refusal(Reason.EXPIRED_IDENTITY_TOKEN, "authentication required")
        access = self._azure.registry_signer.sign(
            audience=service,
            now=now,
            lifetime_s=ACCESS_LIFETIME_S,
            sub=claims["sub"],
            jti=str(uuid4()),
            grant_type="access_token",
            access=access_of(request),
        )
        document: dict[str, Any] = {"access_token": access}
        return wire.answer(document)


def _shown(request: Request, fields: dict[str, str]) -> str:
    """Return the refresh token; clients send it in several ways."""
    if fields.get("grant_type") == "refresh_token":
        return fields.get("refresh_token", "")
    username, password = fields.get("username", ""), fields.get("password", "")
    scheme, _, coded = request.header("authorization").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(coded, validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        username, _, password = pair.partition(":")
    if username != USERNAME:
        raise Refusal(Reason.UNSIGNED, "authentication required")
    return password


def _end_of(host: str) -> str:
    end = host.rpartition(".")[2]
    return "net" if end == "io" else end
