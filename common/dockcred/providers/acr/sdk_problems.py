"""What azure-identity's errors mean, and which of them let the next source be asked."""

from __future__ import annotations

from contextlib import contextmanager

from dockcred.errors import DockcredError, IssueError, TransportError
from dockcred.providers.acr import problems, sources
from dockcred.transport.http import may_pass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from azure.identity import CredentialUnavailableError


class Heard:
    """The status of the last response to azure-identity: its errors do not tell it."""

    status = 0

    def __call__(self, response: Any) -> None:
        """Keep the status; azure-core calls this hook with every response."""
        self.status = response.http_response.status_code

    @property
    def is_temporary(self) -> bool:
        """Return whether a retry may get another status."""
        return may_pass(self.status)


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
def translated(source: str, audience: str, heard: Heard) -> Iterator[None]:
    """Turn what azure-identity raises in the block into an IssueError with a remedy.

    The texts of its errors are searched but never shown: they may hold a secret that a
    child program printed. It is a PassedOverError or AbsentError where azure-identity's
    chain would ask the next source.
    """
    import azure.identity as theirs  # noqa: PLC0415 - `sdk` has loaded it
    from azure.core import exceptions as core  # noqa: PLC0415 - as above

    try:
        yield
    except DockcredError:
        raise
    except (core.ServiceRequestError, core.ServiceResponseError):
        raise _unreached(source) from None
    except theirs.CredentialUnavailableError as error:
        raise _unavailable(source, error, heard) from None
    except core.ClientAuthenticationError as error:
        if source == sources.IMDS:
            raise _no_metadata(str(error.message), error.__cause__, heard) from None
        raise _failed(source, str(error.message), audience, heard) from None
    except (OSError, ValueError) as error:
        if heard.status:
            raise _garbage(source, error) from None
        raise IssueError(
            f"{NAMES[source]} gave no token ({type(error).__name__})",
            "see its variables, files and certificates",
        ) from None
    except Exception as error:  # noqa: BLE001 - an SDK may raise anything
        raise _garbage(source, error) from None


def _garbage(source: str, error: Exception) -> TransportError:
    return TransportError(
        f"{NAMES[source]} did not answer as Azure does ({type(error).__name__})",
        "see what listens there: a proxy, a captive portal or another service",
    )


def _unavailable(
    source: str, error: CredentialUnavailableError, heard: Heard
) -> DockcredError:
    text = str(error.message)
    if source == sources.IMDS:
        return _no_metadata(text, error.__cause__, heard)
    if source not in sources.PROGRAMS:
        return problems.machine_meaning(text, NAMES[source], heard.status)
    if problems.code_in(text):
        return problems.meaning(text, NAMES[source], _SDK_LOGIN[source])
    if any(word in text.lower() for word in _MISSING):
        return problems.AbsentError(
            f"{NAMES[source]} is not installed", f"install {_INSTALL[source]}"
        )
    if "login" in text.lower() or "connect-azaccount" in text.lower():
        return problems.AbsentError(
            f"{NAMES[source]} is not logged in", f"run: {_SDK_LOGIN[source]}"
        )
    return _failed(source, "", "", heard)


def _no_metadata(text: str, why: BaseException | None, heard: Heard) -> DockcredError:
    """Return the error for instance metadata that gave no token.

    `text` holds the answer, if there was one. `why` is what prevented an answer.
    """
    from azure.core import exceptions as core  # noqa: PLC0415 - as above

    if isinstance(why, core.ServiceRequestError):
        return problems.AbsentError("no instance metadata of Azure's was reached")
    if isinstance(why, core.ServiceResponseError | core.IncompleteReadError):
        return _unreached(sources.IMDS)
    if not heard.is_temporary and "Token request error" not in text:
        return problems.AbsentError("what was reached is not Azure's instance metadata")
    return problems.machine_meaning(text, NAMES[sources.IMDS], heard.status)


def _failed(source: str, text: str, audience: str, heard: Heard) -> DockcredError:
    if source in sources.MANAGED:
        # azure-identity's chain ends here, even if the machine's endpoint refused.
        found = problems.machine_meaning(text, NAMES[source], heard.status)
        if isinstance(found, (problems.PassedOverError, problems.AbsentError)):
            return IssueError(found.cause, found.remedy)
        return found
    if problems.code_in(text) or source not in sources.PROGRAMS:
        return problems.meaning(text, NAMES[source], _SDK_LOGIN.get(source, ""))
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
    return TransportError(
        f"{NAMES[source]} was not reached",
        "see the network, HTTPS_PROXY and SSL_CERT_FILE",
    )
