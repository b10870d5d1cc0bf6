"""The SDK road: azure-identity has a credential class for each source."""

from __future__ import annotations

import logging
import os
import warnings
from urllib.parse import urlsplit

from dockcred.errors import InvalidInputError, MissingExtraError
from dockcred.providers.acr import sources
from dockcred.providers.acr.problems import AbsentError
from dockcred.providers.acr.sdk_problems import NAMES, Heard, translated
from dockcred.providers.acr.sources import AccessToken
from dockcred.system import child_program, process
from dockcred.system.environment import Environment, adopt, become
from dockcred.transport import trust
from dockcred.transport.http import ATTEMPTS
from dockcred.transport.target import METADATA_HOSTS, UnreachedError

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
_ENDPOINTS = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
"""The variables with endpoints of the platform that runs us. Requests there bypass
proxies, which would see the secret that is sent."""


def token(
    source: str, authority: str, audience: str, environment: Environment
) -> AccessToken:
    """Return a source's token, through azure-identity.

    Raises AbsentError where the source has no identity.
    """
    tenant = sources.tenant("DOCKCRED_ACR_TENANT_ID", environment)
    if kind := sources.PROGRAMS.get(source):
        environment = Environment(child_program.variables_for(kind, environment))
    _prepare(environment)
    process.set_activity(f"asking {NAMES[source]} through azure-identity")
    if source == sources.IMDS and not _is_named(environment):
        _check_metadata(environment)
    heard = Heard()
    with translated(source, audience, heard):
        if source in sources.PROGRAMS:
            credential = _login(source, tenant)
        else:
            credential = _credential(source, authority, environment, heard)
        answer = credential.get_token(f"{audience}/.default")
        if not isinstance(answer.token, str) or not answer.token:
            raise TypeError("the token is no text")
    return AccessToken(answer.token)


def _is_named(environment: Environment) -> bool:
    host = environment.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")
    return bool(host) or sources.is_chosen(environment)


def _check_metadata(environment: Environment) -> None:
    """Raise AbsentError where no metadata service answers at the usual address."""
    from dockcred.system.cloud import AZURE  # noqa: PLC0415 - this source only
    from dockcred.transport import metadata  # noqa: PLC0415 - as above

    try:
        metadata.check(AZURE, environment)
    except UnreachedError as error:
        raise AbsentError(f"no instance metadata ({error.cause})") from None


def _prepare(environment: Environment) -> None:
    """Set variables that keep the SDK from the console, proxies and relative PATHs."""
    warnings.simplefilter("ignore")
    for name in ("azure", "msal", "urllib3"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    become(environment)
    excepted = environment.first("NO_PROXY", "no_proxy")
    named = filter(None, (_host(environment.get(name)) for name in _ENDPOINTS))
    near = ",".join((*sorted(METADATA_HOSTS), "localhost", "127.0.0.1", *named))
    excepted = f"{excepted},{near}" if excepted else near
    path = environment.get("PATH").split(os.pathsep)
    adopt(
        {
            "NO_PROXY": excepted,
            "no_proxy": excepted,
            "PATH": os.pathsep.join(filter(os.path.isabs, path)),
        }
    )


def _host(url: str) -> str:
    """Return the host of a plain http endpoint; "" for any other."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""  # not a URL: the request itself will fail
    return (parts.hostname or "") if parts.scheme == "http" else ""


def _login(source: str, tenant: str) -> Any:
    left = max(1, int(min(process.remaining_s(), 60) - _SPARE_S))
    return {
        sources.CLI: theirs.AzureCliCredential,
        sources.POWERSHELL: theirs.AzurePowerShellCredential,
        sources.DEVELOPER_CLI: theirs.AzureDeveloperCliCredential,
    }[source](process_timeout=left, tenant_id=tenant)


def _credential(
    source: str, authority: str, environment: Environment, heard: Heard
) -> Any:
    network: dict[str, Any] = {
        "connection_timeout": _CONNECT_S,
        "read_timeout": _READ_S,
        "retry_total": ATTEMPTS - 1,
        "raw_response_hook": heard,
    }
    if source == sources.IMDS:
        # Outside of Azure nobody answers at the metadata address, however often one
        # tries.
        network["retry_connect"] = 0
    if source in sources.MANAGED:
        # This argument is private, but DefaultAzureCredential passes it too. For us,
        # workload identity is a source of its own.
        network["_exclude_workload_identity_credential"] = True
        network |= _chosen(source, environment)
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


def _chosen(source: str, environment: Environment) -> dict[str, Any]:
    """Return the argument for the identity that variables choose; {} if none do.

    Raises InvalidInputError where the source has only one identity, and variables
    choose another. Cloud Shell ignores AZURE_CLIENT_ID, since its login is a person's.
    """
    for variable, name in (
        ("DOCKCRED_ACR_RESOURCE_ID", "resource_id"),
        ("DOCKCRED_ACR_OBJECT_ID", "object_id"),
        ("AZURE_CLIENT_ID", "client_id"),
    ):
        value = environment.get(variable)
        if not value or (source, name) == (sources.CLOUD_SHELL, "client_id"):
            continue
        if source in sources.WITHOUT_CHOICE:
            raise InvalidInputError(
                f"{NAMES[source]} has one identity, and {variable} names another",
                f"unset {variable}, or set AZURE_TOKEN_CREDENTIALS",
            )
        return (
            {"client_id": value}
            if name == "client_id"
            else {"identity_config": {name: value}}
        )
    return {}
