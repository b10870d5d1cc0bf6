"""Google's Security Token Service: exchange other issuers' tokens for Google's."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dockcred.testing.sandbox.aws import sigv4
from dockcred.testing.sandbox.google import wire
from dockcred.testing.sandbox.google.oauth import CLIENT_ID, CLIENT_SECRET
from dockcred.testing.sandbox.google.principals import PROJECT_NUMBER, SCOPE
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.google import Google

POOL = (
    f"iam.googleapis.com/projects/{PROJECT_NUMBER}/locations/global/"
    "workloadIdentityPools/sandbox"
)
PROVIDERS = {kind: f"//{POOL}/providers/{kind}" for kind in ("oidc", "aws")}
OPERATIONS = {"/v1/token": "token-exchange", "/v1/oauthtoken": "oauthtoken"}
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
AWS4 = "urn:ietf:params:aws:token-type:aws4_request"


def principal(subject: str) -> str:
    """Return IAM's name of a federated identity."""
    return f"principal://{POOL}/subject/{subject}"


class Sts(Service):
    """sts.googleapis.com/v1/token."""

    name = "google-sts"

    def __init__(self, google: Google) -> None:
        self._google = google

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host in {"sts.googleapis.com", f"sts.{self._google.universe}"}

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path in OPERATIONS

    def operation(self, request: Request) -> str:
        """See Service."""
        return OPERATIONS.get(request.path, "unknown")

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        form = request.form
        if request.path == "/v1/oauthtoken":
            return self._refresh(request, now)
        if request.method != "POST" or form.get("grant_type") != GRANT:
            raise Refusal(Reason.UNKNOWN_OPERATION, f"grant_type is {GRANT}")
        if form.get("requested_token_type") != ACCESS_TOKEN:
            raise Refusal(Reason.INVALID, f"requested_token_type is {ACCESS_TOKEN}")
        scopes = form.get("scope", "").split()
        if not scopes or not all(scope.startswith(SCOPE) for scope in scopes):
            raise Refusal(Reason.UNSIGNED, "the scope is missing or unknown")
        subject = self._subject(form, now)
        full = frozenset(scope.removeprefix(SCOPE) for scope in scopes)
        life = self._google.life_s
        token = self._google.principals.token(principal(subject), full, now + life)
        document: dict[str, object] = {
            "access_token": token,
            "issued_token_type": ACCESS_TOKEN,
            "token_type": "Bearer",
        }
        if self._google.tells_expiry:
            document["expires_in"] = int(life)
        return wire.answer(document)

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.oauth_error(refusal)

    def _refresh(self, request: Request, now: float) -> Response:
        """Serve a user of another organisation who logged in by a workforce pool."""
        form = request.form
        if form.get("grant_type") != "refresh_token":
            raise Refusal(Reason.UNKNOWN_OPERATION, "grant_type is refresh_token")
        client = b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.header("authorization") != f"Basic {client}":
            raise Refusal(Reason.UNKNOWN_KEY, "The OAuth client was not found.")
        user = self._google.principals.refresh_tokens.get(form.get("refresh_token", ""))
        if user is None:
            raise Refusal(Reason.EXPIRED, "Token has been expired or revoked.")
        life = self._google.life_s
        scopes = frozenset({"cloud-platform"})
        token = self._google.principals.token(user, scopes, now + life)
        return wire.answer(
            {"access_token": token, "expires_in": int(life), "token_type": "Bearer"}
        )

    def _subject(self, form: dict[str, str], now: float) -> str:
        kind, token = form.get("subject_token_type"), form.get("subject_token", "")
        if kind == JWT and form.get("audience") == PROVIDERS["oidc"]:
            audience = f"https:{PROVIDERS['oidc']}"
            claims = self._google.issuer.verify(token, audience=audience, now=now)
            return str(claims["sub"])
        if kind == AWS4 and form.get("audience") == PROVIDERS["aws"]:
            return self._aws_caller(token, now)
        raise Refusal(
            Reason.INVALID,
            "The target service indicated by the audience parameter is invalid.",
        )

    def _aws_caller(self, token: str, now: float) -> str:
        """Verify a signed GetCallerIdentity, and return the ARN of its caller."""
        try:
            fields = json.loads(unquote(token))
            url = urlsplit(fields["url"])
            headers = {h["key"].lower(): h["value"] for h in fields["headers"]}
        except (ValueError, LookupError, TypeError) as error:
            raise Refusal(Reason.MALFORMED, "the AWS request is malformed") from error
        if headers.get("x-goog-cloud-target-resource") != PROVIDERS["aws"]:
            raise Refusal(Reason.BAD_IDENTITY_TOKEN, "signed for another provider")
        request = Request(
            method=fields.get("method", ""),
            scheme=url.scheme,
            host=url.hostname or "",
            path=url.path or "/",
            query=url.query,
            headers=tuple(headers.items()),
            body=b"",
        )
        region = (url.hostname or "").split(".")[1]
        call = sigv4.authenticate(
            request, self._google.aws.keys, service="sts", region=region, now=now
        )
        return call.key.principal.arn
