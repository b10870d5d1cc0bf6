"""GitHub's API for credentials: an App's tokens, and a token's permissions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.github import GitHub

INSTALLATION = re.compile(r"/app/installations/(\d+)/access_tokens")
MAX_LIFE_S = 600
SKEW_S = 60
LEVELS = ("read", "write")
_STATUS = {
    Reason.UNSIGNED: 401,
    Reason.BAD_SIGNATURE: 401,
    Reason.MALFORMED: 401,
    Reason.EXPIRED: 401,
    Reason.EXPIRED_IDENTITY_TOKEN: 401,
    Reason.UNKNOWN_KEY: 401,
    Reason.DENIED: 403,
    Reason.UNKNOWN_OPERATION: 404,
    Reason.INVALID: 422,
    Reason.THROTTLED: 429,
    Reason.BROKEN: 502,
}


class Api(Service):
    """api.github.com."""

    name = "github"

    def __init__(self, github: GitHub) -> None:
        self._github = github

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == "api.github.com"

    def recognises(self, request: Request) -> bool:
        """See Service."""
        path = request.path
        return (
            path in {"/rate_limit", "/user"} or INSTALLATION.fullmatch(path) is not None
        )

    def operation(self, request: Request) -> str:
        """See Service."""
        return (
            request.path.rpartition("/")[2] if self.recognises(request) else "unknown"
        )

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if not request.header("user-agent"):
            raise Refusal(
                Reason.DENIED, "Request forbidden: it has no User-Agent header"
            )
        found = INSTALLATION.fullmatch(request.path)
        if found and request.method == "POST":
            return self._installation_token(request, found[1], now)
        if request.method == "GET" and request.path in {"/rate_limit", "/user"}:
            return self._about(request, now)
        raise Refusal(Reason.UNKNOWN_OPERATION, "Not Found")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        status = _STATUS.get(refusal.reason, 400)
        return _json(status, {"message": refusal.message, "status": str(status)})

    def _about(self, request: Request, now: float) -> Response:
        token = self._github.tokens.find(_bearer(request), now)
        if token is None:
            raise Refusal(Reason.UNSIGNED, "Bad credentials")
        if token.scopes is None:
            if request.path == "/user":
                raise Refusal(Reason.DENIED, "Resource not accessible by integration")
            return _json(200, {"rate": {}})
        scopes = {"X-OAuth-Scopes": ", ".join(sorted(token.scopes))}
        body = {"login": token.login} if request.path == "/user" else {}
        return _json(200, body, scopes)

    def _installation_token(
        self, request: Request, installation: str, now: float
    ) -> Response:
        self._verify(_bearer(request), now)
        if installation != self._github.installation:
            raise Refusal(Reason.UNKNOWN_OPERATION, "Not Found")
        level = _level(request.body)
        granted = self._github.app_packages
        if level and (
            granted not in LEVELS or LEVELS.index(level) > LEVELS.index(granted)
        ):
            raise Refusal(
                Reason.INVALID,
                "The permissions requested are not granted to this installation.",
            )
        level = level or granted
        ends = int(now + self._github.life_s)
        token = self._github.tokens.installation(self._github.app, level, ends)
        body = {
            "token": token,
            "expires_at": self._github.timestamp(ends),
            "permissions": {"packages": level} if level else {},
            "repository_selection": "all",
        }
        return _json(201, body)

    def _verify(self, assertion: str, now: float) -> None:
        """Check an App's assertion as GitHub does, or raise Refusal."""
        from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

        if not assertion:
            raise Refusal(Reason.UNSIGNED, "A JSON web token could not be decoded")
        claims = rs256.claims(assertion)
        if str(claims.get("iss")) != self._github.app:
            raise Refusal(Reason.UNKNOWN_KEY, "Integration not found")
        rs256.verify(assertion, self._github.app_key.public_key())
        issued, ends = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int) or issued > now:
            raise Refusal(
                Reason.EXPIRED, "'Issued at' claim ('iat') must be in the past"
            )
        if not isinstance(ends, int) or ends <= now:
            raise Refusal(
                Reason.EXPIRED, "'Expiration time' claim ('exp') must be in the future"
            )
        if ends > now + MAX_LIFE_S + SKEW_S:
            raise Refusal(
                Reason.EXPIRED,
                "'Expiration time' claim ('exp') is too far in the future",
            )


def _level(body: bytes) -> str:
    try:
        level = json.loads(body or b"{}").get("permissions", {}).get("packages", "")
    except (ValueError, AttributeError) as error:
        raise Refusal(Reason.INVALID, "Problems parsing JSON") from error
    if level and level not in LEVELS:
        raise Refusal(Reason.INVALID, "packages is read or write")
    return str(level)


def _bearer(request: Request) -> str:
    scheme, _, token = request.header("authorization").partition(" ")
    return token if scheme.lower() in {"bearer", "token"} else ""


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    kind["X-GitHub-Request-Id"] = "SAND:BOX"  # clients recognise GitHub by this header
    return Response(status, json.dumps(body).encode(), kind | (headers or {}))
