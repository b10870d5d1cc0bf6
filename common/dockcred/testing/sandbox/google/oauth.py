"""Google's OAuth token endpoint: signed assertions, and refresh tokens of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dockcred.testing.sandbox.google import wire
from dockcred.testing.sandbox.google.principals import SCOPE
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.google import Google

AUDIENCE = "https://oauth2.googleapis.com/token"
PATH = "/token"
LOOPBACK_PATH = "/google/token"  # AWS has a /token too
CLIENT_ID = "sandbox.apps.googleusercontent.com"
CLIENT_SECRET = "sandbox-client"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAX_LIFE_S = 3600
SKEW_S = 300


class OAuth(Service):
    """oauth2.googleapis.com/token."""

    name = "google-oauth"

    def __init__(self, google: Google) -> None:
        self._google = google

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == "oauth2.googleapis.com"

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == LOOPBACK_PATH

    def operation(self, request: Request) -> str:
        """See Service."""
        grant = request.form.get("grant_type", "unknown")
        return grant.rpartition(":")[2]

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.method != "POST" or request.path not in {PATH, LOOPBACK_PATH}:
            raise Refusal(Reason.INVALID, "POST a form to /token")
        form = request.form
        match form.get("grant_type"):
            case "refresh_token":
                return self._refresh(form, now)
            case grant if grant == JWT_BEARER:
                return self._assertion(form.get("assertion", ""), now)
        raise Refusal(Reason.UNKNOWN_OPERATION, "Invalid grant_type")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.oauth_error(refusal)

    def _refresh(self, form: dict[str, str], now: float) -> Response:
        client = (form.get("client_id"), form.get("client_secret"))
        if client != (CLIENT_ID, CLIENT_SECRET):
            raise Refusal(Reason.UNKNOWN_KEY, "The OAuth client was not found.")
        user = self._google.principals.refresh_tokens.get(form.get("refresh_token", ""))
        if user is None:
            raise Refusal(Reason.EXPIRED, "Token has been expired or revoked.")
        return self._token(user, frozenset({"cloud-platform"}), now)

    def _assertion(self, assertion: str, now: float) -> Response:
        from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

        claims = rs256.claims(assertion)
        keys = self._google.principals.keys.values()
        owned = [key for key in keys if key.account == claims.get("iss")]
        if not owned:
            raise Refusal(Reason.EXPIRED, "Invalid grant: account not found")
        _verify_any(assertion, [key.private.public_key() for key in owned])
        if claims.get("aud") != AUDIENCE:
            raise Refusal(Reason.BAD_IDENTITY_TOKEN, "Invalid JWT: wrong audience")
        issued, ends = claims.get("iat"), claims.get("exp")
        timely = (
            isinstance(issued, int)
            and isinstance(ends, int)
            and issued <= now + SKEW_S
            and now < ends <= issued + MAX_LIFE_S
        )
        if not timely:
            raise Refusal(
                Reason.EXPIRED_IDENTITY_TOKEN,
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
                "reasonable timeframe. Check your iat and exp values.",
            )
        if audience := claims.get("target_audience"):
            return self._id_token(str(claims["iss"]), str(audience), now)
        scopes = str(claims.get("scope", "")).split()
        if not scopes or not all(map(_is_scope, scopes)):
            raise Refusal(Reason.UNSIGNED, "Invalid OAuth scope or ID token audience.")
        full = frozenset(scope.removeprefix(SCOPE) for scope in scopes)
        return self._token(str(claims["iss"]), full, now)

    def _id_token(self, account: str, audience: str, now: float) -> Response:
        """Return an ID token, which gcloud requests besides the access token."""
        token = self._google.issuer.issue(
            subject=account, audience=audience, issued_at=now, lifetime_s=MAX_LIFE_S
        )
        return wire.answer({"id_token": token})

    def _token(self, principal: str, scopes: frozenset[str], now: float) -> Response:
        life = self._google.life_s
        token = self._google.principals.token(principal, scopes, now + life)
        return wire.answer(
            {"access_token": token, "expires_in": int(life), "token_type": "Bearer"}
        )


def _is_scope(text: str) -> bool:
    return text.startswith(SCOPE) or text in {"openid", "email", "profile"}


def _verify_any(assertion: str, keys: list[object]) -> None:
    from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

    last: Refusal | None = None
    for key in keys:
        try:
            rs256.verify(assertion, key)  # type: ignore[arg-type]
        except Refusal as refusal:
            last = refusal
        else:
            return
    raise last or Refusal(Reason.BAD_SIGNATURE, "Invalid JWT Signature.")
