"""The protocols of AWS services, and the form of their errors."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

from dockcred.testing.sandbox.aws.principals import AccessKey
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal

JSON_1_1 = "application/x-amz-json-1.1"
STS_NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"

JSON_ERRORS = {
    Reason.UNSIGNED: (400, "MissingAuthenticationTokenException"),
    Reason.MALFORMED: (400, "IncompleteSignatureException"),
    Reason.UNKNOWN_KEY: (400, "UnrecognizedClientException"),
    Reason.BAD_SIGNATURE: (400, "InvalidSignatureException"),
    Reason.EXPIRED: (400, "ExpiredTokenException"),
    Reason.DENIED: (400, "AccessDeniedException"),
    Reason.THROTTLED: (400, "ThrottlingException"),
    Reason.BROKEN: (500, "ServerException"),
    Reason.INVALID: (400, "InvalidParameterException"),
    Reason.UNKNOWN_OPERATION: (400, "UnknownOperationException"),
}
QUERY_ERRORS = {
    Reason.UNSIGNED: (403, "MissingAuthenticationToken"),
    Reason.MALFORMED: (400, "IncompleteSignature"),
    Reason.UNKNOWN_KEY: (403, "InvalidClientTokenId"),
    Reason.BAD_SIGNATURE: (403, "SignatureDoesNotMatch"),
    Reason.EXPIRED: (403, "ExpiredToken"),
    Reason.DENIED: (403, "AccessDenied"),
    Reason.THROTTLED: (400, "Throttling"),
    Reason.BROKEN: (500, "InternalFailure"),
    Reason.INVALID: (400, "ValidationError"),
    Reason.BAD_IDENTITY_TOKEN: (400, "InvalidIdentityToken"),
    Reason.EXPIRED_IDENTITY_TOKEN: (400, "ExpiredTokenException"),
    Reason.UNKNOWN_OPERATION: (400, "InvalidAction"),
}
REST_ERRORS = {
    Reason.UNSIGNED: (401, "UnauthorizedException"),
    Reason.EXPIRED: (401, "UnauthorizedException"),
    Reason.DENIED: (403, "ForbiddenException"),
    Reason.THROTTLED: (429, "TooManyRequestsException"),
    Reason.BROKEN: (500, "InternalServerException"),
    Reason.INVALID: (400, "InvalidRequestException"),
    Reason.UNKNOWN_OPERATION: (404, "ResourceNotFoundException"),
}
# The metadata and container services answer with plain HTTP statuses.
PLAIN_ERRORS = {
    Reason.UNSIGNED: 401,
    Reason.EXPIRED: 401,
    Reason.BAD_IDENTITY_TOKEN: 401,
    Reason.EXPIRED_IDENTITY_TOKEN: 401,
    Reason.DENIED: 403,
    Reason.UNKNOWN_OPERATION: 404,
    Reason.THROTTLED: 429,
    Reason.BROKEN: 500,
    Reason.INVALID: 400,
}


def rfc3339(epoch: float) -> str:
    """Format epoch seconds as AWS does: whole seconds, Z."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object in the request's body, or raise Refusal."""
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise Refusal(Reason.INVALID, "the body is not JSON") from error
    if not isinstance(body, dict):
        raise Refusal(Reason.INVALID, "the body is not a JSON object")
    return body


def json_answer(document: Any, content_type: str = JSON_1_1) -> Response:
    """Return a response with a JSON document."""
    return Response(200, json.dumps(document).encode(), _headers(content_type))


def json_error(refusal: Refusal) -> Response:
    """Return the response for a refusal in JSON 1.1, as ECR does."""
    status, code = JSON_ERRORS[refusal.reason]
    code = refusal.aws_code or code
    body = {"__type": code, "message": refusal.message}
    return Response(status, json.dumps(body).encode(), _headers(JSON_1_1))


def rest_error(refusal: Refusal) -> Response:
    """Return the response for a refusal in REST JSON, as the SSO portal does."""
    status, code = REST_ERRORS[refusal.reason]
    code = refusal.aws_code or code
    headers = _headers("application/json") | {"x-amzn-ErrorType": code}
    body = {"message": refusal.message, "__type": code}
    return Response(status, json.dumps(body).encode(), headers)


def plain_error(refusal: Refusal) -> Response:
    """Return the response for a refusal in text, as the metadata service does."""
    status = PLAIN_ERRORS[refusal.reason]
    return Response(status, refusal.message.encode(), {"Content-Type": "text/plain"})


def query_answer(action: str, result: dict[str, Any]) -> Response:
    """Return the XML response of an action of the query protocol."""
    root = ET.Element(f"{action}Response", xmlns=STS_NAMESPACE)
    _append(root, {f"{action}Result": result})
    _append(root, {"ResponseMetadata": {"RequestId": str(uuid4())}})
    return Response(200, ET.tostring(root), _headers("text/xml"))


def query_error(refusal: Refusal) -> Response:
    """Return the response for a refusal in XML, as STS does."""
    status, code = QUERY_ERRORS[refusal.reason]
    code = refusal.aws_code or code
    blame = "Sender" if status < 500 else "Receiver"  # noqa: PLR2004 - RFC 9110
    root = ET.Element("ErrorResponse", xmlns=STS_NAMESPACE)
    _append(root, {"Error": {"Type": blame, "Code": code, "Message": refusal.message}})
    _append(root, {"RequestId": str(uuid4())})
    return Response(status, ET.tostring(root), _headers("text/xml"))


def key_document(key: AccessKey) -> dict[str, str]:
    """Return a temporary key in the format of the metadata and container services."""
    return {
        "AccessKeyId": key.access_key_id,
        "SecretAccessKey": key.secret_access_key,
        "Token": key.session_token,
        "Expiration": rfc3339(key.expires_at or 0),
    }


def _append(parent: ET.Element, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        child = ET.SubElement(parent, name)
        if isinstance(value, dict):
            _append(child, value)
        else:
            child.text = str(value)


def _headers(content_type: str) -> dict[str, str]:
    return {"Content-Type": content_type, "x-amzn-RequestId": str(uuid4())}
