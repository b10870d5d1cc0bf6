"""Managed identity by plain requests: instance metadata, and App Service's endpoint.

learn.microsoft.com, "Use managed identities on a virtual machine" and "REST endpoint
reference" of App Service, which Functions and Container Apps share. Neither is ever
reached through a proxy.
"""

from __future__ import annotations

from dockcred.errors import IssueError, TransportError
from dockcred.providers.acr import machine_problems
from dockcred.providers.acr.entra import USER_AGENT, garbage
from dockcred.providers.acr.problems import AbsentError
from dockcred.providers.acr.sources import is_chosen
from dockcred.providers.acr.tokens import AccessToken
from dockcred.transport.form import urlencode
from dockcred.transport.http import request
from dockcred.transport.response import Response
from dockcred.transport.retry import delay_s, patiently
from dockcred.transport.target import Target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

PROBE_S = 1.0
TIMEOUT_S = 5.0
_IMDS = "http://169.254.169.254"
_PATH = "/metadata/identity/oauth2/token"
_OK = 200
_TOO_MANY = 429
# Each endpoint has names of its own for the ids that choose an identity.
_IMDS_NAMES = ("client_id", "object_id", "msi_res_id")
_APP_SERVICE_NAMES = ("client_id", "object_id", "mi_res_id")


def imds(audience: str, environment: Environment) -> AccessToken:
    """Ask instance metadata; AbsentError where this is no machine of Azure's.

    Off Azure nothing answers at that address, so unless an identity was chosen it is
    knocked at first: without the Metadata header it answers at once, and asks nobody.
    """
    named = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST").rstrip("/")
    url = (named or _IMDS) + _PATH
    version = {"api-version": "2018-02-01", "resource": audience}
    query = urlencode(version | _chosen(_IMDS_NAMES, environment))
    chosen = is_chosen(environment)
    try:
        if not chosen:
            request(
                "GET",
                url,
                environment,
                headers={},
                timeout_s=PROBE_S,
            )
        answer = _ask(f"{url}?{query}", {"metadata": "true"}, environment)
    except TransportError as error:
        if chosen:
            raise
        raise AbsentError(f"no instance metadata ({error.cause})") from None
    if answer.status != _OK and not chosen and not _fields(answer):
        # Another cloud's metadata service, or a captive portal.
        raise AbsentError(f"{Target(url).netloc} is not Azure's instance metadata")
    return _token(answer, Target(url).netloc)


def app_service(audience: str, environment: Environment) -> AccessToken:
    """Ask the endpoint of App Service, Functions or Container Apps."""
    endpoint = environment.get("IDENTITY_ENDPOINT")
    version = {"api-version": "2019-08-01", "resource": audience}
    query = urlencode(version | _chosen(_APP_SERVICE_NAMES, environment))
    headers = {"x-identity-header": environment.get("IDENTITY_HEADER")}
    joint = "&" if "?" in endpoint else "?"
    answer = _ask(f"{endpoint}{joint}{query}", headers, environment)
    return _token(answer, Target(endpoint).netloc)


def _chosen(names: tuple[str, str, str], environment: Environment) -> dict[str, str]:
    """Answer the parameter for the identity that variables choose, if they do."""
    variables = (
        "AZURE_CLIENT_ID",
        "DOCKCRED_ACR_OBJECT_ID",
        "DOCKCRED_ACR_RESOURCE_ID",
    )
    for name, variable in zip(names, variables, strict=True):
        if value := environment.get(variable):
            return {name: value}
    return {}


def _ask(url: str, headers: dict[str, str], environment: Environment) -> Response:
    headers |= {"accept": "application/json", "user-agent": USER_AGENT}
    return patiently(
        lambda: request(
            "GET",
            url,
            environment,
            headers=headers,
            timeout_s=TIMEOUT_S,
        )
    )


def _token(answer: Response, name: str) -> AccessToken:
    fields = _fields(answer)
    if answer.status == _OK:
        token = fields.get("access_token")
        if not isinstance(token, str) or not token:
            raise garbage(name)
        return AccessToken(token, str(fields.get("client_id") or ""))
    if answer.status == _TOO_MANY:
        wait = delay_s(answer)
        raise IssueError(
            f"{name} throttles its managed identity",
            f"try again in {wait:g} s" if wait else "try again later",
        )
    text = " ".join(str(value) for value in fields.values())
    raise machine_problems.meaning(text, f"the managed identity at {name}")


def _fields(answer: Response) -> dict[str, object]:
    try:
        fields = answer.json()
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
