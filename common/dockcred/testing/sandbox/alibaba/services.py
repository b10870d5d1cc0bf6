"""Alibaba Cloud's services: the registry's API, STS, and the metadata of ECS."""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dockcred.testing.sandbox.alibaba.signatures import Key
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Minted, Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.alibaba import Alibaba

AUDIENCE = "sts.aliyuncs.com"
ACCOUNT = "1234567890123456"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/ack-rrsa-sandbox"
REGION = r"((?:cn|ap|us|eu|me)-[a-z0-9-]+)"
ERRORS = {
    Reason.UNSIGNED: (400, "MissingSecurityToken"),
    Reason.MALFORMED: (400, "IncompleteSignature"),
    Reason.UNKNOWN_KEY: (404, "InvalidAccessKeyId.NotFound"),
    Reason.BAD_SIGNATURE: (400, "SignatureDoesNotMatch"),
    Reason.EXPIRED: (403, "InvalidSecurityToken.Expired"),
    Reason.DENIED: (403, "Forbidden.RAM"),
    Reason.THROTTLED: (429, "Throttling.User"),
    Reason.BROKEN: (500, "InternalError"),
    Reason.INVALID: (400, "InvalidParameter"),
    Reason.BAD_IDENTITY_TOKEN: (400, "AuthenticationFail.OIDCToken.Invalid"),
    Reason.EXPIRED_IDENTITY_TOKEN: (400, "AuthenticationFail.OIDCToken.Expired"),
    Reason.UNKNOWN_OPERATION: (404, "InvalidAction.NotFound"),
}


class _Api(Service):
    """What both APIs share: JSON answers, and errors with a code."""

    hosts: re.Pattern[str]
    versions: frozenset[str]

    def __init__(self, cloud: Alibaba) -> None:
        self._cloud = cloud

    def has_host(self, host: str) -> bool:
        """See Service."""
        return self.hosts.fullmatch(host) is not None

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return _field(request, "Version") in self.versions

    def operation(self, request: Request) -> str:
        """See Service."""
        return _field(request, "Action") or "unknown"

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        status, code = ERRORS[refusal.reason]
        code = refusal.aws_code or code
        return _json(
            {"Code": code, "Message": refusal.message, "RequestId": str(uuid4())},
            status,
        )


class Cr(_Api):
    """Container Registry: API 2016 is for personal instances, 2018 for enterprise."""

    name = "alibaba-cr"
    hosts = re.compile(rf"cr(?:-vpc)?\.{REGION}\.aliyuncs\.com")
    versions = frozenset({"2016-06-07", "2018-12-01"})

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        caller = self._cloud.gate.caller(request, now)
        found = self.hosts.fullmatch(request.host)
        region = found[1] if found else "cn-hangzhou"
        version = _field(request, "Version")
        if version not in self.versions:
            raise Refusal(Reason.UNKNOWN_OPERATION, "no such version")
        is_personal = version == "2016-06-07"
        match (_field(request, "Action"), request.method, request.path):
            case ("GetAuthorizationToken", "GET", "/tokens") if is_personal:
                return self._personal(caller, region, now)
            case ("ListInstance", "POST", "/") if not is_personal:
                return self._instances(caller, region, request.parameters)
            case ("GetAuthorizationToken", "POST", "/") if not is_personal:
                return self._enterprise(caller, region, request.parameters, now)
            case _:
                raise Refusal(Reason.UNKNOWN_OPERATION, "no such operation")

    def _personal(self, caller: Key, region: str, now: float) -> Response:
        password, ends = self._mint(caller, region, "", now)
        data = {
            "authorizationToken": password,
            "tempUserName": "cr_temp_user",
            "expireDate": round(ends * 1000),
        }
        return _json({"data": data, "requestId": str(uuid4())})

    def _instances(self, caller: Key, region: str, fields: dict[str, str]) -> Response:
        wanted = fields.get("InstanceName", "")
        found = [
            {"InstanceId": which, "InstanceName": name, "InstanceStatus": "RUNNING"}
            for (place, name), (account, which) in self._cloud.instances.items()
            if place == region and account == caller.account and name.startswith(wanted)
        ]
        return _succeeded({"Instances": found, "TotalCount": len(found)})

    def _enterprise(
        self, caller: Key, region: str, fields: dict[str, str], now: float
    ) -> Response:
        wanted = fields.get("InstanceId", "")
        for (place, name), (account, which) in self._cloud.instances.items():
            if (place, which) == (region, wanted):
                if account != caller.account:
                    raise Refusal(Reason.DENIED, "User not authorized to operate")
                password, ends = self._mint(caller, region, name, now)
                return _succeeded(
                    {
                        "AuthorizationToken": password,
                        "TempUsername": "cr_temp_user",
                        "ExpireTime": round(ends * 1000),
                    }
                )
        raise Refusal(Reason.INVALID, "instance is not exist", "INSTANCE_NOT_EXIST")

    def _mint(
        self, caller: Key, region: str, instance: str, now: float
    ) -> tuple[str, float]:
        """Return a password and its expiry, which is never after its key's expiry."""
        ends = min(now + self._cloud.life_s, caller.expires_at or float("inf"))
        key_id, who = caller.access_key_id, caller.arn
        password = secrets.token_hex(500)
        self._cloud.passwords[password] = Minted(
            self.name, region, instance, caller.account, who, key_id, ends
        )
        return password, ends


class Sts(_Api):
    """STS: assume a role with keys or with a pod's token."""

    name = "alibaba-sts"
    hosts = re.compile(rf"sts\.aliyuncs\.com|sts(?:-vpc)?\.{REGION}\.aliyuncs\.com")
    versions = frozenset({"2015-04-01"})

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        match _field(request, "Action"):
            case "AssumeRoleWithOIDC":
                fields = request.form or request.parameters
                return self._by_token(fields, now)
            case "AssumeRole":
                caller = self._cloud.gate.caller(request, now)
                return self._by_keys(request.parameters, caller, now)
            case "GetCallerIdentity":
                caller = self._cloud.gate.caller(request, now)
                return _json({"Arn": caller.arn, "AccountId": caller.account})
            case _:
                raise Refusal(Reason.UNKNOWN_OPERATION, "no such action")

    def _by_token(self, fields: dict[str, str], now: float) -> Response:
        if fields.get("OIDCProviderArn") != PROVIDER:
            raise Refusal(
                Reason.INVALID, "no such provider", "EntityNotExist.OIDCProvider"
            )
        claims = self._cloud.issuer.verify(
            fields.get("OIDCToken", ""), audience=AUDIENCE, now=now
        )
        return self._session(
            fields, claims["sub"], "AuthenticationFail.NoPermission", now
        )

    def _by_keys(self, fields: dict[str, str], caller: Key, now: float) -> Response:
        return self._session(fields, caller.arn, "NoPermission", now)

    def _session(
        self, fields: dict[str, str], who: str, denied: str, now: float
    ) -> Response:
        arn, name = fields.get("RoleArn", ""), fields.get("RoleSessionName", "")
        if arn not in self._cloud.roles:
            raise Refusal(Reason.INVALID, "The role not exists", "EntityNotExist.Role")
        if who != self._cloud.roles[arn]:
            raise Refusal(Reason.DENIED, "You are not authorized to do this", denied)
        if not re.fullmatch(r"[\w.@-]{2,64}", name, re.ASCII):
            raise Refusal(Reason.INVALID, "RoleSessionName is malformed")
        life_s = int(fields.get("DurationSeconds", "3600"))
        role = arn.rpartition("/")[2]
        key = self._cloud.gate.temporary(ACCOUNT, role, name, now + life_s)
        return _json({"Credentials": key_document(key), "RequestId": str(uuid4())})


class Metadata(Service):
    """The metadata service of ECS: a token by PUT, and a RAM role's keys by GET.

    It also serves the keys of a credentials URI. With `insists`, a token is required,
    as in ECS's hardened mode.
    """

    name = "alibaba-ecs"
    near = True
    below = "/alibaba"
    roles = "/latest/meta-data/ram/security-credentials/"
    uri = "/uri/credentials"

    def __init__(self, cloud: Alibaba) -> None:
        self._cloud = cloud
        self._tokens: dict[str, float] = {}

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == "100.100.100.200"

    def recognises(self, request: Request) -> bool:
        """See Service: on the loopback interface its paths begin with `below`."""
        return request.path.startswith(f"{self.below}/") or self.has_host(request.host)

    def operation(self, request: Request) -> str:
        """See Service."""
        path = request.path.removeprefix(self.below)
        known = {"/latest/api/token": "token", self.roles: "role", self.uri: "uri"}
        role = "credentials" if path.startswith(self.roles) else "unknown"
        return known.get(path, role)

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        operation = self.operation(request)
        if operation == "token" and request.method == "PUT":
            return self._token(request, now)
        if request.method != "GET":
            raise Refusal(Reason.DENIED, "only GET is served here")
        if operation == "uri":
            key = self._cloud.machine_key("sidecar", now)
            return _json({"Code": "Success", **key_document(key)})
        shown = request.header("x-aliyun-ecs-metadata-token")
        if (shown or self._cloud.insists) and now >= self._tokens.get(shown, 0):
            raise Refusal(Reason.UNSIGNED, "Forbidden")
        role = self._cloud.role
        if operation == "role" and role:
            return Response(200, role.encode(), {"Content-Type": "text/plain"})
        if role and request.path.removeprefix(self.below) == self.roles + role:
            key = self._cloud.machine_key(role, now)
            return _json({"Code": "Success", **key_document(key)})
        raise Refusal(Reason.UNKNOWN_OPERATION, "404 - Not Found")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        plain = {
            Reason.UNSIGNED: 403,
            Reason.DENIED: 405,
            Reason.UNKNOWN_OPERATION: 404,
        }
        status = plain.get(refusal.reason) or ERRORS[refusal.reason][0]
        return Response(
            status, refusal.message.encode(), {"Content-Type": "text/plain"}
        )

    def _token(self, request: Request, now: float) -> Response:
        ttl = request.header("x-aliyun-ecs-metadata-token-ttl-seconds")
        if not ttl.isdecimal() or not 1 <= int(ttl) <= 21600:  # noqa: PLR2004 - 6 h
            raise Refusal(Reason.INVALID, "the token's seconds are not from 1 to 21600")
        token = secrets.token_urlsafe(40)
        self._tokens[token] = now + int(ttl)
        return Response(200, token.encode(), {"Content-Type": "text/plain"})


def key_document(key: Key) -> dict[str, str]:
    """Return a temporary key in the format of STS and the metadata service."""
    ends = time.gmtime(key.expires_at or 0)
    return {
        "AccessKeyId": key.access_key_id,
        "AccessKeySecret": key.secret,
        "SecurityToken": key.token,
        "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", ends),
    }


def _field(request: Request, name: str) -> str:
    """Return a field from a header, the query or the form; APIs accept all three."""
    header = request.header(f"x-acs-{name.lower()}")
    return header or request.parameters.get(name) or request.form.get(name, "")


def _succeeded(fields: dict[str, Any]) -> Response:
    return _json({"IsSuccess": True, "Code": "success", **fields})


def _json(document: dict[str, Any], status: int = 200) -> Response:
    head = {"Content-Type": "application/json;charset=utf-8"}
    return Response(status, json.dumps(document).encode(), head)
