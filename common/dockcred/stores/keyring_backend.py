"""Load the configured backend of the keyring library, if it protects secrets."""

from __future__ import annotations

import getpass
import sys

from keyring import backend, core, errors

from dockcred.errors import InvalidInputError
from dockcred.stores.choice import configured_backend, search_path
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


SWITCH = "DOCKCRED_ALLOW_INSECURE"
_KEEPS_NOTHING = ("keyring.backends.fail", "keyring.backends.null")
_RECOMMENDED = 1


def load(environment: Environment, name: str = "") -> backend.KeyringBackend:
    """Return the named backend, else the configured one, else keyring's best.

    Raises InsecureKeychainError, KeychainAbsentError or InvalidInputError.
    """
    # A backend that asks on /dev/tty would hang docker. One that asks on stdin would
    # take the server's name for a password.
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
    """Raise InsecureKeychainError for a weak backend, also inside a chain."""
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
