"""The SDK road: every credentials file that google-auth knows, and its metadata."""

from __future__ import annotations

import logging
import time
import warnings
from datetime import UTC

from dockcred import environment as process
from dockcred import watchdog
from dockcred.environment import children
from dockcred.errors import MissingExtraError
from dockcred.providers.google import impersonation
from dockcred.providers.google.access_token import IAM_SCOPE, SCOPE, Token
from dockcred.providers.google.connection import Connection

try:
    from google.auth import external_account_authorized_user
    from google.oauth2 import credentials as user
    from google.oauth2 import service_account

    from dockcred.providers.google import federation, sdk_problems
except ImportError:
    raise MissingExtraError(
        "this Google identity needs google-auth, which is not installed",
        "run: pip install 'dockcred[google]'",
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.environment import Environment


def token(info: dict[str, Any], environment: Environment, scope: str = SCOPE) -> Token:
    """Mint from the content of a credentials file."""
    watchdog.doing("asking Google through google-auth")
    _prepare(environment, federation.names_a_program(info))
    with sdk_problems.translated(info):
        return _token(info, environment, scope)


def _token(info: dict[str, Any], environment: Environment, scope: str) -> Token:
    connection = Connection(environment)
    kind = info["type"]
    if kind == "external_account":
        return federation.token(info, connection, environment, scope=scope)
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
        # A person's login has the scopes it was given: to ask for others fails.
        made = user.Credentials.from_authorized_user_info(info)
    return refreshed(made, connection)


def machine_token(environment: Environment) -> Token:
    """Ask the metadata server by google-auth's own code."""
    from google.auth import compute_engine  # noqa: PLC0415 - imports requests

    watchdog.doing("asking the metadata server through google-auth")
    _prepare(environment)
    with sdk_problems.translated({"type": "metadata"}):
        return refreshed(compute_engine.Credentials(), Connection(environment))


def refreshed(made: Any, connection: Connection) -> Token:
    """Let google-auth fetch the token; its `expiry` is UTC without saying so."""
    before = time.time()
    made.refresh(connection)
    if made.expiry is None:
        return Token(made.token, None)
    ends = made.expiry.replace(tzinfo=UTC).timestamp()
    # It counts from the receipt; we count from before the request.
    return Token(made.token, ends - (time.time() - before))


def _prepare(environment: Environment, runs_a_program: bool = False) -> None:
    """Let google-auth see our variables, and keep it off stderr.

    It takes an empty variable for a value; stderr belongs to the protocol. A program
    that it runs gets all that it sees itself.
    """
    if runs_a_program:
        passed = children.variables("google-executable", environment)
        environment = process.Environment(passed)
    process.become(environment)
    warnings.simplefilter("ignore")
    logging.getLogger("google").addHandler(logging.NullHandler())
    logging.getLogger("google").propagate = False
