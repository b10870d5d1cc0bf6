"""The instance metadata service of EC2, version 2 only."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.aws import wire
from dockcred.testing.sandbox.aws.principals import ACCOUNT, REGION, Role
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.aws import Aws

TOKEN_PATH = "/latest/api/token"
ROLES_PATH = "/latest/meta-data/iam/security-credentials/"
INSTANCE = "i-0123456789abcdef0"
FACTS = {
    "/latest/meta-data/placement/region": REGION,
    "/latest/meta-data/placement/availability-zone": f"{REGION}a",
    "/latest/meta-data/instance-id": INSTANCE,
}
TOKEN_TTL_S = range(1, 21601)


class Imds(Service):
    """Tokens by PUT; everything else by GET with a token."""

    name = "imds"
    near = True

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._tokens: dict[str, float] = {}

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host in ("169.254.169.254", "fd00:ec2::254")

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path.startswith("/latest/")

    def operation(self, request: Request) -> str:
        """See Service."""
        path = request.path
        if path == TOKEN_PATH:
            return "token"
        if path.rstrip("/") == ROLES_PATH.rstrip("/"):
            return "role"
        if path.startswith(ROLES_PATH):
            return "credentials"
        return path.rpartition("/")[2] if path in FACTS else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        operation = self.operation(request)
        if operation == "token":
            return self._token(request, now)
        if request.method != "GET":
            raise Refusal(Reason.DENIED, "only GET is served here")
        if now >= self._tokens.get(request.header("x-aws-ec2-metadata-token"), 0):
            raise Refusal(Reason.UNSIGNED, "Unauthorized")
        role = self._aws.role
        if operation == "role":
            return _text(role)
        if operation == "credentials":
            if request.path != ROLES_PATH + role:
                raise Refusal(Reason.UNKNOWN_OPERATION, "no such role")
            key = self._aws.machine_keys.current(Role(ACCOUNT, role), INSTANCE, now)
            document = {
                "Code": "Success",
                "LastUpdated": wire.rfc3339(now),
                "Type": "AWS-HMAC",
                **wire.key_document(key),
            }
            return wire.json_answer(document, "text/plain")
        if request.path in FACTS:
            return _text(FACTS[request.path])
        raise Refusal(Reason.UNKNOWN_OPERATION, "Not Found")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.plain_error(refusal)

    def _token(self, request: Request, now: float) -> Response:
        if request.method != "PUT":
            raise Refusal(Reason.DENIED, "a token is asked for with PUT")
        # A token must not leave the machine through an open proxy.
        if request.header("x-forwarded-for"):
            raise Refusal(Reason.DENIED, "no token for a forwarded request")
        ttl = request.header("x-aws-ec2-metadata-token-ttl-seconds")
        if not re.fullmatch(r"[0-9]{1,5}", ttl) or int(ttl) not in TOKEN_TTL_S:
            raise Refusal(Reason.INVALID, "the token's ttl is not from 1 to 21600")
        token = secrets.token_urlsafe(40)
        self._tokens[token] = now + int(ttl)
        return _text(token, {"x-aws-ec2-metadata-token-ttl-seconds": ttl})


def _text(text: str, headers: dict[str, str] | None = None) -> Response:
    return Response(
        200, text.encode(), {"Content-Type": "text/plain"} | (headers or {})
    )
