"""IAM Identity Center: the portal that issues keys for a login, and the refresh."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.aws import wire
from dockcred.testing.sandbox.aws.principals import Role
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.aws import Aws

LIFETIME_S = 8 * 3600
PORTAL_HOSTS = re.compile(r"portal\.sso\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?")
OIDC_HOSTS = re.compile(r"oidc\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?")


@dataclass(frozen=True, slots=True)
class Login:
    """A user's login at the portal; `expires_at` in epoch seconds."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    role: Role
    expires_at: float


class Logins:
    """Every login, found by its access token or by its refresh token."""

    def __init__(self) -> None:
        self._logins: dict[str, Login] = {}

    def start(self, role: Role, expires_at: float) -> Login:
        """Log a user in who may use only this role."""
        access, refresh, client, secret = (secrets.token_urlsafe(96) for _ in range(4))
        login = Login(access, refresh, client, secret, role, expires_at)
        self._logins[login.access_token] = login
        self._logins[login.refresh_token] = login
        return login

    def find(self, token: str) -> Login | None:
        """Return the login of an access or refresh token; None if it is unknown."""
        return self._logins.get(token)


class SsoPortal(Service):
    """GetRoleCredentials for a bearer token."""

    name = "sso"

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def has_host(self, host: str) -> bool:
        """See Service."""
        return PORTAL_HOSTS.fullmatch(host) is not None

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == "/federation/credentials"

    def operation(self, request: Request) -> str:
        """See Service."""
        return "GetRoleCredentials" if self.recognises(request) else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.method != "GET" or not self.recognises(request):
            raise Refusal(Reason.UNKNOWN_OPERATION, "no such resource")
        token = request.header("x-amz-sso_bearer_token")
        login = self._aws.logins.find(token)
        if login is None or login.access_token != token or now >= login.expires_at:
            raise Refusal(Reason.UNSIGNED, "session token not found or invalid")
        asked = request.parameters
        if {"role_name", "account_id"} - asked.keys():
            raise Refusal(Reason.INVALID, "role_name and account_id are needed")
        role = login.role
        if (asked["role_name"], asked["account_id"]) != (role.name, role.account):
            raise Refusal(Reason.DENIED, "no access")
        principal = role.session("person@example.com")
        key = self._aws.keys.temporary(principal, now + 3600)
        credentials = {
            "accessKeyId": key.access_key_id,
            "secretAccessKey": key.secret_access_key,
            "sessionToken": key.session_token,
            "expiration": int((now + 3600) * 1000),
        }
        return wire.json_answer({"roleCredentials": credentials}, "application/json")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.rest_error(refusal)


class SsoOidc(Service):
    """CreateToken: issue a new access token for a refresh token."""

    name = "sso-oidc"

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def has_host(self, host: str) -> bool:
        """See Service."""
        return OIDC_HOSTS.fullmatch(host) is not None

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.method == "POST" and request.path == "/token"

    def operation(self, request: Request) -> str:
        """See Service."""
        return "CreateToken" if self.recognises(request) else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if not self.recognises(request):
            raise Refusal(Reason.UNKNOWN_OPERATION, "no such resource")
        asked = wire.read_object(request)
        login = self._aws.logins.find(str(asked.get("refreshToken")))
        expected = login and (login.refresh_token, login.client_id, login.client_secret)
        fields = ("refreshToken", "clientId", "clientSecret")
        if login is None or expected != tuple(asked.get(name) for name in fields):
            raise Refusal(Reason.UNSIGNED, "the refresh token is invalid")
        if asked.get("grantType") != "refresh_token":
            raise Refusal(Reason.INVALID, "only the grant refresh_token is served")
        renewed = self._aws.logins.start(login.role, now + LIFETIME_S)
        answer = {
            "accessToken": renewed.access_token,
            "expiresIn": LIFETIME_S,
            "refreshToken": renewed.refresh_token,
            "tokenType": "Bearer",
        }
        return wire.json_answer(answer, "application/json")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.rest_error(refusal)
