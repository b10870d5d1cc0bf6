"""The credential endpoints of ECS tasks and of EKS pod identity."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.aws import wire
from dockcred.testing.sandbox.aws.principals import ACCOUNT, Role
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.aws import Aws

AUDIENCE = "pods.eks.amazonaws.com"
POD_PATH = "/v1/credentials"


class Container(Service):
    """Credentials for an ECS task that knows its URI, or a pod that sends its token."""

    name = "container"
    near = True

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        # The URI alone identifies an ECS task; only the task knows it.
        self.task_path = f"/v2/credentials/{secrets.token_hex(16)}"

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host in ("169.254.170.2", "169.254.170.23", "fd00:ec2::23")

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path.startswith(("/v1/credentials", "/v2/credentials"))

    def operation(self, request: Request) -> str:
        """See Service."""
        return "credentials" if self.recognises(request) else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.method != "GET":
            raise Refusal(Reason.DENIED, "only GET is served here")
        if hmac.compare_digest(request.path.encode(), self.task_path.encode()):
            role, session = "container-relative", "task"
        elif request.path == POD_PATH:
            role, session = self._pod(request, now)
        else:
            raise Refusal(Reason.INVALID, "no credentials under this URI")
        owner = Role(ACCOUNT, role)
        key = self._aws.machine_keys.current(owner, session, now)
        document = wire.key_document(key)
        if session == "task":
            # ECS names the role of the keys, EKS does not.
            document["RoleArn"] = owner.arn
        return wire.json_answer(document, "application/json")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.plain_error(refusal)

    def _pod(self, request: Request, now: float) -> tuple[str, str]:
        token = request.header("authorization")
        if not token:
            raise Refusal(Reason.UNSIGNED, "Authorization is missing")
        claims = self._aws.issuer.verify(token, audience=AUDIENCE, now=now)
        return claims["sub"].rpartition(":")[2], "pod"
