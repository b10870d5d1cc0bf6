"""azure-identity's errors, translated once, by type and code, at the edge."""

from __future__ import annotations

from contextlib import contextmanager

from azure.core import exceptions as core
from azure.identity import CredentialUnavailableError

from dockcred.errors import DockcredError, IssueError, TransportError
from dockcred.providers.acr import machine_problems, problems, sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

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
_LOGIN = {
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
    """Turn what azure-identity raises into a cause with a remedy.

    Its texts are searched and never repeated: a child program may print a secret.
    """
    try:
        yield
    except DockcredError:
        raise
    except (core.ServiceRequestError, core.ServiceResponseError):
        raise _unreached(source) from None
    except CredentialUnavailableError as error:
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


def _unavailable(source: str, error: CredentialUnavailableError) -> DockcredError:
    text = str(error.message)
    if problems.code_in(text):
        return problems.meaning(text, NAMES[source])
    if source not in sources.PROGRAMS:
        # What was answered is in the text, what kept it from answering is the cause.
        why = error.__cause__
        if why is not None and not isinstance(why, core.HttpResponseError):
            return _unreached(source)
        return machine_problems.meaning(text, NAMES[source])
    if any(word in text.lower() for word in _MISSING):
        return problems.AbsentError(
            f"{NAMES[source]} is not installed", f"install {_INSTALL[source]}"
        )
    if "login" in text.lower() or "connect-azaccount" in text.lower():
        return problems.AbsentError(
            f"{NAMES[source]} is not logged in", f"run: {_LOGIN[source]}"
        )
    return _failed(source, "", "")


def _failed(source: str, text: str, audience: str) -> DockcredError:
    if problems.code_in(text) or source not in sources.PROGRAMS:
        if source in sources.MANAGED:
            return machine_problems.meaning(text, NAMES[source])
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
