"""Entra's token endpoint: one POST for an application's secret or assertion."""

from __future__ import annotations

from dockcred.errors import InvalidInputError, IssueError, TransportError
from dockcred.providers.acr import problems
from dockcred.providers.acr.tokens import AccessToken
from dockcred.transport.form import urlencode
from dockcred.transport.http import request
from dockcred.transport.response import Response
from dockcred.transport.retry import delay_s, patiently
from dockcred.transport.target import Target
from dockcred.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

USER_AGENT = f"dockcred/{__version__}"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_ASSERTION_BYTES = 256 * 1024
_OK = 200
_TOO_MANY = 429


def by_secret(authority: str, audience: str, environment: Environment) -> AccessToken:
    """Get a token for the application whose secret is in AZURE_CLIENT_SECRET."""
    proof = {"client_secret": environment.get("AZURE_CLIENT_SECRET")}
    return _token(authority, audience, environment, proof)


def by_federation(
    authority: str, audience: str, environment: Environment
) -> AccessToken:
    """Get a token for the application that trusts the federated token's subject."""
    assertion = _read(environment.get("AZURE_FEDERATED_TOKEN_FILE"))
    proof = {"client_assertion": assertion, "client_assertion_type": _ASSERTION}
    return _token(authority, audience, environment, proof)


def _token(
    authority: str, audience: str, environment: Environment, proof: dict[str, str]
) -> AccessToken:
    tenant = environment.get("AZURE_TENANT_ID")
    if not tenant.isascii() or not tenant.replace("-", "").replace(".", "").isalnum():
        raise InvalidInputError(
            "AZURE_TENANT_ID is not a tenant", "set it to the tenant's id or domain"
        )
    url = f"{authority}/{tenant}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": environment.get("AZURE_CLIENT_ID"),
        "scope": f"{audience}/.default",
    }
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "accept": "application/json",
        "user-agent": USER_AGENT,
    }
    body = urlencode(form | proof).encode()
    answer = patiently(
        lambda: request("POST", url, environment, headers=headers, body=body)
    )
    name = Target(url).netloc
    if answer.status != _OK:
        raise _refusal(answer, name)
    try:
        return AccessToken(str(answer.json()["access_token"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        raise garbage(name) from None


def _refusal(answer: Response, name: str) -> IssueError:
    if answer.status == _TOO_MANY:
        wait = delay_s(answer)
        when = f"in {wait:g} s" if wait else "later"
        return IssueError("Entra throttles the login", f"try again {when}")
    try:
        text = str(answer.json()["error_description"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return IssueError(
            f"{name} gave no token (status {answer.status})",
            "see AZURE_AUTHORITY_HOST, and whether a proxy answers in its place",
        )
    return problems.meaning(text, name)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            token = file.read(_MAX_ASSERTION_BYTES).strip()
    except (OSError, ValueError):
        token = ""
    if not token or not token.isprintable():
        raise IssueError(
            f"AZURE_FEDERATED_TOKEN_FILE names {path}, where no token can be read",
            "see that the file is mounted and readable by this user",
        )
    return token


def garbage(name: str) -> TransportError:
    """Say that something else than Azure answers there."""
    return TransportError(
        f"{name} did not answer as Azure does",
        "see what listens there: a proxy, a captive portal or another service",
    )
