"""The only module that names providers and stores; each is imported on first use."""

from __future__ import annotations

import os

from dockcred.errors import CredentialsNotFoundError, MissingExtraError
from dockcred.identity.config import open_config
from dockcred.system import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from dockcred.credential import ServerURL
    from dockcred.identity.cache.files import Cache
    from dockcred.identity.config import Config
    from dockcred.identity.provider import Provider
    from dockcred.identity.router import Router
    from dockcred.protocol import Store
    from dockcred.protocol.kubelet.plugin import RoutingPlugin
    from dockcred.stores.by_registry import ByRegistry
    from dockcred.stores.keychain_store import KeychainStore
    from dockcred.system.environment import Environment

PROVIDERS = {
    "ecr": ("dockcred.providers.ecr", "ECR"),
    "acr": ("dockcred.providers.acr", "ACR"),
    "google": ("dockcred.providers.google", "Google"),
    "github": ("dockcred.providers.github", "GitHub"),
    "oracle": ("dockcred.providers.oracle", "Oracle"),
    "oidc": ("dockcred.providers.oidc", "OIDC"),
    "alibaba": ("dockcred.providers.alibaba", "Alibaba"),
    "secret": ("dockcred.providers.secret", "SecretProvider"),
    "gitlab": ("dockcred.providers.gitlab", "GitLabRegistries"),
}

_NUMBERED = tuple(f"{digit}.com" for digit in "0123456789")
_OWN_ENDS = {
    "gitlab": ("gitlab.com", "gitlab-dedicated.com"),
    "alibaba": (".aliyuncs.com",),
    # Each realm of Oracle has a domain: oraclecloud.com, oraclecloud8.com.
    "oracle": (".ocir.io", "cloud.com", "cloud.eu", "cloud.uk", *_NUMBERED),
}
"""By provider: the endings of the hosts that it serves without configuration."""

_NAMES_OTHERS = ("DOCKCRED_GITLAB_HOSTS", "CI_REGISTRY", "CI_DEPENDENCY_PROXY_SERVER")
"""Variables that name further GitLab hosts; glab's configuration file does so too."""

STORES = {
    "secretservice": ("dockcred.stores.secretservice.store", "SecretService"),
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
    "docker-credential-gcr": "google",
    "docker-credential-ghcr-login": "github",
    "docker-credential-acr-helper": "alibaba",
    "docker-credential-gitlab": "gitlab",
    "docker-credential-ocir": "oracle",
    "docker-credential-oidc": "",
    "docker-credential-keyring": "",
    "docker-credential-auto": "",
    "dockcred-credential-provider": "",
}
"""The helpers that `dockcred install` writes, each with its provider. The front, which
is the shell part of a launcher, reads that provider's tickets; "" means no front."""

_ONCE_ENV = ("env", "gitlabci", "magic")
ALIASES = {
    alias: f"{alias}={program}"
    for alias, program in {
        **dict.fromkeys(_ONCE_ENV, "auto"),
        **dict.fromkeys(("acr", "acr-env"), "acr-login"),
        "gcloud": "gcr",
        "glab": "gitlab",
    }.items()
}
"""Helpers of other projects, each with the helper of ours that replaces it."""


def provider(name: str, *chosen: str) -> Provider:
    """Load a provider by name; configuration alone makes it serve `chosen` hosts."""
    kind: Callable[..., Provider] = _load(*PROVIDERS[name])
    if name in {"secret", "gitlab"}:
        return kind(chosen)
    # A cloud may accept a CI job's token: then oidc loads that cloud's provider.
    return kind(provider, chosen) if name == "oidc" else kind()


def identity_store(name: str) -> Store:
    """Open one provider's registries as a store."""
    return _router((name,))


def auto_store() -> Router:
    """Open every provider's registries; the fallback store serves all others."""
    return _router(tuple(PROVIDERS), lambda: _by_registry(fallback_store))


def node_store() -> Store:
    """Open the plugin's registries for a client that speaks docker's protocol."""
    from dockcred.protocol.kubelet.plugin import node_environment  # noqa: PLC0415

    return _node_router(node_environment(environment.current()), provider)


def kubelet_plugin() -> RoutingPlugin:
    """Open every provider's registries for kubelet."""
    from dockcred.protocol.kubelet.plugin import RoutingPlugin  # noqa: PLC0415 - not for a helper

    return RoutingPlugin(environment.current(), provider, _node_router, _config)


def keychain_store(
    name: str = "", variables: Environment | None = None
) -> KeychainStore:
    """Open the named backend, or the one that the environment chooses."""
    from dockcred.stores.keychain_store import KeychainStore  # noqa: PLC0415 - as above

    variables = variables or environment.current()
    chosen = name or variables.get("DOCKCRED_STORE")
    if chosen not in STORES:
        from dockcred.stores import choice  # noqa: PLC0415 - where none is named

        chosen = choice.choose(variables)
    try:
        backend = _load(*STORES[chosen])
    except ImportError as error:
        raise MissingExtraError(
            f"{error.name} is missing, which the {chosen} store needs",
            "pip install 'dockcred[keyring,vault]'",
        ) from None
    return KeychainStore(backend(variables), variables.get("DOCKCRED_ACCOUNT"))


def keychain_for(server: ServerURL) -> KeychainStore:
    """Open the keychain that the configuration chooses for a server."""
    from dockcred.identity.config.settings import overlay  # noqa: PLC0415 - as above

    variables = environment.current()
    settings = _config(variables).settings_for(server)
    return keychain_store("", variables.with_values(overlay(settings)))


def keyring_store() -> ByRegistry:
    """Open the keychain that the configuration chooses for each registry."""
    return _by_registry(lambda chosen: keychain_store("", chosen))


def program_for(server: ServerURL) -> str:
    """Return the program that serves a host; an error message names it."""
    for name in PROVIDERS:
        if (found := provider(name)).matches(server):
            return found.program
    return "docker-credential-keyring"


def identities(variables: Environment, names: Iterable[str] = ()) -> Router:
    """Return a router over the named providers, or all, with a caller's variables."""
    return _router(tuple(names) or tuple(PROVIDERS), variables=variables)


def _router(
    names: tuple[str, ...],
    open_fallback: Callable[[], Store] | None = None,
    variables: Environment | None = None,
) -> Router:
    from dockcred.identity.router import Router  # noqa: PLC0415 - not for a keychain alone

    variables = variables or environment.current()
    return Router(
        names,
        variables,
        lambda: _config(variables),
        load=provider,
        open_cache=open_cache,
        open_fallback=open_fallback,
        program_for=program_for,
        named_hosts=lambda: _named_hosts(variables),
        rules_out=lambda name, host: _rules_out(name, host, variables),
    )


def _rules_out(name: str, host: str, variables: Environment) -> bool:
    """Return whether a host cannot be a provider's, without importing the provider.

    So a `get` for a host of another provider does not pay for the import.
    """
    ends = _OWN_ENDS.get(name)
    if not ends or host.endswith(ends):
        return False
    if name != "gitlab":
        return True
    named = any(map(variables.get, _NAMES_OTHERS))
    return not named and not any(map(os.path.exists, variables.glab_files()))


def _named_hosts(variables: Environment) -> list[str]:
    """Return the hosts that docker's config.json gives to our helpers or to a store."""
    from dockcred import clients  # noqa: PLC0415 - for `list` only

    try:
        content = clients.plain_docker_content(variables)
    except ValueError:
        from dockcred.clients.docker import read  # noqa: PLC0415 - the unusual

        content = read.config_file(variables).content
    ours = {program.removeprefix("docker-credential-") for program in PROGRAMS}
    ours.update(_ONCE_ENV)
    return clients.hosts_left_to(ours, content)


def _node_router(variables: Environment, load: Callable[[str], Provider]) -> Router:
    """Open every provider's registries on a node, where no user has a keychain."""
    from dockcred.identity.router import Router  # noqa: PLC0415 - as above

    return Router(
        PROVIDERS,
        variables,
        lambda: _config(variables),
        load=load,
        open_cache=open_cache,
        open_fallback=lambda: _by_registry(_named_store, variables),
        program_for=program_for,
    )


def _config(variables: Environment) -> Config:
    return open_config(variables, lambda: _cache(variables))


def _cache(variables: Environment, parent: str = "", *, off: bool = False) -> Cache:
    from dockcred.identity.cache.files import Cache  # noqa: PLC0415 - as above
    from dockcred.system import machine  # noqa: PLC0415 - not for a keychain alone

    return Cache("" if off else machine.locate(variables, parent))


def _by_registry(
    open_store: Callable[[Environment], Store], variables: Environment | None = None
) -> ByRegistry:
    from dockcred.stores.by_registry import ByRegistry  # noqa: PLC0415 - as above

    variables = variables or environment.current()
    return ByRegistry(variables, _config(variables), open_store)


def open_cache(served: Provider, variables: Environment) -> Cache:
    """Open the cache; variables of the replaced helper may move or disable it."""
    off = bool(served.cache_off and variables.get(served.cache_off))
    return _cache(variables, served.cache_parent, off=off)


def fallback_store(variables: Environment) -> Store:
    """Open the store for all other registries; a missing keychain counts as empty."""
    from dockcred.stores import external  # noqa: PLC0415 - as above

    chosen = variables.get("DOCKCRED_STORE")
    if chosen.startswith(external.PREFIX):
        return external.External(chosen, variables)
    if chosen:
        return keychain_store("", variables)
    from dockcred.stores import choice  # noqa: PLC0415 - where none is named

    return choice.IfPresent(lambda: keychain_store("", variables))


def _named_store(variables: Environment) -> Store:
    """Open the store of DOCKCRED_STORE; CredentialsNotFoundError if it is not set."""
    if not variables.get("DOCKCRED_STORE"):
        raise CredentialsNotFoundError
    return fallback_store(variables)


def refresh(text: bytes) -> None:
    """Refresh a credential where no process can fork; `text` is "PROVIDER SERVER"."""
    from dockcred.credential import ServerURL  # noqa: PLC0415 - once in half a life
    from dockcred.identity.store import IdentityStore  # noqa: PLC0415

    name, _, server = text.partition(b" ")
    variables, served = environment.current(), provider(name.decode())
    store = IdentityStore(served, open_cache(served, variables), variables)
    store.refresh(ServerURL.parse(server))


def _load(module: str, attribute: str) -> Any:
    return getattr(__import__(module, fromlist=[attribute]), attribute)
