"""STS: assume a role with keys or with an identity token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.aws import sigv4, wire
from dockcred.testing.sandbox.aws.principals import AccessKey, Principal, Role
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.aws import Aws

AUDIENCE = "sts.amazonaws.com"
VERSION = "2011-06-15"
HOSTS = re.compile(
    r"sts\.amazonaws\.com"
    r"|sts(?:-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]+)+-\d+)"
    r"\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws)"
)
DURATION_S = range(900, 43201)


class Sts(Service):
    """The security token service, in the query protocol."""

    name = "sts"

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def has_host(self, host: str) -> bool:
        """See Service."""
        return HOSTS.fullmatch(host) is not None

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.form.get("Version") == VERSION

    def operation(self, request: Request) -> str:
        """See Service."""
        return request.form.get("Action", "unknown")

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        form = request.form
        if form.get("Version") != VERSION:
            raise Refusal(Reason.UNKNOWN_OPERATION, f"only Version {VERSION} is served")
        match form.get("Action"):
            case "AssumeRoleWithWebIdentity":
                return self._assume_role_with_web_identity(form, now)
            case "AssumeRole":
                return self._assume_role(form, self._caller(request, now), now)
            case "GetCallerIdentity":
                return _describe(self._caller(request, now))
            case _:
                raise Refusal(Reason.UNKNOWN_OPERATION, "no such action")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.query_error(refusal)

    def _caller(self, request: Request, now: float) -> Principal:
        found = HOSTS.fullmatch(request.host)
        region = (found["region"] or "us-east-1") if found else None
        return sigv4.authenticate(
            request, self._aws.keys, service=self.name, region=region, now=now
        ).key.principal

    def _assume_role(
        self, form: dict[str, str], caller: Principal, now: float
    ) -> Response:
        role = self._aws.roles.get(form.get("RoleArn", ""))
        if role is None or role.trusts != caller.trusted_as:
            raise Refusal(
                Reason.DENIED,
                f"{caller.arn} is not authorized to perform sts:AssumeRole",
            )
        if role.mfa_serial and (
            form.get("SerialNumber") != role.mfa_serial
            or form.get("TokenCode") != self._aws.mfa_code
        ):
            raise Refusal(
                Reason.DENIED, "MultiFactorAuthentication failed: wrong or missing code"
            )
        return self._session("AssumeRole", role, form, now)

    def _assume_role_with_web_identity(
        self, form: dict[str, str], now: float
    ) -> Response:
        claims = self._aws.issuer.verify(
            form.get("WebIdentityToken", ""), audience=AUDIENCE, now=now
        )
        role = self._aws.roles.get(form.get("RoleArn", ""))
        if role is None or role.trusts != claims["sub"]:
            raise Refusal(
                Reason.DENIED, "not authorized to perform sts:AssumeRoleWithWebIdentity"
            )
        return self._session("AssumeRoleWithWebIdentity", role, form, now)

    def _session(
        self, action: str, role: Role, form: dict[str, str], now: float
    ) -> Response:
        name = form.get("RoleSessionName", "")
        if not re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII):
            raise Refusal(Reason.INVALID, "RoleSessionName is missing or malformed")
        duration = form.get("DurationSeconds", "3600")
        if not re.fullmatch(r"[0-9]{1,5}", duration) or int(duration) not in DURATION_S:
            raise Refusal(Reason.INVALID, "DurationSeconds is not from 900 to 43200")
        key = self._aws.keys.temporary(role.session(name), now + int(duration))
        result = {"Credentials": _credentials(key), "AssumedRoleUser": _user(key)}
        return wire.query_answer(action, result)


def _describe(caller: Principal) -> Response:
    identity = {"Arn": caller.arn, "UserId": caller.resource, "Account": caller.account}
    return wire.query_answer("GetCallerIdentity", identity)


def _credentials(key: AccessKey) -> dict[str, str]:
    document = wire.key_document(key)
    return {**document, "SessionToken": document.pop("Token")}


def _user(key: AccessKey) -> dict[str, str]:
    name = key.principal.resource.rpartition("/")[2]
    return {"Arn": key.principal.arn, "AssumedRoleId": f"AROASANDBOX:{name}"}
