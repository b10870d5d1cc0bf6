"""Oracle's registries: tokens for signed requests, and the login with them."""

from __future__ import annotations

import base64
import json
import re
import secrets
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.oracle.tenancy import REALM, SUBSCRIBED, TENANCY
from dockcred.testing.sandbox.service import Minted, Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.oracle import Oracle

TOKEN_PATH = "/20180419/docker/token"
USER = "BEARER_TOKEN"
SIGNED = ("date", "(request-target)", "host")
STATUS = {
    Reason.DENIED: (403, "NotAllowed"),
    Reason.UNKNOWN_OPERATION: (404, "NotAuthorizedOrNotFound"),
    Reason.THROTTLED: (429, "TooManyRequests"),
    Reason.BROKEN: (500, "InternalServerError"),
    Reason.INVALID: (400, "InvalidParameter"),
}
_HOST = re.compile(
    r"(?P<short>[a-z0-9-]+)\.ocir\.io|ocir\.(?P<region>[a-z0-9-]+)\.oci\.(?P<realm>[a-z0-9.-]+)"
)


def region_of(host: str) -> str:
    """Return the region of a registry's host; "" if it is no registry here."""
    found = _HOST.fullmatch(host)
    if found is None or found["realm"] not in {None, REALM}:
        return ""
    named = found["short"] or found["region"]
    return SUBSCRIBED.get(named, named)


def refuse(refusal: Refusal) -> Response:
    """Return the response for a refusal in the format of Oracle's APIs."""
    status, code = STATUS.get(refusal.reason, (401, "NotAuthenticated"))
    body = json.dumps({"code": code, "message": refusal.message}).encode()
    return Response(status, body, {"Content-Type": "application/json"})


class Registry(Service):
    """The registries of all regions; a token is valid only in its own region."""

    name = "ocir"

    def __init__(self, cloud: Oracle) -> None:
        self._cloud = cloud

    def has_host(self, host: str) -> bool:
        """See Service."""
        return bool(region_of(host))

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == TOKEN_PATH

    def operation(self, request: Request) -> str:
        """See Service."""
        return "token" if request.path == TOKEN_PATH else "registry"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.path != TOKEN_PATH:
            return self._door(request, now)
        if request.method != "GET":
            raise Refusal(Reason.UNKNOWN_OPERATION, "only GET is served here")
        from dockcred.testing.sandbox.oracle import signatures  # noqa: PLC0415 - extra

        tenancy = self._cloud.tenancy
        signed_by = signatures.verify(
            request, lambda name: tenancy.find(name, now).key, SIGNED, now
        )
        region = region_of(request.host)
        if region not in SUBSCRIBED.values():
            raise Refusal(Reason.UNSIGNED, f"the tenancy is not subscribed to {region}")
        token = self._cloud.mint(region, tenancy.find(signed_by, now).principal, now)
        life_s = self._cloud.life_s
        body = {"token": token, "access_token": token, "expires_in": int(life_s)}
        headers = {"Content-Type": "application/json"}
        return Response(200, json.dumps(body | {"scope": ""}).encode(), headers)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return refuse(refusal)

    def _door(self, request: Request, now: float) -> Response:
        shown = request.header("authorization").removeprefix("Basic ")
        user, _, password = base64.b64decode(shown).decode().partition(":")
        if self._cloud.admits(user, password, request.host, now):
            return Response(200, b"{}")
        realm = f'Bearer realm="https://{request.host}{TOKEN_PATH}"'
        return Response(401, b"{}", {"WWW-Authenticate": realm})


def new_token(region: str, principal: str, ends: float) -> tuple[str, Minted]:
    """Return a registry's token, and what it was issued for."""
    token = secrets.token_urlsafe(48)
    return token, Minted("oracle", region, "", TENANCY, principal, "", ends)
