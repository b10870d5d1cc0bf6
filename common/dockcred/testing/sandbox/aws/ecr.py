"""ECR and ECR public: GetAuthorizationToken."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, ClassVar

from dockcred.testing.sandbox.aws import sigv4, wire
from dockcred.testing.sandbox.aws.registry import registry_host
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Minted, Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.aws import Aws

REGION = r"([a-z]{2,4}(?:-[a-z]+)+-\d+)"
OPERATION = "GetAuthorizationToken"


class Ecr(Service):
    """Private registries: one authorization for each registry id in the request."""

    name = "ecr"
    target: ClassVar = "AmazonEC2ContainerRegistry_V20150921."
    # Plain, FIPS and dual-stack names of every partition.
    hosts: ClassVar = re.compile(
        rf"api\.ecr(?:-fips)?\.{REGION}\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu"
        r"|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov"
        r"|api\.amazonwebservices\.eu|api\.aws\.ic\.gov|api\.aws\.scloud"
        r"|api\.cloud-aws\.adc-e\.uk|api\.aws\.hci\.ic\.gov)"
        rf"|ecr-fips\.{REGION}\.amazonaws\.com"
        rf"|ecr(?:-fips)?\.{REGION}\.api\.(?:aws|amazonwebservices\.(?:com\.cn|eu)"
        r"|aws\.ic\.gov|aws\.scloud|cloud-aws\.adc-e\.uk|aws\.hci\.ic\.gov)"
    )

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    def has_host(self, host: str) -> bool:
        """See Service."""
        return self.hosts.fullmatch(host) is not None

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.header("x-amz-target").startswith(self.target)

    def operation(self, request: Request) -> str:
        """See Service."""
        return request.header("x-amz-target").removeprefix(self.target) or "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        body = _read(request, self.target)
        if self._aws.bucket and not self._aws.bucket.take():
            raise Refusal(Reason.THROTTLED, "Rate exceeded")
        caller = sigv4.authenticate(
            request,
            self._aws.keys,
            service=self.name,
            region=self._region(request.host),
            now=now,
        )
        return wire.json_answer(self._authorizations(caller, body, now))

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.json_error(refusal)

    def _region(self, host: str) -> str | None:
        found = self.hosts.fullmatch(host)
        return next(filter(None, found.groups()), None) if found else None

    def _authorizations(
        self, caller: sigv4.Caller, body: dict[str, Any], now: float
    ) -> dict[str, Any]:
        accounts = body.get("registryIds") or [caller.key.principal.account]
        if not isinstance(accounts, list) or not all(map(_is_account, accounts)):
            raise Refusal(Reason.INVALID, "registryIds is not a list of account ids")
        return {
            "authorizationData": [
                {
                    **self._mint(
                        caller, account, registry_host(account, caller.region), now
                    ),
                    "proxyEndpoint": f"https://{registry_host(account, caller.region)}",
                }
                for account in accounts
            ]
        }

    def _mint(
        self, caller: sigv4.Caller, account: str, host: str, now: float
    ) -> dict[str, Any]:
        expires_at = now + self._aws.expires_s
        principal, key_id = caller.key.principal.arn, caller.key.access_key_id
        password = self._aws.passwords.mint(
            Minted(
                self.name, caller.region, host, account, principal, key_id, expires_at
            )
        )
        token = base64.b64encode(f"AWS:{password}".encode()).decode()
        return {"authorizationToken": token, "expiresAt": round(expires_at, 3)}


class EcrPublic(Ecr):
    """The public registry: one host, one region, no registry ids."""

    name = "ecr-public"
    target = "SpencerFrontendService."
    hosts = re.compile(
        r"api\.ecr-public\.us-east-1\.amazonaws\.com|ecr-public\.us-east-1\.api\.aws"
    )

    def _region(self, host: str) -> str | None:  # noqa: ARG002 - one region for all
        return "us-east-1"

    def _authorizations(
        self, caller: sigv4.Caller, body: dict[str, Any], now: float
    ) -> dict[str, Any]:
        if body:
            raise Refusal(Reason.INVALID, "GetAuthorizationToken takes no parameters")
        account = caller.key.principal.account
        return {"authorizationData": self._mint(caller, account, "public.ecr.aws", now)}


def _is_account(text: Any) -> bool:
    return isinstance(text, str) and re.fullmatch(r"[0-9]{12}", text) is not None


def _read(request: Request, target: str) -> dict[str, Any]:
    """Return the body of a well-formed call, or raise Refusal."""
    if request.method != "POST" or request.path != "/":
        raise Refusal(Reason.UNKNOWN_OPERATION, "only POST / is served")
    if request.header("x-amz-target") != f"{target}{OPERATION}":
        raise Refusal(Reason.UNKNOWN_OPERATION, f"only {OPERATION} is served")
    if request.header("content-type") != wire.JSON_1_1:
        raise Refusal(Reason.UNKNOWN_OPERATION, f"Content-Type is not {wire.JSON_1_1}")
    return wire.read_object(request)
