"""A client's request to the token service, and the answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, Self
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request


class Refusal(Exception):  # noqa: N818 - the protocol's word; it is no failure of ours
    """An HTTP status, an OAuth error code (RFC 6749, 5.2), and a public reason.

    The reason must hold no secret, and no more than the caller's own token says. `told`
    is for the log. `retry_after_s` is the seconds after which to retry; 0 means no
    retry.
    """

    def __init__(
        self,
        status: int,
        code: str,
        reason: str,
        told: str = "",
        retry_after_s: int = 0,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.told = told

    @classmethod
    def bad_request(cls, reason: str, code: str = "invalid_request") -> Self:
        """Return the refusal of a malformed request."""
        return cls(400, code, reason)

    @classmethod
    def unauthorized(cls, reason: str, told: str = "") -> Self:
        """Return the refusal of a caller whose identity is not accepted."""
        return cls(401, "invalid_grant", reason, told)

    @classmethod
    def unavailable(cls, reason: str, retry_after_s: int, told: str = "") -> Self:
        """Return a temporary refusal: another service does not answer us now."""
        return cls(503, "temporarily_unavailable", reason, told, retry_after_s)


MAX_SCOPES = 64
MAX_CHARACTERS = 512
REPOSITORY = "repository"
CATALOG = ("registry", "catalog")
EVERY_ACTION = "*"

_TYPE = re.compile(r"([a-z0-9]+)(?:\(([a-z0-9]+)\))?")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_NAME = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{{1,5}})?/)?{_COMPONENT}(?:/{_COMPONENT})*"
)
_ACTION = re.compile(r"[a-z]+|\*")


@dataclass(frozen=True)
class Access:
    """Actions on one resource, requested or granted.

    `sort` is the class of a repository's content, such as `plugin`. docker names it for
    its plugins. A registry uses it to decide who may push content of that class.
    """

    type: str
    name: str
    actions: frozenset[str]
    sort: str = ""

    def __str__(self) -> str:
        """Return it as a scope."""
        kind = f"{self.type}({self.sort})" if self.sort else self.type
        return f"{kind}:{self.name}:{','.join(sorted(self.actions))}"

    def claim(self) -> dict[str, object]:
        """Return it as an entry of a token's `access` claim."""
        sort = {"class": self.sort} if self.sort else {}
        actions = sorted(self.actions)
        return {"type": self.type, **sort, "name": self.name, "actions": actions}


def parse(values: Iterable[str]) -> tuple[Access, ...]:
    """Parse scopes; each value is one scope, or several with spaces between them.

    Scopes of the same resource are merged. Raises Refusal for a malformed scope.
    """
    asked: dict[tuple[str, str, str], frozenset[str]] = {}
    for count, text in enumerate(
        (word for value in values for word in value.split(" ") if word), start=1
    ):
        if count > MAX_SCOPES or len(text) > MAX_CHARACTERS:
            raise Refusal.bad_request("the scopes are too many or too long")
        access = _parse(text)
        resource = (access.type, access.name, access.sort)
        asked[resource] = asked.get(resource, frozenset()) | access.actions
    return tuple(
        Access(kind, name, actions, sort)
        for (kind, name, sort), actions in asked.items()
    )


def _parse(text: str) -> Access:
    kind, _, rest = text.partition(":")
    name, colon, listed = rest.rpartition(":")
    actions = frozenset(filter(None, listed.split(",")))
    of_type = _TYPE.fullmatch(kind)
    if (
        not colon
        or not of_type
        or not _NAME.fullmatch(name)
        or not all(map(_ACTION.fullmatch, actions))
    ):
        raise Refusal.bad_request("a scope is malformed")
    return Access(of_type[1], name, actions, of_type[2] or "")


MAX_HEAD_BYTES = 32 * 1024
MAX_BODY_BYTES = 32 * 1024
BODY_S = 10.0
MAX_FIELDS = 2 * MAX_SCOPES
_FORM = "application/x-www-form-urlencoded"

Fields = dict[str, list[str]]


@dataclass(frozen=True)
class TokenRequest:
    """The requested access, and the caller's credentials; no `secret` is anonymous."""

    service: str
    asked: tuple[Access, ...]
    username: str = ""
    secret: str | None = field(default=None, repr=False)


async def read(request: Request) -> TokenRequest:
    """Parse a request; raise Refusal if it is malformed."""
    head = sum(len(name) + len(value) + 4 for name, value in request.headers.raw)
    if head + len(request.scope["query_string"]) > MAX_HEAD_BYTES:
        # h11 limits only a head that comes in pieces.
        raise Refusal(431, "invalid_request", "the request's head is too long")
    if {"content-length", "transfer-encoding"} <= set(request.headers.keys()):
        # With two lengths (RFC 9112, 6.1) a proxy may have used the other one.
        raise Refusal.bad_request("the request says its length in two ways")
    if request.method == "POST":
        check_kind(request.headers.get("content-type", ""))
        return of_form(await _body(request))
    return of_query(
        request.scope["query_string"], request.headers.getlist("authorization")
    )


def of_query(query: bytes, authorizations: list[str]) -> TokenRequest:
    """Parse the query of a GET; raise Refusal if it is malformed."""
    fields = _fields(query)
    username, secret = _basic(authorizations)
    scopes = parse(fields.get("scope", ()))
    return TokenRequest(_one(fields, "service"), scopes, username, secret)


def of_form(body: bytes) -> TokenRequest:
    """Parse the body of a POST; raise Refusal if it is malformed."""
    return _from_form(_fields(body))


def check_kind(content_type: str) -> None:
    """Raise Refusal if the content type is not a form's."""
    if content_type.partition(";")[0].strip().lower() != _FORM:
        raise Refusal(415, "invalid_request", f"the body must be {_FORM}")


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
        _one(fields, "service"), parse(fields.get("scope", ())), username, secret
    )


async def _body(request: Request) -> bytes:
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
    """Parse Basic credentials (RFC 7617); the secret is None without a header."""
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


@dataclass(frozen=True)
class TokenAnswer:
    """The response to the client, and the fields for the log."""

    reply: dict[str, Any] = field(repr=False)
    told: dict[str, Any]


class Authority(Protocol):
    """Decides which access a caller gets."""

    async def answer(self, request: TokenRequest) -> TokenAnswer:
        """Return the response to a request; raise Refusal if it is refused."""

    def begin(self) -> None:
        """Start to fetch in the running event loop what the first request will need."""

    def check(self) -> None:
        """Raise DockcredError if no request could be answered."""
