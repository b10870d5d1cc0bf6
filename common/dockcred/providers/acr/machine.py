"""Entra's tokens without an SDK: of the machine, of a workload, of an application."""

from __future__ import annotations

from dockcred.errors import InvalidInputError, IssueError, TransportError
from dockcred.providers.acr import problems
from dockcred.providers.acr.problems import AbsentError
from dockcred.providers.acr.sources import AccessToken, is_chosen
from dockcred.system.version import __version__
from dockcred.transport.http import delay_s, request, with_retries
from dockcred.transport.response import Response
from dockcred.transport.target import Target, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

USER_AGENT = f"dockcred/{__version__}"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_MAX_ASSERTION_BYTES = 256 * 1024
_OK = 200
_TOO_MANY = 429


def by_secret(authority: str, audience: str, environment: Environment) -> AccessToken:
    """Get a token for the application whose secret is in AZURE_CLIENT_SECRET."""
    proof = {"client_secret": environment.get("AZURE_CLIENT_SECRET")}
    return _entra_token(authority, audience, environment, proof)


def by_federation(
    authority: str, audience: str, environment: Environment
) -> AccessToken:
    """Get a token for the application that trusts the federated token's subject."""
    assertion = _read(environment.get("AZURE_FEDERATED_TOKEN_FILE"))
    proof = {"client_assertion": assertion, "client_assertion_type": _ASSERTION}
    return _entra_token(authority, audience, environment, proof)


def _entra_token(
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
    answer = with_retries(
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
    """Return the error for an answer that is not Azure's."""
    return TransportError(
        f"{name} did not answer as Azure does",
        "see what listens there: a proxy, a captive portal or another service",
    )


PROBE_S = 1.0
TIMEOUT_S = 5.0
_IMDS = "http://169.254.169.254"
_PATH = "/metadata/identity/oauth2/token"


# Each endpoint has names of its own for the ids that choose an identity.
_IMDS_NAMES = ("client_id", "object_id", "msi_res_id")
_APP_SERVICE_NAMES = ("client_id", "object_id", "mi_res_id")


def imds(audience: str, environment: Environment) -> AccessToken:
    """Return instance metadata's token; AbsentError on no machine of Azure's.

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
    """Return a token of the endpoint of App Service, Functions or Container Apps."""
    endpoint = environment.get("IDENTITY_ENDPOINT")
    version = {"api-version": "2019-08-01", "resource": audience}
    query = urlencode(version | _chosen(_APP_SERVICE_NAMES, environment))
    headers = {"x-identity-header": environment.get("IDENTITY_HEADER")}
    joint = "&" if "?" in endpoint else "?"
    answer = _ask(f"{endpoint}{joint}{query}", headers, environment)
    return _token(answer, Target(endpoint).netloc)


def _chosen(names: tuple[str, str, str], environment: Environment) -> dict[str, str]:
    """Return the parameter for the identity that variables choose, if they do."""
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
    return with_retries(
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
    raise problems.machine_meaning(text, f"the managed identity at {name}")


def _fields(answer: Response) -> dict[str, object]:
    try:
        fields = answer.json()
    except (ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}
