"""The sources of an Azure identity, and the access token that each gives."""

from __future__ import annotations

import os

from dockcred.errors import InvalidInputError
from dockcred.transport.json_reader import claims_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

CLIENT_SECRET = "azure:client-secret"  # noqa: S105 - a name
CLIENT_CERTIFICATE = "azure:client-certificate"
USER_PASSWORD = "azure:user-password"  # noqa: S105 - a name
WORKLOAD_IDENTITY = "azure:workload-identity"
APP_SERVICE = "azure:app-service"
SERVICE_FABRIC = "azure:service-fabric"
ARC = "azure:arc"
MACHINE_LEARNING = "azure:machine-learning"
CLOUD_SHELL = "azure:cloud-shell"
IMDS = "azure:imds"
CLI = "azure:cli"
POWERSHELL = "azure:powershell"
DEVELOPER_CLI = "azure:developer-cli"

MANAGED = (IMDS, APP_SERVICE, SERVICE_FABRIC, ARC, MACHINE_LEARNING, CLOUD_SHELL)
PROGRAMS = {CLI: "az", POWERSHELL: "pwsh", DEVELOPER_CLI: "azd"}

_PRODUCTION = ("environment", "workload", "managed")
_DEVELOPMENT = (CLI, POWERSHELL, DEVELOPER_CLI)
_CHOICES = {
    "": (*_PRODUCTION, *_DEVELOPMENT),
    "prod": _PRODUCTION,
    "dev": _DEVELOPMENT,
    "environmentcredential": ("environment",),
    "workloadidentitycredential": ("workload",),
    "managedidentitycredential": ("managed",),
    "azureclicredential": (CLI,),
    "azurepowershellcredential": (POWERSHELL,),
    "azuredeveloperclicredential": (DEVELOPER_CLI,),
}
_ARC_AGENT = "/opt/azcmagent/bin/himds"


def plan(environment: Environment) -> tuple[str, ...]:
    """Return the sources to ask, one after the other, until one has an identity.

    A source that variables configure ends the list: if it fails, that is the answer.
    Raises InvalidInputError where AZURE_TOKEN_CREDENTIALS chooses none that we know.
    """
    found = []
    for group in _CHOICES[_choice(environment)]:
        source = _source_in(group, environment)
        if source:
            found.append(source)
        if source and source != IMDS and source not in PROGRAMS:
            break
    return tuple(found)


def is_chosen(environment: Environment) -> bool:
    """Return whether a person has named the identity: then to lack it is a failure."""
    names = ("AZURE_CLIENT_ID", "DOCKCRED_ACR_OBJECT_ID", "DOCKCRED_ACR_RESOURCE_ID")
    return bool(environment.first(*names)) or _choice(environment) not in {
        "",
        "prod",
        "dev",
    }


def _choice(environment: Environment) -> str:
    choice = environment.get("AZURE_TOKEN_CREDENTIALS").strip().lower()
    if choice not in _CHOICES:
        known = ", ".join(name for name in _CHOICES if name)
        raise InvalidInputError(
            "AZURE_TOKEN_CREDENTIALS names no credential that works without a desktop",
            f"set it to one of {known}",
        )
    return choice


def _source_in(group: str, environment: Environment) -> str:
    get = environment.get
    if group == "environment":
        return _service_principal(environment)
    if group == "workload":
        names = ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID")
        return WORKLOAD_IDENTITY if all(map(get, names)) else ""
    if group == "managed":
        return _managed(environment)
    named = _choice(environment) not in {"", "dev"}
    if named or _is_on_path(PROGRAMS[group], environment):
        return group
    return ""


def _service_principal(environment: Environment) -> str:
    get = environment.get
    if get("AZURE_CLIENT_ID") and get("AZURE_TENANT_ID"):
        if get("AZURE_CLIENT_SECRET"):
            return CLIENT_SECRET
        if get("AZURE_CLIENT_CERTIFICATE_PATH"):
            return CLIENT_CERTIFICATE
    names = ("AZURE_CLIENT_ID", "AZURE_USERNAME", "AZURE_PASSWORD")
    return USER_PASSWORD if all(map(get, names)) else ""


def _managed(environment: Environment) -> str:
    get = environment.get
    if get("IDENTITY_ENDPOINT"):
        if get("IDENTITY_HEADER"):
            fabric = get("IDENTITY_SERVER_THUMBPRINT")
            return SERVICE_FABRIC if fabric else APP_SERVICE
        return ARC if get("IMDS_ENDPOINT") else ""
    if get("MSI_ENDPOINT"):
        return MACHINE_LEARNING if get("MSI_SECRET") else CLOUD_SHELL
    return ARC if os.path.exists(_ARC_AGENT) else IMDS


def _is_on_path(program: str, environment: Environment) -> bool:
    """Search absolute directories only: the working directory may be a stranger's."""
    return any(
        os.access(f"{directory}/{program}", os.X_OK)
        for directory in environment.get("PATH").split(os.pathsep)
        if directory.startswith("/")
    )


class AccessToken:
    """A bearer token; `tenant` and `said` (tenant, application, object) come from it.

    `said` is empty where the token tells nothing. The value never shows in a repr.
    """

    __slots__ = ("principal", "tenant", "value")

    def __init__(self, value: str, client_id: str = "") -> None:
        """Read the claims; `client_id` is what the source told beside the token."""
        claims = claims_of(value.encode("utf-8", "replace"))
        self.value = value
        self.tenant = _word(claims.get("tid"))
        application = _word(claims.get("appid") or claims.get("azp") or client_id)
        bearer = _word(claims.get("oid"))
        known = application or bearer
        self.principal = f"{self.tenant}/{application}/{bearer}" if known else ""

    def __repr__(self) -> str:
        """Show whose it is."""
        return f"AccessToken({self.principal!r}, value=…)"


def _word(value: object) -> str:
    """Return only what an id is made of; the text is a stranger's."""
    text = value if isinstance(value, str) else ""
    return "".join(c for c in text[:100] if c.isascii() and (c.isalnum() or c in "-."))
