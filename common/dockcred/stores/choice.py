"""Which place keeps the secrets: named, else configured for keyring, else found.

    DOCKCRED_STORE           a name of docker's or ours
    PYTHON_KEYRING_BACKEND   keyring's own variable, then its keyringrc.cfg
    a vault                  where one was made, it is meant
    the system's keychain    which on Linux needs a D-Bus session bus

The choice never depends on what answers at the moment: a keychain that is absent
today is an error, not an occasion to look for another and find it empty.
"""

from __future__ import annotations

import os
import sys

from dockcred.errors import InvalidInputError
from dockcred.stores.problems import KeychainAbsentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

NAMES = (
    "secretservice",
    "pass",
    "vault",
    "osxkeychain",
    "wincred",
    "kwallet",
    "keyring",
)
# keyring's backends for which there is a store that shares docker's own items.
_OWN = {
    "keyring.backends.SecretService.Keyring": "secretservice",
    "keyring.backends.libsecret.Keyring": "secretservice",
    "keyring.backends.macOS.Keyring": "osxkeychain",
    "keyring.backends.Windows.WinVaultKeyring": "wincred",
    "keyring.backends.kwallet.DBusKeyring": "kwallet",
}


def choose(environment: Environment) -> str:
    """Return the backend's name; KeychainAbsentError where nothing keeps secrets."""
    if named := environment.get("DOCKCRED_STORE").lower():
        if named not in NAMES:
            raise InvalidInputError(
                "DOCKCRED_STORE names no store", f"set one of {', '.join(NAMES)}"
            )
        return named
    from dockcred.stores import keyring_backend, vault_key  # noqa: PLC0415 - where none is named
    from dockcred.stores.secretservice import names  # noqa: PLC0415 - where none is named

    if backend := keyring_backend.configured_backend(environment):
        return _OWN.get(backend, "keyring")
    if os.path.exists(vault_key.path(environment)):
        return "vault"
    if sys.platform == "darwin":
        return "osxkeychain"
    if sys.platform == "win32":
        return "wincred"
    if names.find(environment):
        return "secretservice"
    raise KeychainAbsentError(
        "nothing here keeps credentials: no keychain (no D-Bus session bus) and no "
        "vault",
        "run 'dockcred vault create --key-file /etc/dockcred/vault.key', then "
        "'docker login' again",
    )
