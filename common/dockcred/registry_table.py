"""The one place that names providers and stores: by string, loaded on use."""

from __future__ import annotations

from dockcred import environment
from dockcred.cache import directory
from dockcred.cache.files import Cache
from dockcred.errors import MissingExtraError
from dockcred.identity_store import IdentityStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.identity import Provider
    from dockcred.protocol import Store
    from dockcred.server_url import ServerURL
    from dockcred.stores.keychain_store import KeychainStore

PROVIDERS = {
    "ecr": ("dockcred.providers.ecr", "ECR"),
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


def keychain_store(name: str = "") -> KeychainStore:
    """Open the named backend, or the one that the environment chooses."""
    from dockcred.stores import choice  # noqa: PLC0415 - off a cloud helper's path
    from dockcred.stores.keychain_store import KeychainStore  # noqa: PLC0415

    variables = environment.current()
    chosen = name or choice.choose(variables)
    module, attribute = STORES[chosen]
    try:
        backend = getattr(__import__(module, fromlist=[attribute]), attribute)
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
    return "another helper"
