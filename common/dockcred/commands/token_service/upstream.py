"""Answer with tokens of an OAuth provider, which the registry trusts.

The variables are those of distribution-oauth (https://github.com/BeryJu). So is the
request: client_credentials with the caller's name and password. If the name is
PASS_JWT_USERNAME's value, the password is a JWT, and is sent as the client's assertion
(RFC 7523). One request has all scopes. What the provider says of a refusal is not
passed on.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Self

from dockcred import system
from dockcred.commands.token_service.request import Refusal, TokenAnswer, TokenRequest
from dockcred.commands.token_service.server import run_in_own_thread
from dockcred.commands.token_service.settings import is_safe_url
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.system.environment import Environment
from dockcred.transport import http, target
from dockcred.transport.response import Response

TIMEOUT_S = 10.0
MAX_CALLS = 64
WAIT_S = 5.0
"""Seconds that a request waits while MAX_CALLS are running."""

DEFAULT_LIFE_S = 60  # what clients assume if a reply has no life (oauth.md)
POD_TOKEN = f"{system.IN_POD}/token"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_OK = 200
_CALLERS_FAULT = frozenset({400, 401, 403})
_RETRY_S = 5


@dataclass(frozen=True)
class OAuthProvider:
    """The provider, and who anonymous callers are: a user of it, or this pod."""

    token_url: str
    client_id: str
    scope: str = ""
    jwt_username: str = ""
    anonymous_username: str = ""
    anonymous_password: str = field(default="", repr=False)
    anonymous_is_pod: bool = False

    @classmethod
    def of(cls, environment: Environment) -> Self:
        """Read the provider from the variables; InvalidInputError if one lacks."""
        url = environment.get("TOKEN_URL")
        if not is_safe_url(url, plain=True):
            raise InvalidInputError(
                "TOKEN_URL is not an https URL", "name the provider's token endpoint"
            )
        if not environment.get("CLIENT_ID"):
            raise InvalidInputError(
                "CLIENT_ID is not set", "name the provider's client"
            )
        return cls(
            token_url=url,
            client_id=environment.get("CLIENT_ID"),
            scope=environment.get("SCOPE"),
            jwt_username=environment.get("PASS_JWT_USERNAME"),
            anonymous_username=environment.get("ANON_USERNAME"),
            anonymous_password=environment.get("ANON_PASSWORD"),
            anonymous_is_pod=bool(environment.get("ANON_KUBE_JWT")),
        )


class Upstream:
    """Answers requests with tokens that the provider issues."""

    def __init__(self, provider: OAuthProvider, environment: Environment) -> None:
        self._provider = provider
        self._environment = environment
        self._turns = asyncio.Semaphore(MAX_CALLS)
        self._calls: set[asyncio.Task[Response]] = set()

    async def answer(self, request: TokenRequest) -> TokenAnswer:
        """Return the provider's token; raise Refusal if there is none."""
        scopes = (*map(str, request.asked), self._provider.scope)
        fields = self._credentials(request) | {
            "client_id": self._provider.client_id,
            "grant_type": "client_credentials",
            "scope": " ".join(filter(None, scopes)),
        }
        try:
            async with asyncio.timeout(WAIT_S):
                await self._turns.acquire()
        except TimeoutError:
            raise _unavailable(f"{MAX_CALLS} calls are under way") from None
        call = asyncio.create_task(self._call(fields))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):
                response = await asyncio.shield(call)
        except (DockcredError, TimeoutError) as error:
            raise _unavailable(str(error) or "no answer in time") from None
        if response.status in _CALLERS_FAULT:
            raise Refusal.unauthorized("the provider does not accept these credentials")
        if response.status != _OK:
            raise _unavailable(f"it answers {response.status}")
        return TokenAnswer(_reply(response), {"username": request.username})

    def begin(self) -> None:
        """Do nothing: no request needs anything fetched before."""

    def check(self) -> None:
        """Do nothing: this service has no keys that could be missing."""

    async def _call(self, fields: dict[str, str]) -> Response:
        """Send the request; its turn ends with its thread, not with the caller."""
        try:
            return await run_in_own_thread(lambda: self._post(fields))
        finally:
            self._turns.release()

    def _post(self, fields: dict[str, str]) -> Response:
        return http.request(
            "POST",
            self._provider.token_url,
            self._environment,
            headers={
                "accept": "application/json",
                "content-type": "application/x-www-form-urlencoded",
            },
            body=target.urlencode(fields).encode(),
            timeout_s=TIMEOUT_S,
            repeated=http.NEVER,
        )

    def _credentials(self, request: TokenRequest) -> dict[str, str]:
        """Return the form fields that identify the caller; raise Refusal if none."""
        provider, secret = self._provider, request.secret
        username = request.username
        if secret is None and provider.anonymous_is_pod:
            return _assertion(_pod_token())
        if secret is None:
            username, secret = provider.anonymous_username, provider.anonymous_password
        if not secret:
            raise Refusal.unauthorized("a username and a password are needed")
        # A refresh token comes without a user name; here it can only be a JWT.
        if provider.jwt_username and username in {"", provider.jwt_username}:
            return _assertion(secret)
        if not username:
            raise Refusal.unauthorized("a username and a password are needed")
        return {"username": username, "password": secret}


def _unavailable(told: str) -> Refusal:
    return Refusal.unavailable("the provider cannot be asked now", _RETRY_S, told)


def _assertion(token: str) -> dict[str, str]:
    return {"client_assertion_type": _ASSERTION, "client_assertion": token}


def _pod_token() -> str:
    """Read the pod's token each time, as kubelet replaces it before it expires."""
    try:
        with open(POD_TOKEN, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError):
        raise _unavailable(f"{POD_TOKEN} cannot be read") from None


def _reply(response: Response) -> dict[str, Any]:
    """Return the response to the client: the token under both names, and its life."""
    try:
        found = response.json()
        token = found["access_token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unavailable("it answers without an access token") from None
    if not isinstance(token, str) or not token:
        raise _unavailable("it answers without an access token")
    life = found.get("expires_in")
    if not isinstance(life, int) or isinstance(life, bool) or life < 1:
        life = DEFAULT_LIFE_S
    reply = {
        "token": token,
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": life,
        "issued_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    if isinstance(found.get("id_token"), str):
        reply["id_token"] = found["id_token"]
    return reply
