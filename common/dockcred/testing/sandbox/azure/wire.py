"""The responses of Azure's services, and the form of their errors."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from dockcred.testing.sandbox.messages import Response
from dockcred.testing.sandbox.service import Reason, Refusal

RETRY_AFTER_S = 1

# Entra writes the code at the start of its description. These are for ordered failures.
ENTRA_ERRORS = {
    Reason.DENIED: (400, "invalid_grant", 53003),
    Reason.THROTTLED: (429, "temporarily_unavailable", 90024),
    Reason.BROKEN: (503, "temporarily_unavailable", 90033),
    Reason.EXPIRED: (400, "invalid_grant", 700082),
    Reason.INVALID: (400, "invalid_request", 900144),
    Reason.BAD_IDENTITY_TOKEN: (401, "invalid_client", 700027),
    Reason.UNKNOWN_OPERATION: (404, "invalid_request", 90024),
}
REGISTRY_ERRORS = {
    Reason.DENIED: (403, "DENIED"),
    Reason.THROTTLED: (429, "TOOMANYREQUESTS"),
    Reason.BROKEN: (500, "UNKNOWN"),
    Reason.UNKNOWN_OPERATION: (404, "NOT_FOUND"),
    Reason.INVALID: (400, "INVALID_REQUEST"),
}
MACHINE_ERRORS = {
    Reason.DENIED: (403, "forbidden"),
    Reason.THROTTLED: (429, "too_many_requests"),
    Reason.BROKEN: (500, "unknown"),
    Reason.UNSIGNED: (401, "unauthorized_client"),
    Reason.UNKNOWN_OPERATION: (404, "not_found"),
}


class EntraRefusal(Refusal):
    """A refusal with Entra's own code and error class."""

    def __init__(self, code: int, message: str, error: str = "invalid_client") -> None:
        super().__init__(Reason.INVALID, message)
        self.code = code
        self.error = error


def answer(
    document: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return a response with a JSON document."""
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Response(status, json.dumps(document).encode(), kind | (headers or {}))


def entra_error(refusal: Refusal) -> Response:
    """Return the response for a refusal, as Entra's token endpoint does."""
    if isinstance(refusal, EntraRefusal):
        status, error, code = 400, refusal.error, refusal.code
        status = 401 if error == "invalid_client" else status
    else:
        status, error, code = ENTRA_ERRORS.get(
            refusal.reason, (400, "invalid_request", 900144)
        )
    trace = f"Trace ID: {uuid4()} Correlation ID: {uuid4()}"
    document = {
        "error": error,
        "error_description": f"AADSTS{code}: {refusal.message}. {trace}",
        "error_codes": [code],
    }
    return answer(document, status, _headers(refusal))


def registry_error(refusal: Refusal) -> Response:
    """Return the response for a refusal, as a registry does."""
    status, code = REGISTRY_ERRORS.get(refusal.reason, (401, "UNAUTHORIZED"))
    message = refusal.message
    if refusal.reason is Reason.DENIED:
        message = (
            "client with IP '203.0.113.7' is not allowed access. Refer to the docs"
        )
    document = {"errors": [{"code": code, "message": message}]}
    correlation = {"X-Ms-Correlation-Request-Id": str(uuid4())}
    return answer(document, status, correlation | _headers(refusal))


def machine_error(refusal: Refusal) -> Response:
    """Return the response for a refusal, as the instance metadata service does."""
    status, error = MACHINE_ERRORS.get(refusal.reason, (400, "invalid_request"))
    if refusal.message.startswith("AADSTS"):
        error = "invalid_resource"
    document = {"error": error, "error_description": refusal.message}
    return answer(document, status, _headers(refusal))


def _headers(refusal: Refusal) -> dict[str, str]:
    throttled = refusal.reason is Reason.THROTTLED
    return {"Retry-After": str(RETRY_AFTER_S)} if throttled else {}
