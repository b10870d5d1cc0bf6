"""JFrog and Cloudsmith: exchanges that take JSON, and have their own errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.ci.exchanges import GRANT, ID_TOKEN, LIFE_S, Exchange
from dockcred.testing.sandbox.ci.issuer import document
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal

if TYPE_CHECKING:
    from dockcred.testing.sandbox.ci import CI


class JFrog(Exchange):
    """A platform in JFrog's cloud, and a self-hosted one with a separate registry.

    `provider` is its OIDC integration. `mappings` are the users of its identity
    mappings. `tells_user` says whether the answer also has the user.
    """

    name = "jfrog"
    path = "/access/api/v1/oidc/token"
    host = "acme.jfrog.io"
    own_host = "artifactory.example.com"
    hosts = frozenset(
        {"acme.jfrog.io", "artifactory.example.com", "docker.example.com"}
    )
    provider = "github-oidc"
    mappings = ("ci-builder", "ci-reader")
    project = "team"
    tells_user = True

    def __init__(self, ci: CI) -> None:
        super().__init__(ci, self.provider, "jfrog-github")

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host in {self.host, self.own_host}

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == self.path and self.has_host(request.host)

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        asked = _fields(request)
        if asked.get("grant_type") != GRANT:
            raise Refusal(Reason.INVALID, "Unsupported grant type")
        if asked.get("subject_token_type") != ID_TOKEN:
            raise Refusal(Reason.INVALID, "Unsupported subject token type")
        name = str(asked.get("provider_name", ""))
        trust = self.trusted.get(name)
        audience = asked.get("audience")
        if trust and audience not in {None, trust.audience}:
            raise Refusal(Reason.INVALID, "Invalid audience")
        user = str(asked.get("identity_mapping_name") or self.mappings[0])
        if user not in self.mappings:
            raise Refusal(Reason.DENIED, "No identity mapping matches the claims")
        if asked.get("project_key") not in {None, self.project}:
            raise Refusal(Reason.DENIED, "No identity mapping matches the claims")
        self.verify(name, str(asked.get("subject_token", "")), now)
        ends = now + LIFE_S
        subject = f"jfac@01h0nvs1pwjtzs15x7kbtv1sve/users/{user}"
        token = self.signed("*@*", ends, sub=subject)
        self.give(user, ends, token)
        fields: dict[str, object] = {
            "access_token": token,
            "expires_in": LIFE_S,
            "token_type": "Bearer",
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
        }
        return document(fields | ({"username": user} if self.tells_user else {}))

    def refuse(self, refusal: Refusal) -> Response:
        """Return a refusal as JFrog's Access does."""
        status, code = {
            Reason.THROTTLED: (429, "TOO_MANY_REQUESTS"),
            Reason.BROKEN: (500, "INTERNAL_SERVER_ERROR"),
            Reason.DENIED: (403, "FORBIDDEN"),
        }.get(refusal.reason, (400, "BAD_REQUEST"))
        return document(
            {"errors": [{"code": code, "message": refusal.message}]}, status
        )


class Cloudsmith(Exchange):
    """api.cloudsmith.io: a service account, and an organisation's own domain."""

    name = "cloudsmith"
    path = "/openid/acme/"
    host = "api.cloudsmith.io"
    hosts = frozenset({"docker.cloudsmith.io", "docker.acme.example"})
    organisation = "acme"
    slug = "ci-x1y2"
    service = f"{organisation}/{slug}"

    def __init__(self, ci: CI) -> None:
        super().__init__(ci, self.slug, "cloudsmith")

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.host == self.host

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.path != self.path:
            raise Refusal(Reason.UNKNOWN_OPERATION, "Not found.")
        asked = _fields(request)
        slug, token = asked.get("service_slug"), asked.get("oidc_token")
        if not isinstance(slug, str) or not isinstance(token, str) or not slug:
            raise Refusal(Reason.INVALID, "Missing or invalid parameters.")
        self.verify(slug, token, now)
        ends = now + LIFE_S
        password = self.give("token", ends, self.signed(self.organisation, ends))
        return document({"token": password}, 201)

    def refuse(self, refusal: Refusal) -> Response:
        """Return a refusal as Cloudsmith's API does."""
        status = {
            Reason.THROTTLED: 429,
            Reason.BROKEN: 500,
            Reason.UNKNOWN_OPERATION: 404,
            Reason.INVALID: 422,
            Reason.UNKNOWN_KEY: 400,
        }.get(refusal.reason, 401)
        return document({"detail": refusal.message}, status)


def _fields(request: Request) -> dict[str, object]:
    """Return the object of a JSON body, or raise Refusal."""
    if request.method != "POST":
        raise Refusal(Reason.UNKNOWN_OPERATION, "POST is what is served here")
    if not request.header("content-type").startswith("application/json"):
        raise Refusal(Reason.INVALID, "JSON is what is read here")
    try:
        found = json.loads(request.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refusal(Reason.INVALID, "an object is wanted")
    return found
