"""The SDK road: any source, asked by azure-identity's own credential for it."""

from __future__ import annotations

import logging
import os
import warnings

from dockcred.errors import InvalidInputError, MissingExtraError
from dockcred.providers.acr import problems, sources
from dockcred.providers.acr.sources import AccessToken
from dockcred.system import child_program
from dockcred.system import environment as process
from dockcred.system import process as watchdog
from dockcred.transport import trust
from dockcred.transport.target import METADATA_HOSTS

try:
    import azure.identity as theirs
except ImportError:
    raise MissingExtraError(
        "this Azure identity needs azure-identity, which is not installed",
        "run: pip install 'dockcred[azure]'",
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
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
    """Ask a source for a token; AbsentError where it has no identity."""
    if kind := sources.PROGRAMS.get(source):
        environment = process.Environment(
            child_program.variables_for(kind, environment)
        )
    _prepare(environment)
    watchdog.set_activity(f"asking {problems.NAMES[source]} through azure-identity")
    with problems.translated(source, audience):
        credential = _credential(source, authority, environment)
        answer = credential.get_token(f"{audience}/.default")
    return AccessToken(answer.token)


def _prepare(environment: Environment) -> None:
    """Keep the SDK off the console, off proxies for metadata, off relative PATHs."""
    warnings.simplefilter("ignore")
    for name in ("azure", "msal", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    process.become(environment)
    excepted = environment.first("NO_PROXY", "no_proxy")
    near = ",".join((*sorted(METADATA_HOSTS), "localhost", "127.0.0.1"))
    excepted = f"{excepted},{near}" if excepted else near
    path = environment.get("PATH").split(os.pathsep)
    process.adopt(
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
        left = max(1, int(min(watchdog.remaining_s(), 60) - _SPARE_S))
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
