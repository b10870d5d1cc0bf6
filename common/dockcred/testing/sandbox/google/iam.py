"""The IAM Credentials API: tokens of service accounts for permitted callers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.google import wire
from dockcred.testing.sandbox.google.principals import SCOPE
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.google import Google

PATH = re.compile(r"/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken")
LIFETIME = re.compile(r"([1-9][0-9]{0,3})s")
MAX_LIFE_S = 3600


class IamCredentials(Service):
    """iamcredentials.googleapis.com."""

    name = "iamcredentials"

    def __init__(self, google: Google) -> None:
        self._google = google

    def has_host(self, host: str) -> bool:
        """See Service."""
        own = f"iamcredentials.{self._google.universe}"
        return host in {"iamcredentials.googleapis.com", own}

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return PATH.fullmatch(request.path) is not None

    def operation(self, request: Request) -> str:
        """See Service."""
        return "generateAccessToken" if self.recognises(request) else "unknown"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        found = PATH.fullmatch(request.path)
        if found is None or request.method != "POST":
            raise Refusal(Reason.UNKNOWN_OPERATION, "Method not found.")
        self._authorize(request, found[1], now)
        scopes, life = _wanted(request.body)
        life = min(life, self._google.life_s)
        token = self._google.principals.token(found[1], scopes, now + life)
        return wire.answer(
            {"accessToken": token, "expireTime": wire.rfc3339(now + life)}
        )

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.api_error(refusal)

    def _authorize(self, request: Request, account: str, now: float) -> None:
        scheme, _, token = request.header("authorization").partition(" ")
        held = self._google.principals.find(token)
        if scheme != "Bearer" or held is None or now >= held.expires_at:
            raise Refusal(Reason.UNSIGNED, "Invalid authentication credentials.")
        if held.scopes.isdisjoint({"cloud-platform", "iam"}):
            raise Refusal(Reason.DENIED, "insufficient authentication scopes.")
        if held.principal not in self._google.principals.grants.get(account, ()):
            raise Refusal(
                Reason.DENIED,
                "Permission 'iam.serviceAccounts.getAccessToken' denied on resource "
                "(or it may not exist).",
            )


def _wanted(body: bytes) -> tuple[frozenset[str], float]:
    """Return the request's scopes and lifetime in seconds, or raise Refusal."""
    try:
        fields = json.loads(body)
        scopes = [str(scope) for scope in fields["scope"]]
        life = LIFETIME.fullmatch(fields.get("lifetime", "3600s"))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Refusal(Reason.INVALID, "the request is malformed") from error
    if not scopes or not all(scope.startswith(SCOPE) for scope in scopes):
        raise Refusal(Reason.INVALID, "a scope is missing or unknown")
    if life is None or int(life[1]) > MAX_LIFE_S:
        raise Refusal(Reason.INVALID, "lifetime is over 3600s")
    return frozenset(scope.removeprefix(SCOPE) for scope in scopes), float(life[1])
