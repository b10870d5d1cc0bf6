"""Tokens of another account: by impersonation, and by federation from another cloud."""

from __future__ import annotations

import json
import time
from datetime import datetime

from google.auth import aws, identity_pool, pluggable
from google.oauth2 import sts
from google.oauth2.utils import ClientAuthentication, ClientAuthType

from dockcred.errors import InvalidInputError, IssueError, TransportError
from dockcred.providers.google import access_token
from dockcred.providers.google.access_token import IAM_SCOPE, SCOPE, Token, is_sound
from dockcred.system import process
from dockcred.transport.http import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockcred.system.environment import Environment

TIMEOUT_S = 5.0


class Answer:
    """A response in google-auth's words."""

    __slots__ = ("data", "headers", "status")

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        """Hold the three; header names are lower-case."""
        self.status = status
        self.headers = headers
        self.data = data


class Connection:
    """What google-auth asks through."""

    def __init__(self, environment: Environment) -> None:
        """Hold the variables that choose proxy and trust."""
        self._environment = environment

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> Answer:
        """Send one request; `timeout` is in seconds, and never longer than ours."""
        content = body.encode() if isinstance(body, str) else body or b""
        answer = request(
            method,
            url,
            self._environment,
            headers={
                name.lower(): text(value) for name, value in (headers or {}).items()
            },
            body=content,
            timeout_s=min(timeout or TIMEOUT_S, TIMEOUT_S, _left()),
        )
        return Answer(answer.status, answer.headers, answer.body)


def text(value: object) -> str:
    """Write a header's value, which google-auth may hand over as bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _left() -> float:
    return max(0.1, process.remaining_s())


LIFETIME_S = 3600
_OK = 200


def url_for(account: str) -> str:
    """Return where a service account's token is asked for.

    Raises InvalidInputError where the text is no account's address.
    """
    name, at, domain = account.partition("@")
    characters = set(name + domain)
    plain = all(c.isascii() and (c.isalnum() or c in "-._") for c in characters)
    if not (name and at and domain and plain):
        raise InvalidInputError(
            "the service account to impersonate is not an e-mail address",
            "see GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
        )
    return (
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
        f"{account}:generateAccessToken"
    )


def mint(
    url: str,
    token: Token,
    environment: Environment,
    *,
    delegates: list[str] | None = None,
    lifetime_s: int = LIFETIME_S,
) -> Token:
    """Trade one's own token for the account's."""
    account = url.rpartition("/")[2].partition(":")[0]
    body = {
        "delegates": delegates or [],
        "scope": [SCOPE],
        "lifetime": f"{lifetime_s}s",
    }
    answer = request(
        "POST",
        url,
        environment,
        headers={
            "authorization": f"Bearer {token.value}",
            "content-type": "application/json",
        },
        body=json.dumps(body).encode(),
    )
    if answer.status != _OK:
        raise access_token.meaning(
            str(answer.status),
            "",
            f"impersonation of {account}",
            "grant the identity at hand roles/iam.serviceAccountTokenCreator on it "
            "(roles/iam.workloadIdentityUser for a federated one)",
        )
    try:
        fields = json.loads(answer.body)
        value = fields["accessToken"]
        expires_at = datetime.fromisoformat(fields["expireTime"]).timestamp()
    except (ValueError, LookupError, TypeError):
        value, expires_at = "", 0.0
    if not is_sound(value):
        raise TransportError(
            "the IAM Credentials API did not answer as Google does",
            "see what listens there: a proxy, or a captive portal",
        )
    return Token(value, expires_at)


AWS_TYPE = "urn:ietf:params:aws:token-type:aws4_request"
EXECUTABLES = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name


def token(
    info: dict[str, Any],
    connection: Connection,
    environment: Environment,
    *,
    scope: str = SCOPE,
) -> Token:
    """Exchange the subject token; impersonate where the file says so."""
    url = info.get("service_account_impersonation_url")
    source = _source(info, environment)
    exchanged = _exchange(info, source, connection, IAM_SCOPE if url else scope)
    if not url:
        return exchanged
    options = info.get("service_account_impersonation") or {}
    lifetime_s = int(options.get("token_lifetime_seconds", LIFETIME_S))
    return mint(url, exchanged, environment, lifetime_s=lifetime_s)


def names_a_program(info: dict[str, Any]) -> bool:
    """Return whether the token of a file, or of one within it, is a program's."""
    inner = info.get("source_credentials")
    source = info.get("credential_source")
    return (isinstance(source, dict) and "executable" in source) or (
        isinstance(inner, dict) and names_a_program(inner)
    )


def _exchange(
    info: dict[str, Any], source: Any, connection: Connection, scope: str
) -> Token:
    client = sts.Client(info["token_url"], _client_authentication(info))
    user_project = info.get("workforce_pool_user_project")
    own = bool(info.get("client_id"))
    before = time.time()
    fields = client.exchange_token(
        request=connection,
        grant_type=_GRANT,
        subject_token=source.retrieve_subject_token(connection),
        subject_token_type=info["subject_token_type"],
        audience=info["audience"],
        scopes=[scope],
        requested_token_type=_ACCESS_TOKEN,
        additional_options=(
            {"userProject": user_project} if user_project and not own else None
        ),
    )
    value, expires_in = fields.get("access_token"), fields.get("expires_in")
    if not is_sound(value):
        raise IssueError(
            "Google's STS answered without a token", "see token_url in the file"
        )
    return Token(value, None if expires_in is None else before + float(expires_in))


def _source(info: dict[str, Any], environment: Environment) -> Any:
    """Choose google-auth's class for the file's credential source."""
    if info.get("subject_token_type") == AWS_TYPE:
        return aws.Credentials.from_info(info)
    source = info.get("credential_source") or {}
    if "certificate" in source:
        raise IssueError(
            "the Google credentials file shows a client certificate (X.509 "
            "federation), which is not spoken here",
            "use a credential source of the kind file, url, executable or aws",
        )
    if "executable" in source:
        if environment.get(EXECUTABLES) != "1":
            raise IssueError(
                "the Google credentials file names a program for its token, which "
                "must be allowed",
                f"set {EXECUTABLES}=1 if you trust the file",
            )
        return pluggable.Credentials.from_info(info)
    return identity_pool.Credentials.from_info(info)


def _client_authentication(info: dict[str, Any]) -> ClientAuthentication | None:
    if not info.get("client_id"):
        return None
    return ClientAuthentication(
        ClientAuthType.basic, info["client_id"], info.get("client_secret")
    )
