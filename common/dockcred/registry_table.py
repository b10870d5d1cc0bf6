"""The one place that names providers and stores: by string, loaded on use."""

from __future__ import annotations

from dockcred import environment
from dockcred.cache import directory
from dockcred.cache.files import Cache
from dockcred.config.compiled import open_config
from dockcred.router import Router

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.environment import Environment
    from dockcred.identity import Provider
    from dockcred.protocol import Store
    from dockcred.server_url import ServerURL

PROVIDERS = {
    "ecr": ("dockcred.providers.ecr", "ECR"),
}

PROGRAMS = {
    "docker-credential-ecr-login": "ecr",
}
"""The helpers that `dockcred install` writes, each with the provider it serves."""


def provider(name: str) -> Provider:
    """Load a provider by its name."""
    module, attribute = PROVIDERS[name]
    found: Provider = getattr(__import__(module, fromlist=[attribute]), attribute)()
    return found


def identity_store(name: str) -> Store:
    """Open one provider's registries as a store."""
    return _router((name,))


def identities(variables: Environment, names: Iterable[str] = ()) -> Router:
    """Route among providers, all without names, for a caller's own variables."""
    return _router(tuple(names) or tuple(PROVIDERS), variables)


def _router(names: tuple[str, ...], variables: Environment | None = None) -> Router:
    variables = variables or environment.current()
    return Router(
        names,
        variables,
        lambda: open_config(variables, Cache(directory.locate(variables))),
        load=provider,
        open_cache=_open_cache,
        program_for=program_for,
    )


def _open_cache(served: Provider, variables: Environment) -> Cache:
    """Open the cache, as the variables of the helper that we replace have it."""
    off = served.cache_off and variables.get(served.cache_off)
    return Cache("" if off else directory.locate(variables, served.cache_parent))


def program_for(server: ServerURL) -> str:
    """Name the program that serves a host, for an error that sends its user there."""
    for name in PROVIDERS:
        if (found := provider(name)).matches(server):
            return found.program
    return "another helper"
