"""The one place that names providers and stores: by string, loaded on use."""

from __future__ import annotations

from dockcred import environment
from dockcred.cache import directory
from dockcred.cache.files import Cache
from dockcred.config.compiled import open_config
from dockcred.errors import CredentialsNotFoundError, MissingExtraError
from dockcred.router import Router

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from dockcred.config.compiled import Config
    from dockcred.environment import Environment
    from dockcred.identity import Provider
    from dockcred.kubelet.plugin import Plugin
    from dockcred.protocol import Store
    from dockcred.server_url import ServerURL
    from dockcred.stores.keychain_store import KeychainStore

PROVIDERS = {
    "ecr": ("dockcred.providers.ecr", "ECR"),
    "acr": ("dockcred.providers.acr", "ACR"),
}

STORES = {
    "secretservice": ("dockcred.stores.secret_service", "SecretService"),
    "pass": ("dockcred.stores.pass_store", "PassStore"),
    "vault": ("dockcred.stores.vault", "Vault"),
    "osxkeychain": ("dockcred.stores.macos", "InternetPasswords"),
    "wincred": ("dockcred.stores.windows", "CredentialManager"),
    "kwallet": ("dockcred.stores.any_keyring", "KWallet"),
    "keyring": ("dockcred.stores.any_keyring", "AnyKeyring"),
}
"""Backends of the keychain store, by docker's names where docker has one."""

PROGRAMS = {
    "docker-credential-ecr-login": "ecr",
    "docker-credential-acr-login": "acr",
    "docker-credential-keyring": "",
    "docker-credential-auto": "",
    "dockcred-credential-provider": "",
}
"""The helpers that `dockcred install` writes, each with the provider whose tickets its
front reads; nothing for one without a front."""


def provider(name: str) -> Provider:
    """Load a provider by its name."""
    found: Provider = _load(*PROVIDERS[name])()
    return found


def identity_store(name: str) -> Store:
    """Open one provider's registries as a store."""
    return _router((name,))


def auto_store() -> Store:
    """Open every provider's registries, and the keychain for all others."""
    return _router(tuple(PROVIDERS), with_fallback=True)


def node_store() -> Store:
    """Open what kubelet's plugin answers from, for a client of the helpers' verbs."""
    from dockcred.kubelet.plugin import at_home_on_the_node  # noqa: PLC0415

    return _node_router(at_home_on_the_node(environment.current()), provider)


def kubelet_plugin() -> Plugin:
    """Open every provider's registries for kubelet."""
    from dockcred.kubelet.plugin import Plugin  # noqa: PLC0415 - not for a helper

    return Plugin(environment.current(), provider, _node_router, _config)


def keychain_store(
    name: str = "", variables: Environment | None = None
) -> KeychainStore:
    """Open the named backend, or the one that the environment chooses."""
    from dockcred.stores import choice  # noqa: PLC0415 - not for a cloud's registry
    from dockcred.stores.keychain_store import KeychainStore  # noqa: PLC0415

    variables = variables or environment.current()
    chosen = name or choice.choose(variables)
    try:
        backend = _load(*STORES[chosen])
    except ImportError as error:
        raise MissingExtraError(
            f"{error.name} is missing, which the {chosen} store needs",
            "pip install 'dockcred[keyring,vault]'",
        ) from None
    return KeychainStore(backend(variables), variables.get("DOCKCRED_ACCOUNT"))


def program_for(server: ServerURL) -> str:
    """Name the program that serves a host, for an error that sends its user there."""
    for name in PROVIDERS:
        if (found := provider(name)).matches(server):
            return found.program
    return "docker-credential-keyring"


def _router(names: tuple[str, ...], *, with_fallback: bool = False) -> Router:
    variables = environment.current()
    return Router(
        names,
        variables,
        lambda: _config(variables),
        load=provider,
        open_cache=_open_cache,
        open_fallback=_open_fallback if with_fallback else None,
        program_for=program_for,
    )


def _node_router(variables: Environment, load: Callable[[str], Provider]) -> Router:
    """Open all registries of a node, where no person has a keychain."""
    return Router(
        PROVIDERS,
        variables,
        lambda: _config(variables),
        load=load,
        open_cache=_open_cache,
        open_fallback=_open_named_store,
        program_for=program_for,
    )


def _config(variables: Environment) -> Config:
    return open_config(variables, Cache(directory.locate(variables)))


def _open_cache(served: Provider, variables: Environment) -> Cache:
    """Open the cache, as the variables of the helper that we replace have it."""
    off = served.cache_off and variables.get(served.cache_off)
    return Cache("" if off else directory.locate(variables, served.cache_parent))


def _open_fallback(variables: Environment) -> Store:
    """Open the keychain or another helper; an absent keychain keeps nothing."""
    from dockcred.stores import external  # noqa: PLC0415 - no cloud's registry
    from dockcred.stores.nothing import Nothing  # noqa: PLC0415 - no cloud's registry
    from dockcred.stores.problems import KeychainAbsentError  # noqa: PLC0415

    chosen = variables.get("DOCKCRED_STORE")
    if chosen.startswith(external.PREFIX):
        return external.External(chosen, variables)
    try:
        return keychain_store("", variables)
    except KeychainAbsentError as error:
        if chosen:
            raise
        return Nothing(error)


def _open_named_store(variables: Environment) -> Store:
    """Open the store that is named, and look for none where none is."""
    if not variables.get("DOCKCRED_STORE"):
        raise CredentialsNotFoundError
    return _open_fallback(variables)


def _load(module: str, attribute: str) -> Any:
    return getattr(__import__(module, fromlist=[attribute]), attribute)
