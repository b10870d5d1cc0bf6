"""Entra tokens without an SDK: for a machine, a workload or an application."""

from __future__ import annotations

from dockcred.errors import IssueError, ThrottledError, TransportError
from dockcred.providers.acr import problems
from dockcred.providers.acr.problems import AbsentError, BusyError
from dockcred.providers.acr.sources import (
    AccessToken,
    is_chosen,
    is_machine_chosen,
    tenant,
)
from dockcred.system.version import __version__
from dockcred.transport import http
from dockcred.transport.http import delay_s, is_temporary, probe, request, with_retries
from dockcred.transport.target import (
    Target,
    UnreachedError,
    at_address,
    urlencode,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.errors import DockcredError
    from dockcred.system.environment import Environment
    from dockcred.transport.response import Response

USER_AGENT = f"dockcred/{__version__}"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_OK = 200
_TOO_MANY = 429


def by_secret(authority: str, audience: str, environment: Environment) -> AccessToken:
    """Return a token for the application with its secret in AZURE_CLIENT_SECRET."""
    proof = {"client_secret": environment.get("AZURE_CLIENT_SECRET")}
    url = _token_url(authority, environment)
    return _entra_token(url, audience, environment, proof)


def by_federation(
    authority: str, audience: str, environment: Environment
) -> AccessToken:
    """Return a token for the application that trusts the subject of the token file."""
    assertion = environment.token_in("AZURE_FEDERATED_TOKEN_FILE")
    proof = {"client_assertion": assertion, "client_assertion_type": _ASSERTION}
    if name := environment.get(BINDING):
        return _bound_token(name, audience, environment, proof)
    url = _token_url(authority, environment)
    return _entra_token(url, audience, environment, proof)


BINDING = "DOCKCRED_ACR_BINDING_NAME"
_BINDING_CA = "DOCKCRED_ACR_BINDING_CA"
_CLUSTER_CA = "/etc/kubernetes/certs/ca.crt"


def _bound_token(
    name: str, audience: str, environment: Environment, proof: dict[str, str]
) -> AccessToken:
    """Ask the cluster's API server instead of Entra (AKS identity bindings).

    Its name is in no DNS, and the cluster's own CA signs its certificate.
    """
    url = f"https://{name}/"
    address = environment.get("DOCKCRED_ACR_BINDING_ADDRESS")
    there = environment.with_values(
        {
            **at_address(address, Target(url).port),
            _BINDING_CA: environment.get(_BINDING_CA, _CLUSTER_CA),
        }
    )
    return _entra_token(url, audience, there, proof, (_BINDING_CA,))


def _token_url(authority: str, environment: Environment) -> str:
    return f"{authority}/{tenant('AZURE_TENANT_ID', environment)}/oauth2/v2.0/token"


def _entra_token(
    url: str,
    audience: str,
    environment: Environment,
    proof: dict[str, str],
    ca_variables: tuple[str, ...] = (),
) -> AccessToken:
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
        lambda: request(
            "POST",
            url,
            environment,
            headers=headers,
            body=body,
            ca_variables=ca_variables,
        ),
        http.is_temporary_for_one,
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
        return ThrottledError("Entra throttles the login", f"try again {when}", wait)
    try:
        text = str(answer.json()["error_description"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return IssueError(
            f"{name} gave no token (status {answer.status})",
            "see AZURE_AUTHORITY_HOST, and whether a proxy answers in its place",
        )
    return problems.meaning(text, name)


def garbage(name: str) -> TransportError:
    """Return the error for an answer that does not have Azure's form."""
    return TransportError(
        f"{name} did not answer as Azure does",
        "see what listens there: a proxy, a captive portal or another service",
    )


PROBE_S = 1.0
TIMEOUT_S = 5.0
_IMDS = "http://169.254.169.254"
_PATH = "/metadata/identity/oauth2/token"


# Each endpoint has its own parameter names for the ids that choose an identity.
_IMDS_NAMES = ("client_id", "object_id", "msi_res_id")
_APP_SERVICE_NAMES = ("client_id", "object_id", "mi_res_id")


def imds(audience: str, environment: Environment) -> AccessToken:
    """Return a token from the instance metadata service.

    Raises AbsentError outside of Azure, where nothing answers at that address. To learn
    that quickly, a knock comes first, unless the machine's identity was chosen. A knock
    is a cheap request that only tests whether somebody takes the connection.
    """
    named = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST").strip("/")
    url = (named or _IMDS) + _PATH
    version = {"api-version": "2018-02-01", "resource": audience}
    query = urlencode(version | _chosen(_IMDS_NAMES, environment))
    if not is_machine_chosen(environment):
        _knock(url, environment, is_named=bool(named) or is_chosen(environment))
    answer = _ask(f"{url}?{query}", {"metadata": "true"}, environment)
    fields = _fields(answer) or {}
    is_azure_s = "access_token" in fields or isinstance(fields.get("error"), str)
    if not is_azure_s and not is_temporary(answer):
        # This is another cloud's metadata service, or a captive portal.
        raise AbsentError(f"{Target(url).netloc} is not Azure's instance metadata")
    return _token(answer, Target(url).netloc)


def _knock(url: str, environment: Environment, *, is_named: bool) -> None:
    """Raise AbsentError where nobody takes a connection.

    The knock lacks the header Metadata, so the service refuses it at once. A service
    that takes the connection, but is slow or closes it, does exist. The real request
    will then report the failure.
    """

    def knock() -> Response:
        return probe("GET", url, environment, headers={}, timeout_s=PROBE_S)

    try:
        if is_named:
            knock()
        else:
            from dockcred.system.cloud import AZURE  # noqa: PLC0415 - only if not named
            from dockcred.transport import metadata  # noqa: PLC0415 - as above

            metadata.ask(AZURE, environment, knock)
    except UnreachedError as error:
        raise AbsentError(f"no instance metadata ({error.cause})") from None
    except TransportError:
        return


def app_service(audience: str, environment: Environment) -> AccessToken:
    """Return a token from the endpoint of App Service, Functions or Container Apps."""
    endpoint = environment.get("IDENTITY_ENDPOINT")
    version = {"api-version": "2019-08-01", "resource": audience}
    query = urlencode(version | _chosen(_APP_SERVICE_NAMES, environment))
    headers = {"x-identity-header": environment.get("IDENTITY_HEADER")}
    joint = "&" if "?" in endpoint else "?"
    url = f"{endpoint}{joint}{query}"
    answer = _ask(url, headers, environment, platform=True)
    return _token(answer, Target(endpoint, platform=True).netloc)


def _chosen(names: tuple[str, str, str], environment: Environment) -> dict[str, str]:
    """Return the parameter for the identity that variables choose; {} if none do."""
    variables = (
        "AZURE_CLIENT_ID",
        "DOCKCRED_ACR_OBJECT_ID",
        "DOCKCRED_ACR_RESOURCE_ID",
    )
    # Our own variables win: AZURE_CLIENT_ID may be set for other programs, as on a CI
    # machine.
    for name, variable in reversed([*zip(names, variables, strict=True)]):
        if value := environment.get(variable):
            return {name: value}
    return {}


def _ask(
    url: str,
    headers: dict[str, str],
    environment: Environment,
    *,
    platform: bool = False,
) -> Response:
    headers |= {"accept": "application/json", "user-agent": USER_AGENT}
    return with_retries(
        lambda: request(
            "GET",
            url,
            environment,
            headers=headers,
            timeout_s=TIMEOUT_S,
            platform=platform,
        )
    )


def _token(answer: Response, name: str) -> AccessToken:
    """Return the token in the answer of a machine's endpoint.

    Raises PassedOverError or AbsentError where the endpoint refuses, and TransportError
    where the answer does not have Azure's form.
    """
    found = _fields(answer)
    fields = found or {}
    whom = f"the managed identity at {name}"
    token = fields.get("access_token")
    if answer.status == _OK and token:
        if not isinstance(token, str):
            raise garbage(name)
        return AccessToken(token, str(fields.get("client_id") or ""))
    if answer.status == _TOO_MANY:
        wait = delay_s(answer)
        when = f"in {wait:g} s" if wait else "later"
        refusal: DockcredError = BusyError(
            f"{name} throttles its managed identity", f"try again {when}"
        )
    elif found is not None or is_temporary(answer):
        text = " ".join(str(value) for value in fields.values())
        refusal = problems.machine_meaning(text, whom, answer.status)
    else:
        raise garbage(name)
    if found is None:
        raise TransportError(refusal.cause, refusal.remedy)
    raise refusal


def _fields(answer: Response) -> dict[str, object] | None:
    """Return the fields of an answer; None where it is not a JSON object."""
    try:
        fields = answer.json()
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
