"""The files that a login to az, Azure PowerShell or azd leaves and a logout changes."""

from __future__ import annotations

from dockcred.providers.acr.sources import CLI, DEVELOPER_CLI, POWERSHELL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment


def files(source: str, environment: Environment) -> tuple[str, ...]:
    """Name the files to watch; none for a source that is no login.

    Not az's msal_token_cache: az writes it whenever it renews a token of anybody's,
    while azureProfile.json changes with every login, logout and `az account set`.
    """
    home = environment.home()
    if source == CLI:
        own = environment.path("AZURE_CONFIG_DIR", ".azure")
        return tuple(f"{own}/{name}" for name in ("azureProfile.json", "clouds.config"))
    if source == POWERSHELL:
        return (f"{home}/.Azure/AzureRmContext.json",)
    if source == DEVELOPER_CLI:
        own = environment.path("AZD_CONFIG_DIR", ".azd")
        return tuple(f"{own}/{name}" for name in ("auth.json", "config.json"))
    return ()
