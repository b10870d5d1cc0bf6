"""What a registry means when it takes no token."""

from __future__ import annotations

from dockcred.errors import IssueError
from dockcred.transport.retry import delay_s

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.providers.acr.hosts import Registry
    from dockcred.providers.acr.tokens import AccessToken
    from dockcred.transport.response import Response

_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429


def unnamed(registry: Registry) -> IssueError:
    """Say what an unknown name means: every registry has one, from its first day."""
    return IssueError(
        f"there is no registry {registry.host}: its name was not resolved",
        "see its login server (az acr show), or the DNS settings",
    )


def meaning(answer: Response, registry: Registry, token: AccessToken) -> IssueError:
    """Turn a refused exchange into a cause with a remedy."""
    status, host = answer.status, registry.host
    who = _bearer(token)
    if status == _FORBIDDEN:
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
        return IssueError(f"{host} throttles its logins", f"try again {when}")
    return IssueError(
        f"{host} did not exchange the token (status {status})",
        "try again; then see what answers there, and Azure's status",
    )


def _bearer(token: AccessToken) -> str:
    """Name who was denied, as Azure's portal does: by ids, which are no secrets."""
    tenant, _, rest = token.said.partition("/")
    application, _, bearer = rest.partition("/")
    of_tenant = f" of tenant {tenant}" if tenant else ""
    known = application or bearer
    return f" the identity {known}{of_tenant}" if known else " this identity"


def _message(answer: Response) -> str:
    try:
        return str(answer.json()["errors"][0]["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def _address_in(text: str) -> str:
    """Answer the first quoted word that looks like an IP address."""
    for word in text.split("'")[1::2]:
        if word and set(word) <= set("0123456789abcdef.:"):
            return word[:45]
    return ""
