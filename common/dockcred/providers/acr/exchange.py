"""Exchange an Entra token for the registry's own, and explain a refusal."""

from __future__ import annotations

import time

from dockcred.credential import Credential
from dockcred.errors import IssueError, ThrottledError
from dockcred.providers.acr.machine import USER_AGENT, garbage
from dockcred.transport import http
from dockcred.transport.http import (
    delay_s,
    is_temporary_for_one,
    request,
    with_retries,
)
from dockcred.transport.json_reader import claims_of, moment
from dockcred.transport.target import NameNotFoundError, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.providers.acr.hosts import AcrRegistry
    from dockcred.providers.acr.sources import AccessToken
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429


def unnamed(registry: AcrRegistry) -> IssueError:
    """Return the error for a host that does not resolve: each registry is in DNS."""
    return IssueError(
        f"there is no registry {registry.host}: its name was not resolved",
        "see its login server (az acr show), or the DNS settings",
    )


def meaning(answer: Response, registry: AcrRegistry, token: AccessToken) -> IssueError:
    """Return the error for a refused exchange, with cause and remedy."""
    status, host = answer.status, registry.host
    who = _bearer(token)
    if status == _FORBIDDEN and _message(answer):
        address = _address_in(_message(answer))
        client = f"this client ({address})" if address else "this client"
        return IssueError(
            f"the firewall of {host} keeps {client} out",
            "allow its address or network on the registry (az acr network-rule)",
        )
    if status == _UNAUTHORIZED:
        return IssueError(
            f"{host} denies{who}",
            "assign it AcrPull on the registry, and see that both are of one tenant",
        )
    if status == _NOT_FOUND:
        return IssueError(
            f"there is no registry {host}", "see its login server (az acr show)"
        )
    if status == _TOO_MANY:
        wait = delay_s(answer)
        when = f"in {wait:g} s" if wait else "later"
        return ThrottledError(f"{host} throttles its logins", f"try again {when}", wait)
    return IssueError(
        f"{host} did not exchange the token (status {status})",
        "try again; then see what answers there, and Azure's status",
    )


def _bearer(token: AccessToken) -> str:
    """Return the denied identity's ids, as Azure's portal does; they are no secret."""
    tenant, _, rest = token.principal.partition("/")
    application, _, bearer = rest.partition("/")
    of_tenant = f" of tenant {tenant}" if tenant else ""
    client = application or bearer
    return f" the identity {client}{of_tenant}" if client else " this identity"


def _message(answer: Response) -> str:
    try:
        return str(answer.json()["errors"][0]["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def _address_in(text: str) -> str:
    """Return the first quoted word that looks like an IP address."""
    for word in text.split("'")[1::2]:
        if word and set(word) <= set("0123456789abcdef.:"):
            return word[:45]
    return ""


USERNAME = "00000000-0000-0000-0000-000000000000"
_OK = 200


def preconnect(registry: AcrRegistry, environment: Environment) -> None:
    """Open the connection to the registry's login server before it is needed."""
    http.preconnect(_url(registry), environment)


def refresh_token(
    registry: AcrRegistry, token: AccessToken, environment: Environment
) -> Credential:
    """Exchange Entra's token for the registry's password.

    The tenant is that of the token: AZURE_TENANT_ID may belong to a different identity
    than the one that answered. It is used only where the token does not name its
    tenant.

    Raises IssueError where the registry refuses, or does not answer as Azure does.
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
        answer = with_retries(
            lambda: request("POST", url, environment, headers=headers, body=body),
            is_temporary_for_one,
        )
    except NameNotFoundError:
        raise unnamed(registry) from None
    if answer.status != _OK:
        raise meaning(answer, registry, token)
    try:
        minted = answer.json()["refresh_token"]
        claims = claims_of(minted.encode("ascii"))
        issued_at, expires_at = moment(claims["iat"]), moment(claims["exp"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise garbage(registry.host) from None
    now = time.time()
    if expires_at <= now:
        raise IssueError(
            f"{registry.host} gave a token that is already over by this clock",
            "set the clock (NTP)",
        )
    # Count the lifetime from our own time too: our clock may be behind the registry's.
    return Credential(
        USERNAME, minted, now, min(expires_at, now + expires_at - issued_at)
    )


def _url(registry: AcrRegistry) -> str:
    return f"https://{registry.host}/oauth2/exchange"
