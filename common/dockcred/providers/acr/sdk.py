"""The SDK road: any source, asked by azure-identity's own credential for it."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager

from dockcred.errors import (
    DockcredError,
    InvalidInputError,
    IssueError,
    MissingExtraError,
    TransportError,
)
from dockcred.providers.acr import problems, sources
from dockcred.providers.acr.sources import AccessToken
from dockcred.system import child_program, process
from dockcred.system.environment import Environment, adopt, become
from dockcred.transport import trust
from dockcred.transport.target import METADATA_HOSTS

try:
    import azure.identity as theirs
    from azure.core import exceptions as core
except ImportError:
    raise MissingExtraError(
        "this Azure identity needs azure-identity, which is not installed",
        "run: pip install 'dockcred[azure]'",
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from dockcred.system.environment import Environment

_CONNECT_S = 1
_READ_S = 5
_SPARE_S = 1
# Their identity is chosen where they are set up, and azure-identity refuses another.
_WITHOUT_CHOICE = (sources.CLOUD_SHELL, sources.SERVICE_FABRIC)


def token(
    source: str, authority: str, audience: str, environment: Environment
) -> AccessToken:
    """Return a source's token; AbsentError where it has no identity."""
    if kind := sources.PROGRAMS.get(source):
        environment = Environment(child_program.variables_for(kind, environment))
    _prepare(environment)
    process.set_activity(f"asking {NAMES[source]} through azure-identity")
    with translated(source, audience):
        credential = _credential(source, authority, environment)
        answer = credential.get_token(f"{audience}/.default")
    return AccessToken(answer.token)


def _prepare(environment: Environment) -> None:
    """Set variables that keep the SDK off the console, proxies and relative PATHs."""
    warnings.simplefilter("ignore")
    for name in ("azure", "msal", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    become(environment)
    excepted = environment.first("NO_PROXY", "no_proxy")
    near = ",".join((*sorted(METADATA_HOSTS), "localhost", "127.0.0.1"))
    excepted = f"{excepted},{near}" if excepted else near
    path = environment.get("PATH").split(os.pathsep)
    adopt(
        {
            "NO_PROXY": excepted,
            "no_proxy": excepted,
            "PATH": os.pathsep.join(part for part in path if part.startswith("/")),
        }
    )


def _credential(source: str, authority: str, environment: Environment) -> Any:
    network: dict[str, Any] = {
        "connection_timeout": _CONNECT_S,
        "read_timeout": _READ_S,
        "retry_total": 2,
        # Off Azure nobody answers at the metadata address, however often asked.
        "retry_connect": 0,
    }
    if source in sources.PROGRAMS:
        left = max(1, int(min(process.remaining_s(), 60) - _SPARE_S))
        return {
            sources.CLI: theirs.AzureCliCredential,
            sources.POWERSHELL: theirs.AzurePowerShellCredential,
            sources.DEVELOPER_CLI: theirs.AzureDeveloperCliCredential,
        }[source](process_timeout=left)
    if source in sources.MANAGED:
        # Private, and what DefaultAzureCredential passes: workload identity is a
        # source of its own.
        network["_exclude_workload_identity_credential"] = True
        if source not in _WITHOUT_CHOICE:
            network |= _chosen(environment)
        return theirs.ManagedIdentityCredential(**network)
    if not authority.startswith("https://"):
        raise InvalidInputError(
            "azure-identity refuses an authority without TLS",
            "name an https:// URL in AZURE_AUTHORITY_HOST",
        )
    network |= {"authority": authority, "disable_instance_discovery": True}
    if roots := trust.bundle(environment, ()):
        network["connection_verify"] = roots
    if source == sources.WORKLOAD_IDENTITY:
        return theirs.WorkloadIdentityCredential(**network)
    return theirs.EnvironmentCredential(**network)


def _chosen(environment: Environment) -> dict[str, Any]:
    """Return the argument for the identity that variables choose, if they do."""
    if client_id := environment.get("AZURE_CLIENT_ID"):
        return {"client_id": client_id}
    for variable, name in (
        ("DOCKCRED_ACR_OBJECT_ID", "object_id"),
        ("DOCKCRED_ACR_RESOURCE_ID", "resource_id"),
    ):
        if value := environment.get(variable):
            return {"identity_config": {name: value}}
    return {}


NAMES = {
    sources.CLIENT_SECRET: "Entra",
    sources.CLIENT_CERTIFICATE: "Entra",
    sources.USER_PASSWORD: "Entra",
    sources.WORKLOAD_IDENTITY: "Entra",
    sources.IMDS: "instance metadata",
    sources.APP_SERVICE: "App Service",
    sources.SERVICE_FABRIC: "Service Fabric",
    sources.ARC: "Azure Arc",
    sources.MACHINE_LEARNING: "Azure Machine Learning",
    sources.CLOUD_SHELL: "Cloud Shell",
    sources.CLI: "az",
    sources.POWERSHELL: "Azure PowerShell",
    sources.DEVELOPER_CLI: "azd",
}
_SDK_LOGIN = {
    sources.CLI: "az login",
    sources.POWERSHELL: "Connect-AzAccount",
    sources.DEVELOPER_CLI: "azd auth login",
}
_INSTALL = {
    sources.CLI: "the Azure CLI",
    sources.POWERSHELL: "PowerShell and its module Az.Accounts",
    sources.DEVELOPER_CLI: "the Azure Developer CLI",
}
_MISSING = ("not found", "not installed", "could not be found")


@contextmanager
def translated(source: str, audience: str) -> Iterator[None]:
    """Raise IssueError, with a remedy, for what azure-identity raises.

    Its texts are searched and never repeated: a child program may print a secret.
    """
    try:
        yield
    except DockcredError:
        raise
    except (core.ServiceRequestError, core.ServiceResponseError):
        raise _unreached(source) from None
    except theirs.CredentialUnavailableError as error:
        raise _unavailable(source, error) from None
    except core.ClientAuthenticationError as error:
        raise _failed(source, str(error.message), audience) from None
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise TransportError(
            f"{NAMES[source]} did not answer as Azure does ({type(error).__name__})",
            "see what listens there: a proxy, a captive portal or another service",
        ) from None
    except (core.AzureError, ValueError, OSError) as error:
        raise IssueError(
            f"{NAMES[source]} gave no token ({type(error).__name__})",
            "see its variables, files and certificates",
        ) from None


def _unavailable(
    source: str, error: theirs.CredentialUnavailableError
) -> DockcredError:
    text = str(error.message)
    if problems.code_in(text):
        return problems.meaning(text, NAMES[source])
    if source not in sources.PROGRAMS:
        # What was answered is in the text, what kept it from answering is the cause.
        why = error.__cause__
        if why is not None and not isinstance(why, core.HttpResponseError):
            return _unreached(source)
        return problems.machine_meaning(text, NAMES[source])
    if any(word in text.lower() for word in _MISSING):
        return problems.AbsentError(
            f"{NAMES[source]} is not installed", f"install {_INSTALL[source]}"
        )
    if "login" in text.lower() or "connect-azaccount" in text.lower():
        return problems.AbsentError(
            f"{NAMES[source]} is not logged in", f"run: {_SDK_LOGIN[source]}"
        )
    return _failed(source, "", "")


def _failed(source: str, text: str, audience: str) -> DockcredError:
    if problems.code_in(text) or source not in sources.PROGRAMS:
        if source in sources.MANAGED:
            return problems.machine_meaning(text, NAMES[source])
        return problems.meaning(text, NAMES[source])
    resource = f" --resource {audience}" if audience else ""
    see = {
        sources.CLI: f"az account get-access-token{resource}",
        sources.POWERSHELL: "Get-AzAccessToken",
        sources.DEVELOPER_CLI: "azd auth token",
    }[source]
    return IssueError(
        f"{NAMES[source]} gave no token in time or in shape", f"see: {see}"
    )


def _unreached(source: str) -> DockcredError:
    name = NAMES[source]
    if source == sources.IMDS:
        return problems.AbsentError("no instance metadata of Azure's was reached")
    return TransportError(
        f"{name} was not reached", "see the network, HTTPS_PROXY and SSL_CERT_FILE"
    )
