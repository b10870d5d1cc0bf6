"""Choose the store that keeps the secrets: the first of these that is there.

    DOCKCRED_STORE           the name of a store, docker's or ours
    PYTHON_KEYRING_BACKEND   keyring's own variable, then its keyringrc.cfg
    a vault                  if its file exists
    the system's keychain    on Linux this needs a D-Bus session bus

The choice never depends on which store answers now. An absent keychain is an error:
another store in its place would only be empty. `IfPresent` is for callers that can go
on without a store.
"""

from __future__ import annotations

import os
import stat
import sys

from dockcred import system
from dockcred.errors import CredentialsNotFoundError, InvalidInputError
from dockcred.stores.problems import KeychainAbsentError
from dockcred.system import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.credential import Credential, ServerURL
    from dockcred.protocol import Store
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
# keyring's backends for which we have a store that shares its items with docker's.
_OWN = {
    "keyring.backends.SecretService.Keyring": "secretservice",
    "keyring.backends.libsecret.Keyring": "secretservice",
    "keyring.backends.macOS.Keyring": "osxkeychain",
    "keyring.backends.Windows.WinVaultKeyring": "wincred",
    "keyring.backends.kwallet.DBusKeyring": "kwallet",
}


def choose(environment: Environment) -> str:
    """Return the store's name.

    Raises KeychainAbsentError if there is no store here, and InvalidInputError if
    DOCKCRED_STORE names none.
    """
    if named := environment.get("DOCKCRED_STORE").lower():
        if named not in NAMES:
            from dockcred.identity.misspelt import slip  # noqa: PLC0415 - a failure only

            raise InvalidInputError(
                "DOCKCRED_STORE names no store",
                slip(named, NAMES) or f"set one of {', '.join(NAMES)}",
            )
        return named
    from dockcred.stores.secretservice import names  # noqa: PLC0415 - where none is named

    if backend := configured_backend(environment):
        return _OWN.get(backend, "keyring")
    if os.path.exists(vault_path(environment)):
        return "vault"
    if system.KEYCHAIN:
        return system.KEYCHAIN
    if names.find(environment):
        return "secretservice"
    raise KeychainAbsentError(
        "nothing here keeps credentials: no keychain (no D-Bus session bus) and no "
        "vault",
        f"run 'dockcred vault create --key-file {_key_place(environment)}', then "
        "'docker login' again",
    )


def _key_place(environment: Environment) -> str:
    """Return a path for a vault's key, quoted for a shell.

    It is below the machine's settings if this user may write there, else below the
    user's own.
    """
    place = system.SETTINGS
    while not os.path.isdir(place):
        place = os.path.dirname(place)
    base = environment.folder("settings")
    if os.access(place, os.W_OK) or not base:
        return os.path.join(system.SETTINGS, "vault.key")
    if not base.isascii() or not base.translate(_HARMLESS).isalnum():
        from shlex import quote  # noqa: PLC0415 - its re is not for every `list`

        base = quote(base)
    return f"{base}/dockcred/vault.key"


_HARMLESS = str.maketrans("", "", "/._-")


def vault_path(environment: Environment) -> str:
    """Return the vault's path: DOCKCRED_VAULT_FILE, or below the user's data folder."""
    if chosen := named_place(environment, "DOCKCRED_VAULT_FILE"):
        return chosen
    return f"{environment.folder('data')}/dockcred/vault"


def named_place(environment: Environment, variable: str) -> str:
    """Return the file that a variable names, or "" if it is not set."""
    if not environment.get(variable):
        return ""
    return environment.path(variable, "")


def configured_backend(environment: Environment) -> str:
    """Return the full name of the configured keyring backend, or "".

    We read keyring's file ourselves. keyring would put the file's `keyring-path` on
    sys.path even if another user wrote the file, and would print warnings to stderr.
    """
    if named := environment.get("PYTHON_KEYRING_BACKEND"):
        return named
    return _options(environment).get("default-keyring", "").strip()


def search_path(environment: Environment) -> str:
    """Return the directory to import the backend from, or "".

    A file names it. It is ignored for root, and if another user owns or may write the
    file.
    """
    if environment.get("PYTHON_KEYRING_BACKEND"):
        return ""
    try:
        status = system.stat(_file(environment))
    except OSError:
        return ""
    is_ours = system.user() != 0 and status.st_uid == system.user()
    if not is_ours or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return ""
    path = _options(environment).get("keyring-path", "").strip()
    return environment.home() + path[1:] if path.startswith("~/") else path


def _file(environment: Environment) -> str:
    """Return the path of keyring's configuration file (see keyring.util.platform_)."""
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA") + "/Python Keyring"
    else:
        home = environment.get("XDG_CONFIG_HOME") or environment.home() + "/.config"
        base = f"{home}/python_keyring"
    return f"{base}/keyringrc.cfg"


def _options(environment: Environment) -> dict[str, str]:
    path = _file(environment)
    if not os.path.exists(path):
        return {}
    import configparser  # noqa: PLC0415 - only where the file exists

    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
        return dict(parser["backend"])
    except (configparser.Error, KeyError, UnicodeDecodeError):
        return {}


class IfPresent:
    """The store that `open_store` opens; an empty one if there is no keychain."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        """Open nothing yet. `left_out` gets the error that made a list incomplete."""
        self._open = open_store
        self.left_out: KeychainAbsentError | None = None

    def get(self, server: ServerURL) -> Credential:
        """Return the credential; CredentialsNotFoundError also without a keychain."""
        try:
            return self._open().get(server)
        except KeychainAbsentError as error:
            log.info(f"{server.host} is in no store: {error}")
            raise CredentialsNotFoundError from error

    def store(self, server: ServerURL, credential: Credential) -> str | None:
        """Store the credential; raise KeychainAbsentError without a keychain."""
        return self._open().store(server, credential)

    def erase(self, server: ServerURL) -> None:
        """Remove the credential; do nothing without a keychain."""
        try:
            self._open().erase(server)
        except KeychainAbsentError as error:
            log.info(f"nothing to erase: {error}")

    def list(self) -> dict[str, str]:
        """Return the stored servers with their users; {} without a keychain."""
        try:
            return self._open().list()
        except KeychainAbsentError as error:
            log.info(f"nothing to list: {error}")
            self.left_out = error
            return {}

    def after_answer(self) -> None:
        """Do nothing: a keychain defers no work until after the answer."""
