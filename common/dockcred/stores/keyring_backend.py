"""The keyring library's backend: as configured, and only if it protects secrets."""

from __future__ import annotations

import getpass
import os
import stat
import sys

from keyring import backend, core, errors

from dockcred.errors import InvalidInputError
from dockcred.stores.problems import (
    InsecureKeychainError,
    KeychainAbsentError,
    KeychainLockedError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

    from dockcred.system.environment import Environment


def configured_backend(environment: Environment) -> str:
    """Return the class that is asked for by its full name, or nothing."""
    if named := environment.get("PYTHON_KEYRING_BACKEND"):
        return named
    return _options(environment).get("default-keyring", "").strip()


def search_path(environment: Environment) -> str:
    """Return the directory to import the class from, if a trusted file names one.

    Never for root, and never by a file that another owns or can write.
    """
    if environment.get("PYTHON_KEYRING_BACKEND"):
        return ""
    try:
        status = os.stat(_file(environment))
    except OSError:
        return ""
    if (
        hasattr(os, "geteuid") and (os.geteuid() == 0 or status.st_uid != os.geteuid())
    ) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return ""
    path = _options(environment).get("keyring-path", "").strip()
    return environment.home() + path[1:] if path.startswith("~/") else path


def _file(environment: Environment) -> str:
    """Return keyring's configuration file, as keyring.util.platform_ places it."""
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


SWITCH = "DOCKCRED_ALLOW_INSECURE"
_KEEPS_NOTHING = ("keyring.backends.fail", "keyring.backends.null")
_RECOMMENDED = 1


def load(environment: Environment, name: str = "") -> backend.KeyringBackend:
    """Return the named, else the configured, else keyring's best backend."""
    # A backend that asks on /dev/tty would hang docker, one that asks on stdin would
    # take the server's name for its password.
    getpass.getpass = _refuse_to_ask
    name = name or configured_backend(environment)
    found = _by_name(environment, name) if name else _best()
    _refuse_insecure(found, allowed=environment.is_on(SWITCH))
    return found


def _by_name(environment: Environment, name: str) -> backend.KeyringBackend:
    if path := search_path(environment):
        sys.path.append(path)
    try:
        return core.load_keyring(name)
    except (ImportError, AttributeError, ValueError, TypeError):
        raise InvalidInputError(
            f"keyring has no backend {name}",
            "see 'keyring --list-backends', and PYTHON_KEYRING_BACKEND",
        ) from None
    except (RuntimeError, errors.KeyringError):
        raise KeychainAbsentError(
            f"keyring's backend {name} does not work here",
            "start its program, or set DOCKCRED_STORE to another store",
        ) from None


def _best() -> backend.KeyringBackend:
    found = [kept for kept in backend.get_all_keyring() if kept.priority > 0]
    if not found:
        raise KeychainAbsentError(
            "keyring finds no backend here",
            "run 'dockcred vault create' for a vault that needs none",
        )
    return max(found, key=lambda kept: kept.priority)


def _refuse_insecure(found: backend.KeyringBackend, *, allowed: bool) -> None:
    """Look at the backend, and at the members of a chain."""
    name = f"{type(found).__module__}.{type(found).__qualname__}"
    if name.startswith(_KEEPS_NOTHING):
        raise InsecureKeychainError(
            f"keyring's backend {name} keeps nothing", "set DOCKCRED_STORE to a store"
        )
    members: Iterable[backend.KeyringBackend] = getattr(found, "backends", ())
    for member in members:
        _refuse_insecure(member, allowed=allowed)
    weak = "plaintext" in name.lower() or found.priority < _RECOMMENDED
    if weak and not allowed:
        raise InsecureKeychainError(
            f"keyring's backend {name} does not protect secrets",
            f"set DOCKCRED_STORE to another store, or {SWITCH}=1 to use it anyway",
        )


def _refuse_to_ask(prompt: str = "", stream: object = None) -> NoReturn:
    del prompt, stream
    raise KeychainLockedError(
        "the keyring's backend asks for a password, and a helper has nobody to ask",
        "unlock it beforehand, or set DOCKCRED_STORE to another store",
    )
