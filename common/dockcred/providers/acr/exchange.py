"""The registry's own door: an Entra token in, a refresh token of the registry out.

github.com/Azure/acr, docs/AAD-OAuth.md. The token goes to the validated host alone,
over verified TLS; a redirect is a failure.
"""

from __future__ import annotations

import time

from dockcred.claims import claims_of
from dockcred.credential import Credential
from dockcred.errors import IssueError, NameNotFoundError
from dockcred.providers.acr import exchange_problems
from dockcred.providers.acr.entra import USER_AGENT, garbage
from dockcred.transport import http
from dockcred.transport.form import urlencode
from dockcred.transport.http import request
from dockcred.transport.retry import patiently

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.acr.hosts import Registry
    from dockcred.providers.acr.tokens import AccessToken

USERNAME = "00000000-0000-0000-0000-000000000000"
_OK = 200


def greet(registry: Registry, environment: Environment) -> None:
    """Begin the connection to a registry's door."""
    http.greet(_url(registry), environment)


def refresh_token(
    registry: Registry, token: AccessToken, environment: Environment
) -> Credential:
    """Trade Entra's token for the password of a registry.

    The tenant is the token's own: AZURE_TENANT_ID may belong to another identity than
    the one that answered. It stands in for a token that does not name its tenant.
    """
    form = {"grant_type": "access_token", "service": registry.host}
    if tenant := token.tenant or environment.get("AZURE_TENANT_ID"):
        form["tenant"] = tenant
    body = urlencode(form | {"access_token": token.value}).encode()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
        "user-agent": USER_AGENT,
    }
    url = _url(registry)
    try:
        answer = patiently(
            lambda: request("POST", url, environment, headers=headers, body=body)
        )
    except NameNotFoundError:
        raise exchange_problems.unnamed(registry) from None
    if answer.status != _OK:
        raise exchange_problems.meaning(answer, registry, token)
    try:
        minted = answer.json()["refresh_token"]
        claims = claims_of(minted.encode("ascii"))
        expires_at, life = float(claims["exp"]), float(claims["exp"]) - claims["iat"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise garbage(registry.host) from None
    now = time.time()
    if expires_at <= now:
        raise IssueError(
            f"{registry.host} gave a token that is already over by this clock",
            "set the clock (NTP)",
        )
    # By the clock that is ahead: ours may be behind the registry's.
    return Credential(USERNAME, minted, now, min(expires_at, now + life))


def _url(registry: Registry) -> str:
    return f"https://{registry.host}/oauth2/exchange"
