"""The SDK road: tokens through google-auth, and what its exceptions mean."""

from __future__ import annotations

import json
import logging
import time
import warnings
from contextlib import contextmanager
from datetime import UTC
from subprocess import SubprocessError

from dockcred.errors import IssueError, MissingExtraError
from dockcred.providers.google import access_token, impersonation
from dockcred.providers.google.access_token import IAM_SCOPE, SCOPE, Token, is_sound
from dockcred.providers.google.impersonation import MISSHAPEN, AuthTransport, reading
from dockcred.system import child_program, process
from dockcred.system.environment import Environment, become

try:
    from google.auth import (
        aws,
        external_account_authorized_user,
        identity_pool,
        pluggable,
    )
    from google.auth import exceptions as theirs
    from google.oauth2 import credentials as user
    from google.oauth2 import service_account, sts
    from google.oauth2.utils import ClientAuthentication, ClientAuthType
except ImportError:
    raise MissingExtraError(
        "this Google identity needs google-auth, which is not installed",
        "run: pip install 'dockcred[google]'",
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from dockcred.system.environment import Environment

_UNIVERSE = "googleapis.com"
_WHAT = {
    "service_account": (
        "the service account's key",
        "see that the key still exists, and set the clock (NTP)",
    ),
    "authorized_user": ("the Google login", access_token.LOGIN),
    "external_account_authorized_user": ("the Google login", access_token.LOGIN),
    "external_account": (
        "the federated token",
        "see the provider's issuer, audience and attribute condition",
    ),
    "metadata": ("the machine's service account", "see the instance's account"),
}


@contextmanager
def translated(info: dict[str, Any]) -> Iterator[None]:
    """Turn what google-auth raises in the block into an IssueError with a remedy.

    The texts of its exceptions are not shown: they quote whole answers, and the output
    of programs.
    """
    inner = info.get("source_credentials")
    kind = (inner if isinstance(inner, dict) else info).get("type")
    identity, remedy = _WHAT.get(str(kind), ("the Google identity", access_token.LOGIN))
    try:
        yield
    except (theirs.RefreshError, theirs.OAuthError) as error:
        code, subtype = _code(error)
        if code:
            raise access_token.meaning(code, subtype, identity, remedy) from None
        raise _unread(info, identity) from None
    except (OSError, SubprocessError) as error:
        raise IssueError(
            f"{identity} could not be had ({type(error).__name__})",
            "see credential_source in the credentials file",
        ) from None
    except theirs.GoogleAuthError as error:
        raise IssueError(
            f"the Google credentials file is not usable ({type(error).__name__})",
            "make it anew",
        ) from None
    except MISSHAPEN:
        raise IssueError(
            f"the Google credentials file of type {info['type']} is not whole",
            "make it anew",
        ) from None


def _unread(info: dict[str, Any], identity: str) -> IssueError:
    """Return the error for the half that failed: the token's source, or Google."""
    if info["type"] == "metadata":
        return IssueError(
            f"{identity} was not had from the metadata server",
            "see that it has one; try again, if it answers slowly",
        )
    if str(info.get("universe_domain") or _UNIVERSE) != _UNIVERSE:
        return IssueError(
            f"{identity} is of another universe than {_UNIVERSE}, "
            "where people's logins are not renewed",
            "use a service account's key, or federation",
        )
    source = info.get("credential_source")
    if isinstance(source, dict) and source:
        kinds = ", ".join(sorted(map(str, source)))[:80]
        return IssueError(
            f"{identity} could not be had from its source ({kinds})",
            "see credential_source in the credentials file",
        )
    return IssueError(
        f"{identity} was answered by something that is not Google's token endpoint",
        "see token_uri in the credentials file, and any proxy",
    )


def _code(error: Exception) -> tuple[str, str]:
    """Return the OAuth error code and subtype that google-auth's exception holds."""
    for argument in error.args[1:]:
        fields = argument
        if isinstance(argument, str | bytes):
            try:
                fields = json.loads(argument)
            except ValueError:
                continue
        if isinstance(fields, dict) and isinstance(fields.get("error"), str):
            return fields["error"], str(fields.get("error_subtype") or "")
    return "", ""


def token(info: dict[str, Any], environment: Environment, scope: str = SCOPE) -> Token:
    """Return a token for the content of a credentials file."""
    process.set_activity("asking Google through google-auth")
    _prepare(environment, impersonation.names_a_program(info))
    with translated(info):
        return _token(info, environment, scope)


_REPEATED = ("service_account", "authorized_user")
"""The types of credentials for which google-auth itself retries requests."""


def _token(info: dict[str, Any], environment: Environment, scope: str) -> Token:
    kind = info["type"]
    connection = AuthTransport(environment, repeats=kind not in _REPEATED)
    if kind == "external_account":
        return _federated(info, connection, environment, scope=scope)
    if kind == "impersonated_service_account":
        source = _token(info["source_credentials"], environment, IAM_SCOPE)
        return impersonation.mint(
            info["service_account_impersonation_url"],
            source,
            environment,
            delegates=info.get("delegates"),
        )
    if kind == "service_account":
        made = service_account.Credentials.from_service_account_info(
            info, scopes=[scope]
        )
    elif kind == "external_account_authorized_user":
        made = external_account_authorized_user.Credentials.from_info(info)
    else:
        # A person's login has the scopes that it was given. To ask for others fails.
        made = user.Credentials.from_authorized_user_info(info)
    return refreshed(made, connection)


def machine_token(environment: Environment) -> Token:
    """Return the metadata server's token, by google-auth's own code."""
    from google.auth import compute_engine  # noqa: PLC0415 - imports requests

    process.set_activity("asking the metadata server through google-auth")
    _prepare(environment)
    with translated({"type": "metadata"}):
        made, connection = compute_engine.Credentials(), AuthTransport(environment)
        return refreshed(made, connection, "the answer of the metadata server")


def refreshed(
    made: Any,
    connection: AuthTransport,
    answer: str = "the answer of Google's token endpoint",
) -> Token:
    """Return the token that google-auth fetches; its `expiry` is UTC without a zone."""
    before = time.time()
    with reading(answer):
        made.refresh(connection)
        if not is_sound(made.token):
            raise ValueError("not a token")
        if made.expiry is None:
            return Token(made.token, None)
        ends = made.expiry.replace(tzinfo=UTC).timestamp()
    # google-auth counts from the response; we count from the request.
    return Token(made.token, ends - (time.time() - before))


def _prepare(environment: Environment, runs_a_program: bool = False) -> None:
    """Set our variables for google-auth, and keep it from writing to stderr.

    google-auth takes an empty variable for a value, and stderr belongs to the protocol.
    A program that it runs inherits all variables, so it then gets only those allowed.
    """
    if runs_a_program:
        passed = child_program.variables_for("google-executable", environment)
        environment = Environment(passed)
    become(environment)
    warnings.simplefilter("ignore")
    logging.getLogger("google").addHandler(logging.NullHandler())
    logging.getLogger("google").propagate = False


_AWS_TYPE = "urn:ietf:params:aws:token-type:aws4_request"
_EXECUTABLES = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"
_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name


def _federated(
    info: dict[str, Any],
    connection: AuthTransport,
    environment: Environment,
    *,
    scope: str = SCOPE,
) -> Token:
    """Exchange the subject token; impersonate an account if the file says so."""
    url = info.get("service_account_impersonation_url")
    wanted = (info["token_url"], info["audience"], info["subject_token_type"])
    named = wanted if url is None else (url, *wanted)
    if not all(isinstance(text, str) and text for text in named):
        raise ValueError("not whole")
    source = _source(info, environment)
    exchanged = _exchange(info, source, connection, IAM_SCOPE if url else scope)
    if not url:
        return exchanged
    options = info.get("service_account_impersonation") or {}
    lifetime_s = int(options.get("token_lifetime_seconds", impersonation.LIFETIME_S))
    return impersonation.mint(url, exchanged, environment, lifetime_s=lifetime_s)


def _exchange(
    info: dict[str, Any], source: Any, connection: AuthTransport, scope: str
) -> Token:
    client = sts.Client(info["token_url"], _client_authentication(info))
    user_project = info.get("workforce_pool_user_project")
    own = bool(info.get("client_id"))
    with reading("the token of the file's credential_source"):
        subject_token = source.retrieve_subject_token(connection)
    options = {"userProject": user_project} if user_project and not own else None
    before = time.time()
    with reading("the answer of Google's STS"):
        fields = client.exchange_token(
            request=connection,
            grant_type=_GRANT,
            subject_token=subject_token,
            subject_token_type=info["subject_token_type"],
            audience=info["audience"],
            scopes=[scope],
            requested_token_type=_ACCESS_TOKEN,
            additional_options=options,
        )
        value, expires_in = fields.get("access_token"), fields.get("expires_in")
        ends = None if expires_in is None else before + float(expires_in)
    if not is_sound(value):
        raise IssueError(
            "Google's STS answered without a token", "see token_url in the file"
        )
    return Token(value, ends)


def _source(info: dict[str, Any], environment: Environment) -> Any:
    """Return google-auth's object for the file's credential source."""
    if info.get("subject_token_type") == _AWS_TYPE:
        return aws.Credentials.from_info(info)
    source = info.get("credential_source") or {}
    if "certificate" in source:
        raise IssueError(
            "the Google credentials file shows a client certificate (X.509 "
            "federation), which is not spoken here",
            "use a credential source of the kind file, url, executable or aws",
        )
    if "executable" in source:
        if environment.get(_EXECUTABLES) != "1":
            raise IssueError(
                "the Google credentials file names a program for its token, which "
                "must be allowed",
                f"set {_EXECUTABLES}=1 if you trust the file",
            )
        return pluggable.Credentials.from_info(info)
    return identity_pool.Credentials.from_info(info)


def _client_authentication(info: dict[str, Any]) -> ClientAuthentication | None:
    if not info.get("client_id"):
        return None
    return ClientAuthentication(
        ClientAuthType.basic, info["client_id"], info.get("client_secret")
    )
