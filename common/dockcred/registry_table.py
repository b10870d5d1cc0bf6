"""The one place that names providers and stores: by string, loaded on use."""

from __future__ import annotations

from dockcred import environment
from dockcred.cache import directory
from dockcred.cache.files import Cache
from dockcred.identity_store import IdentityStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.identity import Provider
    from dockcred.protocol import Store
    from dockcred.server_url import ServerURL

PROVIDERS = {
    "ecr": ("dockcred.providers.ecr", "ECR"),
    "acr": ("dockcred.providers.acr", "ACR"),
}


def provider(name: str) -> Provider:
    """Load a provider by its name."""
    module, attribute = PROVIDERS[name]
    found: Provider = getattr(__import__(module, fromlist=[attribute]), attribute)()
    return found


def identity_store(name: str) -> Store:
    """Open a provider's registries as a store."""
    found = provider(name)
    variables = environment.current()
    off = found.cache_off and variables.get(found.cache_off)
    path = "" if off else directory.locate(variables, found.cache_parent)
    return IdentityStore(found, Cache(path), variables)


def program_for(server: ServerURL) -> str:
    """Name the program that serves a host, for an error that sends its user there."""
    for name in PROVIDERS:
        if (found := provider(name)).matches(server):
            return found.program
    return "another helper"
