"""Azure's clouds: where Entra answers, and for whom a registry wants its token.

A registry can be set to refuse Azure Resource Manager's audience, so its own comes
first; a cloud that does not know that one (disconnected, older) has the other
(learn.microsoft.com, "Disable authentication as ARM template").
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.acr.hosts import Registry

# Registry suffix: Entra's authority, ACR's audience, Resource Manager's audience.
_CLOUDS = {
    "azurecr.io": (
        "https://login.microsoftonline.com",
        "https://containerregistry.azure.net",
        "https://management.azure.com",
    ),
    "azurecr.cn": (
        "https://login.chinacloudapi.cn",
        "https://containerregistry.azure.cn",
        "https://management.chinacloudapi.cn",
    ),
    "azurecr.us": (
        "https://login.microsoftonline.us",
        "https://containerregistry.azure.us",
        "https://management.usgovcloudapi.net",
    ),
    "azurecr.de": (
        "https://login.microsoftonline.de",
        "https://containerregistry.azure.de",
        "https://management.microsoftazure.de",
    ),
}
_PUBLIC = _CLOUDS["azurecr.io"]


def authority(registry: Registry, environment: Environment) -> str:
    """Answer Entra's URL for a registry's cloud, without a slash at its end.

    AZURE_AUTHORITY_HOST may be a host or a URL, as azure-identity reads it.
    """
    named = environment.get("AZURE_AUTHORITY_HOST").strip().rstrip("/")
    if not named:
        return _CLOUDS.get(registry.suffix, _PUBLIC)[0]
    return named if "://" in named else f"https://{named}"


def audiences(registry: Registry, environment: Environment) -> tuple[str, ...]:
    """Answer the resources to ask a token for, the better one first."""
    named = environment.get("DOCKCRED_ACR_AUDIENCE").strip()
    if not named:
        return _CLOUDS.get(registry.suffix, _PUBLIC)[1:]
    if not named.startswith(("https://", "api://")) or not named.isprintable():
        raise InvalidInputError(
            "DOCKCRED_ACR_AUDIENCE is not the URI of a resource",
            "set it like https://containerregistry.azure.net",
        )
    return (named.removesuffix("/.default").rstrip("/"),)
