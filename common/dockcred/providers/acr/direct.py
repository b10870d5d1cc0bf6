"""The direct road: the sources that a few plain requests serve."""

from __future__ import annotations

from dockcred.providers.acr import sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment
    from dockcred.providers.acr.tokens import AccessToken


def serves(source: str, environment: Environment) -> bool:
    """Tell whether we ask this source ourselves.

    A regional authority, and the tenant `adfs` of a disconnected cloud, have endpoints
    of their own: those are left to MSAL.
    """
    if source in {sources.IMDS, sources.APP_SERVICE}:
        return True
    if source not in {sources.CLIENT_SECRET, sources.WORKLOAD_IDENTITY}:
        return False
    regional = environment.first("AZURE_REGIONAL_AUTHORITY_NAME", "MSAL_FORCE_REGION")
    return not regional and environment.get("AZURE_TENANT_ID").lower() != "adfs"


def token(
    source: str, authority: str, audience: str, environment: Environment
) -> AccessToken:
    """Ask a source for a token; AbsentError where it has no identity."""
    from dockcred.providers.acr import entra, machine  # noqa: PLC0415 - a miss only

    if source == sources.CLIENT_SECRET:
        return entra.by_secret(authority, audience, environment)
    if source == sources.WORKLOAD_IDENTITY:
        return entra.by_federation(authority, audience, environment)
    if source == sources.APP_SERVICE:
        return machine.app_service(audience, environment)
    return machine.imds(audience, environment)
