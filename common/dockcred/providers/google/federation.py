"""Workload identity federation: another issuer's token for one of Google's.

google-auth fetches the subject token from wherever the file says; the exchange is
made with its STS client, not by its `refresh`, which fails on the tokens without an
end that STS may answer (docker-credential-gcr#180), and not by `google.auth.default`,
which also looks the project up and fails where that is not allowed.
"""

from __future__ import annotations

import time

from google.auth import aws, identity_pool, pluggable
from google.oauth2 import sts
from google.oauth2.utils import ClientAuthentication, ClientAuthType

from dockcred.errors import IssueError
from dockcred.providers.google import impersonation
from dockcred.providers.google.access_token import IAM_SCOPE, SCOPE, Token, is_sound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.environment import Environment
    from dockcred.providers.google.connection import Connection

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
    lifetime_s = int(options.get("token_lifetime_seconds", impersonation.LIFETIME_S))
    return impersonation.mint(url, exchanged, environment, lifetime_s=lifetime_s)


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
