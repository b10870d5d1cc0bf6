"""AWS Sign-In: the files of `aws login`, and the refresh of its keys.

CreateOAuth2Token takes a refresh token, and a proof that the caller has the login's
private key (DPoP, RFC 9449).
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from dockcred.testing.sandbox.aws import wire
from dockcred.testing.sandbox.aws.principals import AccessKey, Role
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.aws import Aws

HOSTS = re.compile(r"[a-z0-9-]+\.signin\.(?:aws\.amazon\.com|amazonaws\.cn)")
CLIENT = "arn:aws:signin:::devtools/same-device"
LIFETIME_S = 900


@dataclass(frozen=True, slots=True)
class ConsoleLogin:
    """A user's login; with `is_over`, its refresh is refused."""

    role: Role
    is_over: bool
    refresh_token: str = field(repr=False)
    key: ec.EllipticCurvePrivateKey = field(repr=False)

    def document(self, key: AccessKey, expires_at: float) -> dict[str, Any]:
        """Return the document that `aws login` writes into its cache."""
        pem = self.key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        )
        return {
            "accessToken": _keys(key)
            | {
                "accountId": self.role.account,
                "expiresAt": wire.rfc3339(expires_at),
            },
            "tokenType": "aws_sigv4",
            "refreshToken": self.refresh_token,
            "clientId": CLIENT,
            "dpopKey": pem.decode(),
        }


class SignIn(Service):
    """CreateOAuth2Token: issue new keys for a refresh token with its DPoP proof."""

    name = "signin"

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._logins: dict[str, ConsoleLogin] = {}

    def start(self, role: Role, *, is_over: bool) -> ConsoleLogin:
        """Start a login with a session of this role."""
        key = ec.generate_private_key(ec.SECP256R1())
        login = ConsoleLogin(role, is_over, secrets.token_urlsafe(96), key)
        self._logins[login.refresh_token] = login
        return login

    def has_host(self, host: str) -> bool:
        """See Service."""
        return HOSTS.fullmatch(host) is not None

    def recognises(self, request: Request) -> bool:
        """See Service. Google's STS has the same path, but no DPoP proof."""
        shape = (request.method, request.path) == ("POST", "/v1/token")
        return shape and bool(request.header("dpop"))

    def operation(self, request: Request) -> str:
        """See Service."""
        return "CreateOAuth2Token" if self.recognises(request) else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if not self.recognises(request):
            raise Refusal(Reason.UNKNOWN_OPERATION, "no such resource")
        asked = wire.read_object(request)
        login = self._logins.get(str(asked.get("refreshToken")))
        if login is None or asked.get("clientId") != CLIENT:
            raise Refusal(Reason.INVALID, "the refresh token is not one of ours")
        _check_proof(request.header("dpop"), login)
        if login.is_over:
            return _denied("TOKEN_EXPIRED")
        key = self._aws.keys.temporary(login.role.session("person"), now + LIFETIME_S)
        answer = {
            "accessToken": _keys(key),
            "tokenType": "aws_sigv4",
            "expiresIn": LIFETIME_S,
            "refreshToken": login.refresh_token,
        }
        return wire.json_answer(answer, "application/json")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.rest_error(refusal)


def _keys(key: AccessKey) -> dict[str, str]:
    return {
        "accessKeyId": key.access_key_id,
        "secretAccessKey": key.secret_access_key,
        "sessionToken": key.session_token,
    }


def _check_proof(proof: str, login: ConsoleLogin) -> None:
    """Refuse a proof that another key signed, or that is for another request."""
    try:
        claims = jwt.decode(proof, login.key.public_key(), algorithms=["ES256"])
    except jwt.InvalidTokenError:
        raise Refusal(Reason.INVALID, "the DPoP proof is not this login's") from None
    if claims.get("htm") != "POST" or not str(claims.get("htu")).endswith("/v1/token"):
        raise Refusal(Reason.INVALID, "the DPoP proof is for another request")


def _denied(error: str) -> Response:
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": "AccessDeniedException",
    }
    body = {"error": error, "message": "log in again"}
    return Response(400, json.dumps(body).encode(), headers)
