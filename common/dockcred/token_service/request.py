"""One request for a token, as clients send it.

By GET, with a query and Basic credentials or none (docs/spec/auth/token.md); by POST,
with a form (docs/spec/auth/oauth.md), which podman sends in chunks without a length.
A field that must stand once and stands twice is refused: another reader in between
might take the other one.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

from dockcred.token_service import scope
from dockcred.token_service.refusal import Refusal

MAX_HEAD_BYTES = 32 * 1024
MAX_BODY_BYTES = 32 * 1024
BODY_S = 10.0
MAX_FIELDS = 2 * scope.MAX_SCOPES
_FORM = "application/x-www-form-urlencoded"

Fields = dict[str, list[str]]


@dataclass(frozen=True)
class TokenRequest:
    """What is asked for, and what the caller shows: nothing, if `secret` is None."""

    service: str
    asked: tuple[scope.Access, ...]
    username: str = ""
    secret: str | None = field(default=None, repr=False)


async def read(request: Request) -> TokenRequest:
    """Read a request; raise Refusal for one that is not as it must be."""
    head = sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
    if head + len(request.scope["query_string"]) > MAX_HEAD_BYTES:
        # h11 bounds a head that comes in pieces only.
        raise Refusal(431, "invalid_request", "the request's head is too long")
    if {"content-length", "transfer-encoding"} <= set(request.headers.keys()):
        # Two lengths (RFC 9112, 6.1): a proxy may have believed the other one.
        raise Refusal.bad_request("the request says its length in two ways")
    if request.method == "POST":
        return _from_form(_fields(await _body(request)))
    fields = _fields(request.scope["query_string"])
    username, secret = _basic(request.headers.getlist("authorization"))
    return TokenRequest(
        _one(fields, "service"),
        scope.parse(fields.get("scope", ())),
        username,
        secret,
    )


def _from_form(fields: Fields) -> TokenRequest:
    grant = _one(fields, "grant_type")
    if grant == "password":
        username, secret = _one(fields, "username"), _one(fields, "password")
    elif grant == "refresh_token":
        username, secret = "", _one(fields, "refresh_token")
    else:
        raise Refusal.bad_request(
            "grant_type is neither password nor refresh_token", "unsupported_grant_type"
        )
    return TokenRequest(
        _one(fields, "service"), scope.parse(fields.get("scope", ())), username, secret
    )


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise Refusal(415, "invalid_request", f"the body must be {_FORM}")
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise Refusal(413, "invalid_request", "the body is too long")
    except TimeoutError:
        raise Refusal(408, "invalid_request", "the body came too slowly") from None
    except ClientDisconnect:
        raise Refusal.bad_request("the body ended half-way") from None
    return bytes(body)


def _fields(text: bytes) -> Fields:
    try:
        return parse_qs(
            text.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise Refusal.bad_request("the fields are too many or not UTF-8") from None


def _one(fields: Fields, name: str) -> str:
    values = fields.get(name, [""])
    if len(values) > 1:
        raise Refusal.bad_request(f"{name} stands more than once")
    return values[0]


def _basic(headers: list[str]) -> tuple[str, str | None]:
    """Read Basic credentials (RFC 7617); no header at all is nobody."""
    if not headers:
        return "", None
    if len(headers) > 1:
        raise Refusal.bad_request("Authorization stands more than once")
    scheme, _, coded = headers[0].partition(" ")
    if scheme.lower() != "basic":
        raise Refusal.unauthorized("credentials must be Basic")
    try:
        text = base64.b64decode(coded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refusal.bad_request("the Basic credentials are not base64") from None
    username, _, secret = text.partition(":")
    return username, secret
