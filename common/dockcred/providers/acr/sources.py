"""The sources of an Azure identity, and the access token that each of them gives."""

from __future__ import annotations

import os

from dockcred import system
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
WITHOUT_CHOICE = (CLOUD_SHELL, SERVICE_FABRIC)
"""Sources whose identity is configured elsewhere: a request cannot choose another."""
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
_NAMED = ("DOCKCRED_ACR_OBJECT_ID", "DOCKCRED_ACR_RESOURCE_ID")
_MANAGED_CHOICE = "managedidentitycredential"
_FEDERATED = ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_CLIENT_ID")
_OF_A_POD = ("AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST")
"""The variables that the workload identity webhook sets, even without a client id."""


def plan(environment: Environment) -> tuple[str, ...]:
    """Return the sources to ask, one after the other, until one has an identity.

    An application that variables configure ends the list: if it fails, no other source
    is asked. A machine's endpoint does not end it: see `problems.is_passed_over`.

    Raises InvalidInputError where AZURE_TOKEN_CREDENTIALS has an unknown value, and
    where a pod's own identity was meant but is not named.
    """
    groups = _CHOICES[_choice(environment)]
    if is_machine_chosen(environment):
        groups = ("managed",)
    found = []
    for group in groups:
        source = _source_in(group, environment)
        if source:
            found.append(source)
        if source and group in {"environment", "workload"}:
            break
    return tuple(found)


def is_chosen(environment: Environment) -> bool:
    """Return whether a person has named the identity: its absence is then a failure.

    AZURE_CLIENT_ID alone says which identity, but not from which source. The machine's
    endpoint is asked for it, and so are the sources after that.
    """
    names = ("AZURE_CLIENT_ID", *_NAMED)
    return bool(environment.first(*names)) or _choice(environment) not in {
        "",
        "prod",
        "dev",
    }


def is_machine_chosen(environment: Environment) -> bool:
    """Return whether the machine's identity was chosen: it alone is asked then."""
    choice = _choice(environment)
    named = environment.first(*_NAMED) and choice in {"", "prod"}
    return bool(named) or choice == _MANAGED_CHOICE


def tenant(variable: str, environment: Environment) -> str:
    """Return the tenant in a variable; "" where the variable is not set.

    Raises InvalidInputError where it is neither an id nor a domain.
    """
    name = environment.get(variable)
    if name and not (
        name.isascii() and name.replace("-", "").replace(".", "").isalnum()
    ):
        raise InvalidInputError(
            f"{variable} is not a tenant", "set it to the tenant's id or domain"
        )
    return name


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
        return WORKLOAD_IDENTITY if all(map(get, _FEDERATED)) else ""
    if group == "managed":
        return _managed(environment)
    named = _choice(environment) not in {"", "dev"}
    if named or any(os.access(path, os.X_OK) for path in _on_path(group, environment)):
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
    if all(map(get, _OF_A_POD)) and not is_chosen(environment):
        # azure-identity stops here too: the identity of the node is not that of the
        # pod.
        raise InvalidInputError(
            "this pod has a federated token, but AZURE_CLIENT_ID names no application",
            "annotate its service account with azure.workload.identity/client-id, "
            "or set AZURE_CLIENT_ID",
        )
    return ARC if os.path.exists(_ARC_AGENT) else IMDS


def looked_for(environment: Environment) -> tuple[str, ...]:
    """Return the files whose existence adds a source to those that are asked."""
    programs = (_on_path(source, environment) for source in PROGRAMS)
    return (_ARC_AGENT, *(path for paths in programs for path in paths))


def _on_path(source: str, environment: Environment) -> tuple[str, ...]:
    """Return the paths where a source's program may be.

    Only absolute paths: the working directory may be a stranger's.
    """
    names = system.POWERSHELLS if source == POWERSHELL else (PROGRAMS[source],)
    return tuple(
        f"{directory}{os.sep}{name}{ending}"
        for directory in environment.get("PATH").split(os.pathsep)
        if os.path.isabs(directory)
        for name in names
        for ending in system.EXECUTABLE
    )


def about(principal: str, environment: Environment) -> dict[str, str]:
    """Return the ids in a token's TENANT/CLIENT/OBJECT, else those in the variables."""
    tenant, _, rest = principal.partition("/")
    client, _, bearer = rest.partition("/")
    get = environment.get
    found = {
        "tenant": tenant or get("AZURE_TENANT_ID"),
        "client": client or get("AZURE_CLIENT_ID"),
        "object": bearer or get("DOCKCRED_ACR_OBJECT_ID"),
        "resource": get("DOCKCRED_ACR_RESOURCE_ID"),
        "user": "" if principal else get("AZURE_USERNAME"),
    }
    return {name: value for name, value in found.items() if value}


class AccessToken:
    """An Entra token; its claims tell `tenant` and `principal`.

    `principal` is TENANT/APPLICATION/OBJECT; "" if the token tells neither of the
    latter two. The token's value never shows in a repr.
    """

    __slots__ = ("principal", "tenant", "value")

    def __init__(self, value: str, client_id: str = "") -> None:
        """Parse the claims; `client_id` is what the source told beside the token."""
        claims = claims_of(value.encode("utf-8", "replace"))
        self.value = value
        self.tenant = _word(claims.get("tid"))
        application = _word(claims.get("appid") or claims.get("azp") or client_id)
        bearer = _word(claims.get("oid"))
        known = application or bearer
        self.principal = f"{self.tenant}/{application}/{bearer}" if known else ""

    def __repr__(self) -> str:
        """Show the principal, but not the token."""
        return f"AccessToken({self.principal!r}, value=…)"


def _word(value: object) -> str:
    """Return only the characters that ids have: the text is not trusted."""
    text = value if isinstance(value, str) else ""
    return "".join(c for c in text[:100] if c.isascii() and (c.isalnum() or c in "-."))
