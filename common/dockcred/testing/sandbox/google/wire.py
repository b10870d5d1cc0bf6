"""The responses of Google's services, and the form of their errors."""

from __future__ import annotations

import json
import time
from typing import Any

from dockcred.testing.sandbox.messages import Response
from dockcred.testing.sandbox.service import Reason, Refusal

_JSON = {"Content-Type": "application/json; charset=UTF-8"}
_OAUTH = {
    Reason.UNKNOWN_KEY: (401, "invalid_client"),
    Reason.DENIED: (403, "access_denied"),
    Reason.THROTTLED: (429, "rate_limit_exceeded"),
    Reason.BROKEN: (500, "internal_failure"),
    Reason.INVALID: (400, "invalid_request"),
    Reason.MALFORMED: (400, "invalid_request"),
    Reason.UNSIGNED: (400, "invalid_scope"),
    Reason.UNKNOWN_OPERATION: (400, "unsupported_grant_type"),
}
_API = {
    Reason.UNSIGNED: (401, "UNAUTHENTICATED"),
    Reason.EXPIRED: (401, "UNAUTHENTICATED"),
    Reason.DENIED: (403, "PERMISSION_DENIED"),
    Reason.INVALID: (400, "INVALID_ARGUMENT"),
    Reason.MALFORMED: (400, "INVALID_ARGUMENT"),
    Reason.THROTTLED: (429, "RESOURCE_EXHAUSTED"),
    Reason.BROKEN: (500, "INTERNAL"),
    Reason.UNKNOWN_OPERATION: (404, "NOT_FOUND"),
}
_PLAIN = {
    Reason.DENIED: 403,
    Reason.UNSIGNED: 403,
    Reason.THROTTLED: 429,
    Reason.BROKEN: 503,
    Reason.UNKNOWN_OPERATION: 404,
}


def answer(document: Any, headers: dict[str, str] | None = None) -> Response:
    """Return a response with a JSON document."""
    return Response(200, json.dumps(document).encode(), _JSON | (headers or {}))


def oauth_error(refusal: Refusal) -> Response:
    """Return a refusal as RFC 6749, 5.2 defines it; other reasons are invalid_grant."""
    status, code = _OAUTH.get(refusal.reason, (400, "invalid_grant"))
    body = {"error": code, "error_description": refusal.message}
    return Response(status, json.dumps(body).encode(), _JSON)


def api_error(refusal: Refusal) -> Response:
    """Return a refusal as Google's APIs do (google.rpc.Status)."""
    status, code = _API.get(refusal.reason, (400, "INVALID_ARGUMENT"))
    body = {"error": {"code": status, "message": refusal.message, "status": code}}
    return Response(status, json.dumps(body).encode(), _JSON)


def plain_error(refusal: Refusal, headers: dict[str, str]) -> Response:
    """Return a refusal in text, as the metadata server does."""
    status = _PLAIN.get(refusal.reason, 400)
    return Response(status, refusal.message.encode(), headers)


def rfc3339(epoch: float) -> str:
    """Format epoch seconds as Google does: whole seconds, Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))
